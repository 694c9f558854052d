#include "common/render/patch/strategic_merge.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/base/status.h"
#include "common/render/patch/merger.h"
#include "common/render/patch/scalar.h"

namespace lockstep {
namespace patch {
namespace {

constexpr absl::string_view kDirective = "$patch";

bool IsNothing(const Value* value) { return value == nullptr || value->IsNull(); }

/// Mapping, list and scalar are what must agree; the kinds of scalar may differ.
Value::Type Shape(const Value& value) {
  return value.IsArray() || value.IsObject() ? value.type() : Value::Type::kString;
}

/// A value that replaces a scalar takes over how that was quoted: a number that is put in place of
/// "80" becomes a string.
void TakeOverQuotes(const Value& base, Value* value) {
  if (value->IsArray() || value->IsObject()) return;
  if (base.is_quoted() && !value->IsString()) {
    const Place place = value->place();
    *value = Value::TakeString(TextOf(*value));
    value->set_place(place);
  }
  value->set_quoted(base.is_quoted());
  if (base.is_quoted()) value->set_plain_time(false);
}

/// `positions` are in order.
void RemoveAt(const std::vector<size_t>& positions, Object* map) {
  if (positions.empty()) return;
  std::vector<Object::Member> kept;
  kept.reserve(map->size() - positions.size());
  size_t next = 0;
  for (size_t i = 0; i < map->size(); ++i) {
    if (next < positions.size() && positions[next] == i) {
      ++next;
    } else {
      kept.push_back(std::move(map->begin()[i]));
    }
  }
  map->Assign(std::move(kept));
}

}  // namespace

absl::Status Merger::Fault(const Value& at, absl::string_view what) {
  fault_ = at.place();
  return absl::InvalidArgumentError(absl::StrCat(absl::StrJoin(path_, "."), ": ", what));
}

absl::StatusOr<Directive> Merger::ParseDirective(const Value& value) {
  const std::string text = TextOf(value);
  if (text == "merge") return Directive::kMerge;
  if (text == "replace") return Directive::kReplace;
  if (text == "delete") return Directive::kDelete;
  return Fault(value,
               absl::StrCat("\"$patch: ", text, "\" is unknown; write merge, replace or delete"));
}

absl::StatusOr<Directive> Merger::TakeDirective(Object* map) {
  const Value* value = map->Find(kDirective);
  if (value == nullptr) return Directive::kMerge;
  LOCKSTEP_ASSIGN_OR_RETURN(const Directive directive, ParseDirective(*value));
  map->Remove(kDirective);
  return directive;
}

absl::StatusOr<Directive> Merger::TakeDirective(Value::Array* list) {
  for (const Value& element : *list) {
    const Value* value = element.Find(kDirective);
    if (value == nullptr) continue;
    if (element.AsObject().size() > 1) return Directive::kMerge;  // Meant for the element.
    LOCKSTEP_ASSIGN_OR_RETURN(const Directive directive, ParseDirective(*value));
    // All elements with this directive go, and those that say nothing.
    const std::string text = TextOf(*value);
    std::erase_if(*list, [&text](const Value& other) {
      if (other.IsNull() || (other.IsObject() && other.AsObject().empty())) return true;
      const Value* its = other.Find(kDirective);
      return its != nullptr && TextOf(*its) == text;
    });
    return directive;
  }
  return Directive::kMerge;
}

const MergeSchema::Type* Merger::TypeOf(const Value* base, const Value* patch) const {
  for (const Value* value : {base, patch}) {
    if (value == nullptr) continue;
    const Value* kind = value->Find("kind");
    const Value* version = value->Find("apiVersion");
    if (kind == nullptr || version == nullptr || !kind->IsString() || !version->IsString())
      continue;
    if (const auto* type = schema_->Find(version->AsString(), kind->AsString())) return type;
  }
  return nullptr;
}

absl::StatusOr<Left> Merger::Merge(Value* base, Value* patch, const MergeSchema::Type* type) {
  if (type == nullptr) type = TypeOf(base, patch);
  const Value* first = IsNothing(base) ? patch : base;
  if (IsNothing(first)) return MergeMaps(base, patch, type);
  if (!IsNothing(patch) && Shape(*first) != Shape(*patch)) {
    return Fault(*patch,
                 absl::StrCat("the patch has a ", patch->TypeName(), " where the resource has a ",
                              first->TypeName(), "; write the same"));
  }
  if (first->IsObject()) return MergeMaps(base, patch, type);
  if (first->IsArray() && type != nullptr && type->merges) return MergeLists(base, patch, type);
  return patch != nullptr ? Left::kPatch : Left::kBase;
}

absl::StatusOr<Left> Merger::MergeMaps(Value* base, Value* patch, const MergeSchema::Type* type) {
  if (IsNothing(base)) {
    if (patch == nullptr) {
      // A null that is spelled out stays.
      return base != nullptr && !base->source_text().empty() ? Left::kBase : Left::kNothing;
    }
    if (patch->IsNull()) return Left::kNothing;
    const absl::StatusOr<Directive> directive = TakeDirective(&patch->AsObject());
    if (directive.ok() && *directive == Directive::kDelete) return Left::kNothing;
    LOCKSTEP_RETURN_IF_ERROR(MergeFields(&patch->AsObject(), &patch->AsObject(), type));
    return Left::kPatch;
  }
  if (patch == nullptr) {
    LOCKSTEP_RETURN_IF_ERROR(MergeFields(&base->AsObject(), nullptr, type));
    return Left::kBase;
  }
  if (patch->IsNull()) return Left::kNothing;
  LOCKSTEP_ASSIGN_OR_RETURN(const Directive directive, TakeDirective(&patch->AsObject()));
  if (directive == Directive::kDelete) return Left::kNothing;
  Object* into = directive == Directive::kReplace ? &patch->AsObject() : &base->AsObject();
  LOCKSTEP_RETURN_IF_ERROR(MergeFields(into, &patch->AsObject(), type));
  return directive == Directive::kReplace ? Left::kPatch : Left::kBase;
}

absl::Status Merger::MergeFields(Object* into, Object* from, const MergeSchema::Type* type) {
  std::vector<size_t> removed;
  const size_t own = into->size();
  for (size_t i = 0; i < own; ++i) {
    Object::Member& member = into->begin()[i];
    Value* patch = from == nullptr ? nullptr
                   : from == into  ? &member.value
                                   : from->Find(member.key);
    LOCKSTEP_RETURN_IF_ERROR(MergeField(into, i, patch, type, &removed));
  }
  if (from != nullptr && from != into) {
    for (Object::Member& member : *from) {
      if (into->Contains(member.key)) continue;
      // Merged with itself, as its own base: nulls and directives go.
      path_.push_back(member.key);
      LOCKSTEP_ASSIGN_OR_RETURN(
          const Left left,
          Merge(nullptr, &member.value, type == nullptr ? nullptr : type->Field(member.key)));
      path_.pop_back();
      if (left == Left::kNothing || member.value.IsNull()) continue;
      into->Set(member.key, member.value);
    }
  }
  RemoveAt(removed, into);
  return absl::OkStatus();
}

absl::Status Merger::MergeField(Object* into, size_t index, Value* patch,
                                const MergeSchema::Type* type, std::vector<size_t>* removed) {
  Object::Member& member = into->begin()[index];
  path_.push_back(member.key);
  LOCKSTEP_ASSIGN_OR_RETURN(
      const Left left,
      Merge(&member.value, patch, type == nullptr ? nullptr : type->Field(member.key)));
  path_.pop_back();
  if (left == Left::kPatch && patch != &member.value) {
    if (patch->IsNull()) {
      removed->push_back(index);
      return absl::OkStatus();
    }
    if (!member.value.IsArray() && !member.value.IsObject()) TakeOverQuotes(member.value, patch);
    member.value = *patch;  // A copy: of a list, the element may be asked for its key again.
  } else if (left == Left::kNothing ||
             (member.value.IsNull() && (left == Left::kPatch || patch != nullptr))) {
    removed->push_back(index);
  }
  return absl::OkStatus();
}

}  // namespace patch

absl::StatusOr<PatchOutcome> ApplyStrategicMerge(Value* target, const Value& patch,
                                                 const MergeSchema& schema, Place* fault) {
  Value changed = patch;  // Directives are taken out as they are met.
  patch::Merger merger(&schema);
  const absl::StatusOr<patch::Left> left = merger.Merge(target, &changed, nullptr);
  if (!left.ok()) {
    if (fault != nullptr) *fault = merger.fault();
    return left.status();
  }
  // "$patch: replace" of a whole resource changes nothing, as there: what is left lies in the
  // patch.
  return *left == patch::Left::kNothing ? PatchOutcome::kDeleted : PatchOutcome::kPatched;
}

}  // namespace lockstep
