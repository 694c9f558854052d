#include "common/render/kustomize/name_reference.h"

#include <algorithm>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/base/status.h"
#include "common/render/kustomize/transformers.h"

namespace lockstep::kustomize {
namespace {

// What a resource is, taken once: views would not outlive the changes.
struct Facts {
  std::string name, space, written_space, kind;
  bool cluster_scoped = false;
  std::string original_space;
};

Facts FactsOf(const Resource& resource) {
  const ResourceId id = resource.CurrentId();
  return {.name = std::string(id.name),
          .space = std::string(id.space),
          .written_space = std::string(NamespaceOf(resource.value)),
          .kind = std::string(id.gvk.kind),
          .cluster_scoped = id.space == kNoNamespace,
          .original_space = std::string(resource.OriginalId().space)};
}

// Whether one list is the tail of the other; an empty one is that of anything only if `lenient`.
bool SameEnd(const std::vector<std::string>& a, const std::vector<std::string>& b, bool lenient) {
  if (a.empty() || b.empty()) return lenient || a.size() == b.size();
  const size_t size = std::min(a.size(), b.size());
  return std::equal(a.end() - static_cast<std::ptrdiff_t>(size), a.end(),
                    b.end() - static_cast<std::ptrdiff_t>(size));
}

using Positions = std::vector<size_t>;

template <typename Keep>
void Sieve(Positions* positions, Keep keep) {
  positions->erase(std::remove_if(positions->begin(), positions->end(),
                                  [&keep](size_t each) { return !keep(each); }),
                   positions->end());
}

class Fixer {
 public:
  Fixer(const TransformerConfig& config, std::vector<Resource>* items)
      : config_(config), items_(*items) {
    facts_.reserve(items_.size());
    for (size_t i = 0; i < items_.size(); ++i) {
      facts_.push_back(FactsOf(items_[i]));
      by_original_space_[facts_[i].original_space].push_back(i);
      for (const FormerName& former : items_[i].former) {
        Positions& positions = by_former_name_[former.name];
        if (positions.empty() || positions.back() != i) positions.push_back(i);
      }
    }
  }

  absl::Status FixAll() {
    for (referrer_ = 0; referrer_ < items_.size(); ++referrer_) {
      absl::Status status = ReadSubjects();
      // Where nothing was renamed, nothing is to be fixed.
      if (status.ok() && !by_former_name_.empty()) status = FixOne();
      LOCKSTEP_RETURN_IF_ERROR(OfObject(status, items_[referrer_]));
    }
    return absl::OkStatus();
  }

 private:
  // A row of the table, and one of its fields.
  struct Entry {
    const NameReferenceRow* row;
    const FieldSpec* spec;
  };

  const std::vector<Entry>& EntriesOf(absl::string_view kind) {
    const auto [found, is_new] = entries_.try_emplace(std::string(kind));
    if (!is_new) return found->second;
    for (const NameReferenceRow& row : config_.name_reference) {
      for (const FieldSpec& spec : row.referrers) {
        if (spec.kind.empty() || spec.kind == kind) found->second.push_back({&row, &spec});
      }
    }
    return found->second;
  }

  absl::Status FixOne() {
    Resource& referrer = items_[referrer_];
    const std::vector<Entry>& entries = EntriesOf(referrer.OriginalId().gvk.kind);
    if (entries.empty()) return absl::OkStatus();
    for (const Entry& entry : entries) {
      if (!Applies(*entry.spec, referrer.OriginalId().gvk)) continue;
      entry_ = entry;
      LOCKSTEP_RETURN_IF_ERROR(VisitField(*entry.spec, CreateKind::kNothing, &referrer.value,
                                          [this](Value* value) { return Set(value); }));
    }
    return absl::OkStatus();
  }

  // The namespaces of a RoleBinding's ServiceAccounts: what it refers to may be there.
  absl::Status ReadSubjects() {
    subject_spaces_.clear();
    if (facts_[referrer_].kind != "RoleBinding") return absl::OkStatus();
    const Value* const subjects = items_[referrer_].value.Find("subjects");
    if (subjects == nullptr || !subjects->IsArray()) return absl::OkStatus();
    for (const Value& subject : subjects->AsArray()) {
      const Value* const space = subject.Find("namespace");
      if (space == nullptr || subject.StringAt("kind") != "ServiceAccount") continue;
      if (!space->IsString()) {
        return absl::InvalidArgumentError(
            "a subject has a namespace that is no text; name one or remove the field");
      }
      subject_spaces_.insert(space->AsString());
    }
    return absl::OkStatus();
  }

  bool CouldBeMeant(size_t candidate) const {
    const Facts& from = facts_[referrer_];
    const Facts& to = facts_[candidate];
    return from.cluster_scoped || to.cluster_scoped || from.space == to.space ||
           subject_spaces_.contains(to.written_space);
  }

  absl::Status Set(Value* value) {
    if (value->IsNull()) return absl::OkStatus();
    if (value->IsObject()) return SetMapping(value);
    if (!value->IsArray()) return SetScalar(value);
    for (Value& item : value->AsArray()) {
      if (item.IsArray()) return absl::InvalidArgumentError("a list of lists holds no names");
      LOCKSTEP_RETURN_IF_ERROR(Set(&item));
    }
    return absl::OkStatus();
  }

