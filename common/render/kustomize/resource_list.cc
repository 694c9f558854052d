#include "common/render/kustomize/resource_list.h"

#include <algorithm>
#include <map>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"

namespace lockstep::kustomize {
namespace {

using Texts = std::map<std::string, std::string>;

Texts TextsOf(const Value* map) {
  Texts texts;
  if (map == nullptr || !map->IsObject()) return texts;
  for (const Object::Member& member : map->AsObject()) {
    texts[member.key] = std::string(ScalarText(member.value));
  }
  return texts;
}

Value MapOf(const Texts& texts) {
  Object object;
  for (const auto& [key, text] : texts) object.Add(key, Value::String(text));
  return Value::MakeObject(std::move(object));
}

// The two maps at `key` of `old` and `made` united in `made`, whose values win. An empty one is
// taken away.
void Unite(absl::string_view key, const Value& old, Value* made) {
  Texts texts = TextsOf(made->Find(key));
  const Texts olds = TextsOf(old.Find(key));
  texts.insert(olds.begin(), olds.end());
  if (texts.empty()) {
    made->AsObject().Remove(key);
  } else {
    made->AsObject().Set(key, MapOf(texts));
  }
}

absl::string_view NameOf(Behavior behavior) {
  switch (behavior) {
    case Behavior::kMerge:
      return "merge";
    case Behavior::kReplace:
      return "replace";
    case Behavior::kCreate:
      return "create";
    case Behavior::kUnspecified:
      break;
  }
  return "unspecified";
}

}  // namespace

ResourceList::Key ResourceList::KeyOf(const ResourceId& id) {
  return {.group = std::string(id.gvk.group),
          .version = std::string(id.gvk.version),
          .kind = std::string(id.gvk.kind),
          .name = std::string(id.name),
          .space = std::string(id.space)};
}

void ResourceList::DropEmpty() {
  const auto first = std::remove_if(items_.begin(), items_.end(),
                                    [](const Resource& each) { return each.IsEmpty(); });
  if (first == items_.end()) return;
  items_.erase(first, items_.end());
  indexed_ = false;
}

void ResourceList::AddToIndex(size_t position) {
  const auto add = [position](std::vector<size_t>& positions) {
    if (positions.empty() || positions.back() != position) positions.push_back(position);
  };
  const Resource& resource = items_[position];
  current_.emplace(KeyOf(resource.CurrentId()), position);
  for (const ResourceId& id : resource.AllIds()) add(any_id_[KeyOf(id)]);
  add(by_name_[resource.OriginalId().name]);
  add(by_name_[resource.CurrentId().name]);
}

void ResourceList::Index() {
  if (indexed_) return;
  current_.clear();
  any_id_.clear();
  by_name_.clear();
  for (size_t i = 0; i < items_.size(); ++i) AddToIndex(i);
  indexed_ = true;
}

absl::Status ResourceList::Append(Resource resource) {
  Index();
  const ResourceId id = resource.CurrentId();
  const auto there = current_.find(KeyOf(id));
  if (there != current_.end()) {
    const std::string& file = items_[there->second].file;
    return absl::InvalidArgumentError(absl::StrCat(
        id.ToString(), " is there already", file.empty() ? "" : absl::StrCat(", from ", file),
        "; remove one of the two or give it another name"));
  }
  items_.push_back(std::move(resource));
  AddToIndex(items_.size() - 1);
  return absl::OkStatus();
}

absl::Status ResourceList::AppendAll(std::vector<Resource> resources) {
  if (items_.empty()) {
    items_ = std::move(resources);
    indexed_ = false;
    return CheckUnique();
  }
  for (Resource& resource : resources) LOCKSTEP_RETURN_IF_ERROR(Append(std::move(resource)));
  return absl::OkStatus();
}

std::vector<size_t> ResourceList::FindAnyId(const ResourceId& id) {
  Index();
  const auto found = any_id_.find(KeyOf(id));
  return found == any_id_.end() ? std::vector<size_t>() : found->second;
}

absl::StatusOr<size_t> ResourceList::FindOnly(const ResourceId& id) {
  const std::vector<size_t> found = FindAnyId(id);
  if (found.size() == 1) return found.front();
  return absl::InvalidArgumentError(
      found.empty() ? absl::StrCat("there is no ", id.ToString(),
                                   " to change; correct the name or give the patch a target")
                    : absl::StrCat(found.size(), " objects are or were ", id.ToString(),
                                   "; give the patch a target that matches one"));
}

absl::StatusOr<std::vector<size_t>> ResourceList::Select(const SelectorSpec& spec) {
  LOCKSTEP_ASSIGN_OR_RETURN(const Selector selector, Selector::Compile(spec));
  std::vector<size_t> selected;
  // A name without special characters is looked up.
  if (!spec.name.empty() && spec.name.find_first_of("\\.+*?()|[]{}^$") == std::string::npos) {
    Index();
    const auto found = by_name_.find(spec.name);
    if (found != by_name_.end()) selected = found->second;
    selected.erase(std::remove_if(selected.begin(), selected.end(),
                                  [&](size_t each) { return !selector.Matches(items_[each]); }),
                   selected.end());
    return selected;
  }
  for (size_t i = 0; i < items_.size(); ++i) {
    if (selector.Matches(items_[i])) selected.push_back(i);
  }
  return selected;
}

absl::Status ResourceList::CheckUnique() const {
  absl::flat_hash_map<ResourceId, size_t> seen;
  seen.reserve(items_.size());
  for (size_t i = 0; i < items_.size(); ++i) {
    const auto [first, is_new] = seen.emplace(items_[i].CurrentId(), i);
    if (is_new) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "two objects are ", first->first.ToString(), ": from ", items_[first->second].file, " and ",
        items_[i].file, "; give one of them another name"));
  }
  return absl::OkStatus();
}

