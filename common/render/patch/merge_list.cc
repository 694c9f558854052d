#include "common/render/patch/merge_list.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/base/status.h"
#include "common/render/patch/scalar.h"

namespace lockstep::patch {
namespace {

std::string Join(const KeyTexts& texts, const std::vector<size_t>& keys) {
  return absl::StrJoin(keys, absl::string_view("\0", 1), [&texts](std::string* out, size_t key) {
    absl::StrAppend(out, texts[key]);
  });
}

bool IsScalar(const Value& value) {
  return !value.IsArray() && !value.IsObject() && !value.IsNull();
}

bool AllScalars(const ElementList& list) {
  for (const Value* element : list.elements) {
    if (!IsScalar(*element)) return false;
  }
  return true;
}

/// Patch elements first, then those of the base that are not there yet.
std::vector<Value*> UniteScalars(const ElementList& base, const ElementList& patch) {
  std::vector<Value*> united;
  absl::flat_hash_map<std::string, size_t> by_text;
  for (const ElementList* list : {&patch, &base}) {
    for (size_t i = 0; i < list->elements.size(); ++i) {
      const auto [it, is_new] = by_text.emplace(list->texts[i][0], united.size());
      if (is_new) {
        united.push_back(list->elements[i]);
      } else {
        united[it->second] = list->elements[i];
      }
    }
  }
  return united;
}

/// Moves the elements together; one that stands there twice is copied.
Value::Array Gather(const std::vector<Value*>& elements) {
  absl::flat_hash_map<const Value*, size_t> uses;
  for (const Value* element : elements) ++uses[element];
  Value::Array gathered;
  gathered.reserve(elements.size());
  for (Value* element : elements) {
    if (--uses[element] > 0) {
      gathered.push_back(*element);
    } else {
      gathered.push_back(std::move(*element));
    }
  }
  return gathered;
}

}  // namespace

ElementList ListMerger::Read(Value* list) const {
  ElementList read;
  if (list == nullptr) return read;
  for (Value& element : list->AsArray()) {
    KeyTexts texts;
    if (type_->keys.empty()) texts.push_back(TextOf(element));
    for (const std::string& key : type_->keys) {
      const Value* value = element.Find(key);
      texts.push_back(value == nullptr || IsNullOrEmpty(*value) ? "" : TextOf(*value));
    }
    read.elements.push_back(&element);
    read.texts.push_back(std::move(texts));
  }
  return read;
}

std::vector<size_t> ListMerger::PlainKeys(const ElementList& base, const ElementList& patch) const {
  std::vector<size_t> keys;
  for (size_t key = 0; key < type_->keys.size(); ++key) {
    size_t stated = 0;
    for (const ElementList* list : {&base, &patch}) {
      for (const KeyTexts& texts : list->texts) stated += texts[key].empty() ? 0 : 1;
    }
    if (stated == base.texts.size() + patch.texts.size()) {
      keys.push_back(key);
    } else if (stated > 0) {
      return {};
    }
  }
  for (const Value* element : patch.elements) {
    if (element->Find("$patch") != nullptr) return {};
  }
  for (const ElementList* list : {&base, &patch}) {
    absl::flat_hash_set<std::string> seen;
    for (const KeyTexts& texts : list->texts) {
      if (!seen.insert(Join(texts, keys)).second) return {};
    }
  }
  return keys;
}

absl::StatusOr<std::vector<Value*>> ListMerger::MergeByIndex(
    const ElementList& base, const ElementList& patch, const std::vector<size_t>& keys) const {
  absl::flat_hash_map<std::string, size_t> by_key;
  for (size_t i = 0; i < base.elements.size(); ++i) by_key.emplace(Join(base.texts[i], keys), i);
  std::vector<Value*> merged;
  std::vector<bool> done(base.elements.size());
  for (size_t i = 0; i < patch.elements.size(); ++i) {
    const auto it = by_key.find(Join(patch.texts[i], keys));
    Value* counterpart = it == by_key.end() ? nullptr : base.elements[it->second];
    LOCKSTEP_RETURN_IF_ERROR(
        merger_->Merge(counterpart, patch.elements[i], type_->elements).status());
    if (counterpart == nullptr) {
      merged.push_back(patch.elements[i]);
      continue;
    }
    done[it->second] = true;
    // With two keys, patched elements keep their place.
    if (keys.size() == 1) merged.push_back(counterpart);
  }
  for (size_t i = 0; i < base.elements.size(); ++i) {
    if (!done[i]) {
      LOCKSTEP_RETURN_IF_ERROR(merger_->Merge(base.elements[i], nullptr, type_->elements).status());
    }
    if (!done[i] || keys.size() > 1) merged.push_back(base.elements[i]);
  }
  return merged;
}

absl::StatusOr<Left> ListMerger::Merge(Value* base, Value* patch) {
  const bool aliased = base == nullptr;
  ElementList of_base = aliased ? ElementList() : Read(base);
  ElementList of_patch = Read(patch);
  Value* into = base == nullptr ? patch : base;
  const Left left = base == nullptr ? Left::kPatch : Left::kBase;
  if (of_base.elements.empty() && of_patch.elements.empty()) return left;

  std::vector<Value*> merged;
  const std::vector<size_t> plain = PlainKeys(of_base, of_patch);
  if (type_->keys.empty() && AllScalars(of_base) && AllScalars(of_patch)) {
    merged = UniteScalars(of_base, of_patch);
  } else if (!plain.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(merged, MergeByIndex(of_base, of_patch, plain));
  } else {
    std::vector<std::string> keys = type_->keys;
    if (keys.empty()) keys.push_back("");
    ListSteps steps(merger_, type_->elements, std::move(keys), std::move(of_base),
                    std::move(of_patch), aliased);
    LOCKSTEP_ASSIGN_OR_RETURN(merged, steps.Run());
  }
  into->AsArray() = Gather(merged);
  return left;
}

absl::StatusOr<Left> Merger::MergeLists(Value* base, Value* patch, const MergeSchema::Type* type) {
  ListMerger lists(this, type);
  if (base == nullptr || base->IsNull()) return lists.Merge(nullptr, patch);
  if (patch == nullptr) return lists.Merge(base, nullptr);
  if (patch->IsNull()) return Left::kNothing;
  LOCKSTEP_ASSIGN_OR_RETURN(const Directive directive, TakeDirective(&patch->AsArray()));
  if (directive == Directive::kDelete) return Left::kNothing;
  return lists.Merge(directive == Directive::kReplace || patch == base ? nullptr : base, patch);
}

}  // namespace lockstep::patch