  absl::Status SetScalar(Value* value) {
    LOCKSTEP_ASSIGN_OR_RETURN(
        const std::optional<size_t> target,
        Select(
            ScalarText(*value), [this](size_t each) { return CouldBeMeant(each); }, false));
    if (target) SetText(facts_[*target].name, value);
    return absl::OkStatus();
  }

  absl::Status SetMapping(Value* value) {
    Value* const name = value->Find("name");
    if (name == nullptr || name->IsNull()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the mapping at ", entry_.spec->path, " has no name; add it"));
    }
    const Value* const space = value->Find("namespace");
    const bool has_space = space != nullptr && !space->IsNull();
    const std::string wanted(has_space ? ScalarText(*space) : absl::string_view());
    const bool by_original = has_space && OriginallyIn(wanted);
    const auto could_be_meant = [&](size_t each) {
      if (!CouldBeMeant(each)) return false;
      if (!has_space) return true;
      return (by_original ? facts_[each].original_space : facts_[each].space) == wanted;
    };
    LOCKSTEP_ASSIGN_OR_RETURN(const std::optional<size_t> target,
                              Select(ScalarText(*name), could_be_meant, true));
    if (!target) return absl::OkStatus();
    const Facts& facts = facts_[*target];
    SetText(facts.name, name);
    if (!facts.written_space.empty()) {
      value->AsObject().Set("namespace", Value::String(facts.written_space));
    }
    return absl::OkStatus();
  }

  bool OriginallyIn(const std::string& space) const {
    const auto found = by_original_space_.find(space);
    return space != kNoNamespace && found != by_original_space_.end() &&
           std::any_of(found->second.begin(), found->second.end(),
                       [this](size_t each) { return CouldBeMeant(each); });
  }

  static void SetText(absl::string_view text, Value* value) {
    if (ScalarText(*value) == text) return;
    const Place place = value->place();
    *value = Value::String(text);
    value->set_place(place);
  }

  bool HadKind(size_t position, const Gvk& selector) const {
    const Resource& resource = items_[position];
    for (size_t i = 0; i < resource.former.size(); ++i) {
      if (resource.FormerId(i).gvk.IsSelectedBy(selector)) return true;
    }
    return false;
  }

  // The object that is meant by `name`, if any. `with_space`: its namespace matters too.
  template <typename Could>
  absl::StatusOr<std::optional<size_t>> Select(absl::string_view name, Could could_be_meant,
                                               bool with_space) const {
    const auto found = by_former_name_.find(name);
    if (found == by_former_name_.end()) return std::nullopt;
    const Resource& referrer = items_[referrer_];
    Positions left = found->second;
    Sieve(&left, could_be_meant);
    Sieve(&left, [this](size_t each) { return HadKind(each, entry_.row->gvk()); });
    SieveByRoleRef(&left);
    Sieve(&left, [this](size_t each) { return IsInReach(each); });
    if (left.size() == 1) return left.front();
    for (const bool lenient : {true, false}) {
      if (!lenient && left.size() <= 1) break;
      Sieve(&left, [&](size_t each) {
        return SameEnd(items_[each].prefixes, referrer.prefixes, lenient) &&
               SameEnd(items_[each].suffixes, referrer.suffixes, lenient);
      });
    }
    if (left.empty()) return std::nullopt;
    const Facts& first = facts_[left.front()];
    const bool same = std::all_of(left.begin(), left.end(), [&](size_t each) {
      return facts_[each].name == first.name &&
             (!with_space || facts_[each].written_space == first.written_space);
    });
    if (same) return left.front();
    return absl::InvalidArgumentError(
        absl::StrCat("\"", name, "\" at ", entry_.spec->path, " may mean any of ",
                     absl::StrJoin(left, ", ",
                                   [this](std::string* out, size_t each) {
                                     out->append(items_[each].CurrentId().ToString());
                                   }),
                     "; give them names that differ"));
  }

  void SieveByRoleRef(Positions* positions) const {
    if (!absl::EndsWith(entry_.spec->path, "roleRef/name")) return;
    const Value* const role = items_[referrer_].value.Find("roleRef");
    const Value* const group = role == nullptr ? nullptr : role->Find("apiGroup");
    const Value* const kind = role == nullptr ? nullptr : role->Find("kind");
    if (group == nullptr || kind == nullptr) return;
    const Gvk wanted = {.group = ScalarText(*group), .kind = ScalarText(*kind)};
    Sieve(positions, [&](size_t each) { return HadKind(each, wanted); });
  }

  bool IsInReach(size_t candidate) const {
    const Facts& from = facts_[referrer_];
    const Facts& to = facts_[candidate];
    return from.cluster_scoped || to.cluster_scoped || to.kind == "ServiceAccount" ||
           from.space == to.space;
  }

  const TransformerConfig& config_;
  std::vector<Resource>& items_;
  std::vector<Facts> facts_;
  absl::flat_hash_map<std::string, Positions> by_former_name_;
  absl::flat_hash_map<std::string, Positions> by_original_space_;
  absl::flat_hash_map<std::string, std::vector<Entry>> entries_;  // By the referrer's kind.

  // What is being fixed.
  size_t referrer_ = 0;
  Entry entry_ = {};
  absl::flat_hash_set<std::string> subject_spaces_;
};

}  // namespace

absl::Status FixNameReferences(const TransformerConfig& config, ResourceList* list) {
  return Fixer(config, &list->items()).FixAll();
}

}  // namespace lockstep::kustomize