void MakeTexts(absl::string_view key, Value* parent) {
  const Value* const map = parent->Find(key);
  if (map == nullptr) return;
  if (!map->IsObject() || map->AsObject().empty()) {
    parent->AsObject().Remove(key);
    return;
  }
  for (Object::Member& member : parent->Find(key)->AsObject()) {
    if (member.value.IsString()) {
      member.value.set_plain_time(false);
      continue;
    }
    const Place place = member.value.place();
    member.value = Value::String(ScalarText(member.value));
    member.value.set_place(place);
  }
}

void MergeMetadata(const Resource& old, Resource* generated) {
  Value& value = generated->value;
  Value& metadata = *value.Find("metadata");
  const Value empty;
  const Value* const old_metadata = old.value.Find("metadata");
  Unite("labels", old_metadata == nullptr ? empty : *old_metadata, &metadata);
  Unite("annotations", old_metadata == nullptr ? empty : *old_metadata, &metadata);
  SetName(old.CurrentId().name, &value);
  SetNamespace(NamespaceOf(old.value), &value);
  // What is remembered is the earlier one's. A hash needs both.
  generated->former = old.former;
  generated->prefixes = old.prefixes;
  generated->suffixes = old.suffixes;
  generated->vars = old.vars;
  generated->transformations = old.transformations;
  generated->needs_hash = generated->needs_hash && old.needs_hash;
  generated->behavior = old.behavior;
}

absl::Status ResourceList::Absorb(Resource generated) {
  const std::vector<size_t> found = FindAnyId(generated.CurrentId());
  const Behavior behavior = generated.behavior;
  const bool combines = behavior == Behavior::kMerge || behavior == Behavior::kReplace;
  const std::string id = generated.CurrentId().ToString();
  if (found.empty()) {
    if (!combines) return Append(std::move(generated));
    return absl::InvalidArgumentError(
        absl::StrCat("there is no ", id, " to ", NameOf(behavior), "; correct the name"));
  }
  if (found.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(found.size(), " objects are or were ", id, "; which of them is meant?"));
  }
  if (!combines) {
    return absl::InvalidArgumentError(
        absl::StrCat(id, " is there already; set behavior to merge or replace"));
  }
  Resource& old = items_[found.front()];
  MergeMetadata(old, &generated);
  if (behavior == Behavior::kMerge) {
    Unite("data", old.value, &generated.value);
    Unite("binaryData", old.value, &generated.value);
    if (old.origin != nullptr) generated.origin = std::move(old.origin);
  }
  old = std::move(generated);
  Changed();
  return absl::OkStatus();
}

}  // namespace lockstep::kustomize
