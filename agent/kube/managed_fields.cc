#include "agent/kube/managed_fields.h"

#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/object/json.h"

namespace lockstep {
namespace {

const Value::Array& EntriesOf(const Value& metadata) {
  static const Value::Array* const kNone = new Value::Array();
  const Value* entries = metadata.Find("managedFields");
  return entries != nullptr && entries->IsArray() ? entries->AsArray() : *kNone;
}

bool IsOurs(const Value& entry) {
  return entry.StringAt("manager") == kFieldManager && entry.StringAt("operation") == "Apply" &&
         entry.StringAt("subresource").empty();
}

const Value* OurEntry(const Value& metadata) {
  for (const Value& entry : EntriesOf(metadata)) {
    if (IsOurs(entry)) return &entry;
  }
  return nullptr;
}

// Whether a list's item is the one that the key "k:{"name":"web"}" means.
bool ItemHas(const Value& item, const Value& keys) {
  if (!item.IsObject()) return false;
  for (const Object::Member& key : keys.AsObject()) {
    const Value* value = item.Find(key.key);
    // What is left out of the key's fields has a default that is not known here.
    if (value != nullptr && !(*value == key.value)) return false;
  }
  return true;
}

// The part of a fieldsV1 tree for one item of a list: by key, by value; null where there is none.
const Value* FieldsOfItem(const Value& fields, const Value& item) {
  for (const Object::Member& member : fields.AsObject()) {
    const absl::string_view key = member.key;
    if (!absl::StartsWith(key, "k:") && !absl::StartsWith(key, "v:")) continue;
    const absl::StatusOr<Value> parsed = ReadJson(key.substr(2), "key");
    if (!parsed.ok()) continue;
    const bool same =
        key[0] == 'v' ? *parsed == item : parsed->IsObject() && ItemHas(item, *parsed);
    if (same) return &member.value;
  }
  return nullptr;
}

// "[name="web"]", after the first key of the list's own.
std::string ItemName(const Value& list_fields, const Value& item, size_t position) {
  for (const Object::Member& member : list_fields.AsObject()) {
    if (!absl::StartsWith(member.key, "k:")) continue;
    const absl::StatusOr<Value> keys = ReadJson(absl::string_view(member.key).substr(2), "key");
    if (!keys.ok() || !keys->IsObject()) continue;
    for (const Object::Member& key : keys->AsObject()) {
      const Value* value = item.Find(key.key);
      if (value != nullptr) return absl::StrCat("[", key.key, "=", WriteJson(*value, 0), "]");
    }
  }
  const absl::string_view name = item.StringAt("name");
  return name.empty() ? absl::StrCat("[", position, "]") : absl::StrCat("[name=\"", name, "\"]");
}

// Steps into a fieldsV1 tree, to ask another manager's entry for the same place.
using Steps = std::vector<std::pair<std::string, const Value*>>;  // "f:NAME", or "" and the item.

const Value* Follow(const Value* fields, const Steps& steps) {
  for (const auto& [name, item] : steps) {
    if (fields == nullptr || !fields->IsObject()) return nullptr;
    fields = item == nullptr ? fields->Find(name) : FieldsOfItem(*fields, *item);
  }
  return fields;
}

class Comparison {
 public:
  Comparison(const Value& metadata, size_t most) : metadata_(metadata), most_(most) {}

  void Compare(const Value& wanted, const Value& ours, const std::string& path) {
    if (wanted.IsObject()) {
      for (const Object::Member& member : wanted.AsObject()) CompareMember(member, ours, path);
    } else if (wanted.IsArray()) {
      CompareItems(wanted.AsArray(), ours, path);
    }
  }

  std::vector<LostField> Take() { return std::move(lost_); }

 private:
  // Says nothing of what the server keeps in no entry.
  bool IsIdentity(absl::string_view name) const {
    if (steps_.empty()) return name == "apiVersion" || name == "kind";
    return steps_.size() == 1 && steps_[0].first == "f:metadata" &&
           (name == "name" || name == "namespace");
  }

  void CompareMember(const Object::Member& member, const Value& ours, const std::string& path) {
    if (lost_.size() >= most_ || IsIdentity(member.key) || member.value.IsNull()) return;
    const std::string step = absl::StrCat("f:", member.key);
    steps_.emplace_back(step, nullptr);
    Descend(member.value, ours.Find(step), absl::StrCat(path, ".", member.key));
    steps_.pop_back();
  }

  void CompareItems(const Value::Array& items, const Value& ours, const std::string& path) {
    for (size_t i = 0; i < items.size() && lost_.size() < most_; ++i) {
      steps_.emplace_back("", &items[i]);
      Descend(items[i], FieldsOfItem(ours, items[i]),
              absl::StrCat(path, ItemName(ours, items[i], i)));
      steps_.pop_back();
    }
  }

  // An empty tree of fields is a leaf: the whole value is ours (an atomic list, say).
  void Descend(const Value& wanted, const Value* ours, const std::string& path) {
    if (ours == nullptr) {
      // A mapping without members of its own has no entry.
      if (wanted.IsObject() && wanted.AsObject().empty()) return;
      Lose(path);
    } else if (ours->IsObject() && !ours->AsObject().empty()) {
      Compare(wanted, *ours, path);
    }
  }

  void Lose(const std::string& path) {
    LostField lost;
    lost.path = path;
    for (const Value& entry : EntriesOf(metadata_)) {
      if (IsOurs(entry) || Follow(entry.Find("fieldsV1"), steps_) == nullptr) continue;
      absl::Time time;
      const bool said = absl::ParseTime(absl::RFC3339_full, entry.StringAt("time"), &time, nullptr);
      if (!lost.manager.empty() && (!said || time <= lost.time)) continue;  // The newest did it.
      lost.manager = std::string(entry.StringAt("manager"));
      lost.time = said ? time : absl::InfinitePast();
    }
    lost_.push_back(std::move(lost));
  }

  const Value& metadata_;
  const size_t most_;
  Steps steps_;
  std::vector<LostField> lost_;
};

}  // namespace

std::optional<Digest> MarkOf(const Value& metadata) {
  const Value* const entry = OurEntry(metadata);
  if (entry == nullptr) return std::nullopt;
  const Value* const fields = entry->Find("fieldsV1");
  if (fields == nullptr) return std::nullopt;
  return Digest::Of(absl::StrCat(entry->StringAt("time"), "\n", CanonicalJson(*fields)));
}

std::vector<LostField> LostFields(const Value& wanted, const Value& metadata, size_t most) {
  Comparison comparison(metadata, most);
  const Value* const entry = OurEntry(metadata);
  const Value* const fields = entry == nullptr ? nullptr : entry->Find("fieldsV1");
  const Value none = Value::MakeObject();
  comparison.Compare(wanted, fields != nullptr && fields->IsObject() ? *fields : none, "");
  return comparison.Take();
}

}  // namespace lockstep
