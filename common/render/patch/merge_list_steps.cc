#include <algorithm>

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/render/patch/merge_list.h"
#include "common/render/patch/scalar.h"

namespace lockstep::patch {
namespace {

bool SaysNothing(const Value& element) {
  return element.IsNull() || (element.IsObject() && element.AsObject().empty());
}

bool AllEmpty(const KeyTexts& texts) {
  return std::all_of(texts.begin(), texts.end(),
                     [](const std::string& text) { return text.empty(); });
}

/// Whether two agree in a text and differ only where one has none; `united` is then both.
bool Agree(const KeyTexts& a, const KeyTexts& b, KeyTexts* united) {
  bool common = false;
  united->clear();
  for (size_t i = 0; i < a.size(); ++i) {
    common |= a[i] == b[i];
    if (a[i] != b[i] && !a[i].empty() && !b[i].empty()) return false;
    united->push_back(a[i].empty() ? b[i] : a[i]);
  }
  return common;
}

}  // namespace

ListSteps::ListSteps(Merger* merger, const MergeSchema::Type* elements,
                     std::vector<std::string> keys, ElementList base, ElementList patch,
                     bool aliased)
    : merger_(merger),
      type_(elements),
      keys_(std::move(keys)),
      base_(std::move(base)),
      patch_(std::move(patch)),
      aliased_(aliased) {}

std::vector<KeyTexts> ListSteps::CollectTexts() const {
  std::vector<KeyTexts> all;
  absl::flat_hash_set<KeyTexts> seen;
  for (const ElementList* list : {&patch_, &base_}) {
    for (const KeyTexts& texts : list->texts) {
      if (seen.insert(texts).second) all.push_back(texts);
    }
  }
  return all;
}

void ListSteps::Unite(std::vector<KeyTexts>* all) {
  KeyTexts united;
  for (size_t i = 0; i < all->size(); ++i) {
    const KeyTexts first = (*all)[i];
    for (KeyTexts& second : *all) {
      if (!Agree(first, second, &united)) continue;
      (*all)[i] = united;
      second = united;
    }
  }
}

void ListSteps::DropUnusedKeys(const std::vector<KeyTexts>& all) {
  used_.assign(keys_.size(), false);
  for (const KeyTexts& texts : all) {
    for (size_t i = 0; i < texts.size(); ++i) used_[i] = used_[i] || !texts[i].empty();
  }
  if (std::find(used_.begin(), used_.end(), true) == used_.end()) {
    used_.assign(keys_.size(), true);
  }
  std::vector<std::string> kept;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (used_[i]) kept.push_back(keys_[i]);
  }
  keys_ = std::move(kept);
}

Value* ListSteps::Find(const Elements& list, const KeyTexts& texts) const {
  const bool any = !AllEmpty(texts);
  for (Value* element : list) {
    if (keys_[0].empty()) {
      if (TextOf(*element) == texts[0]) return element;
      continue;
    }
    if (!element->IsObject()) continue;
    bool matches = true;
    for (size_t i = 0; i < keys_.size() && matches; ++i) {
      if (any && texts[i].empty()) continue;
      const Value* value = element->Find(keys_[i]);
      matches = value != nullptr && TextOf(*value) == texts[i];
    }
    if (matches) return element;
  }
  return nullptr;
}

absl::StatusOr<bool> ListSteps::Has(const Value& element, const KeyTexts& texts) const {
  if (texts.empty()) return false;
  for (size_t i = 0; i < keys_.size() && i < texts.size(); ++i) {
    if (keys_[i].empty()) {
      if (element.IsObject() || element.IsArray()) {
        return merger_->Fault(
            element, absl::StrCat("a list of scalars has a ", element.TypeName(), " among them"));
      }
      if (TextOf(element) != texts[i]) return false;
      continue;
    }
    if (!element.IsObject()) {
      return merger_->Fault(
          element, absl::StrCat("a list of mappings has a ", element.TypeName(), " among them"));
    }
    const Value* value = element.Find(keys_[i]);
    if (value == nullptr || (!texts[i].empty() && TextOf(*value) != texts[i])) return false;
  }
  return true;
}

absl::Status ListSteps::Put(Value* element, const KeyTexts& texts, Elements* list) const {
  const bool of_mappings = !keys_[0].empty() && !texts.empty() && !texts[0].empty();
  Elements kept;
  kept.reserve(list->size() + 1);
  bool found = false;
  for (Value* other : *list) {
    if (SaysNothing(*other)) continue;
    if (!other->IsObject() && of_mappings) {
      kept.push_back(other);
      continue;
    }
    LOCKSTEP_ASSIGN_OR_RETURN(const bool matches, Has(*other, texts));
    if (!matches) {
      if (!texts.empty()) kept.push_back(other);
      continue;
    }
    found = true;
    if (element != nullptr) kept.push_back(element);
  }
  *list = std::move(kept);
  if (element != nullptr && !element->IsNull() && !found) list->push_back(element);
  return absl::OkStatus();
}

void ListSteps::AddMissingKeys(const KeyTexts& texts, Value* element) const {
  if (!element->IsObject()) return;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (texts[i].empty() || element->Find(keys_[i]) != nullptr) continue;
    // Its counterpart states it.
    for (const Elements* list : {&base_.elements, &patch_.elements}) {
      for (const Value* other : *list) {
        const Value* value = other->Find(keys_[i]);
        if (value == nullptr || TextOf(*value) != texts[i]) continue;
        element->AsObject().Set(keys_[i], *value);
        break;
      }
    }
  }
}

absl::Status ListSteps::MergeOne(const KeyTexts& texts, Elements* merged) {
  Value* in_patch = Find(patch_.elements, texts);
  Value* in_base = aliased_ ? in_patch : Find(base_.elements, texts);
  Value* element = nullptr;
  if (in_base != nullptr || in_patch != nullptr) {
    LOCKSTEP_ASSIGN_OR_RETURN(const Left left, merger_->Merge(in_base, in_patch, type_));
    element = left == Left::kNothing ? nullptr : left == Left::kBase ? in_base : in_patch;
  }
  if (element == nullptr || SaysNothing(*element)) return Put(nullptr, texts, &base());
  AddMissingKeys(texts, element);
  return Put(element, texts, merged);
}

absl::Status ListSteps::AppendBase(Elements* merged) {
  for (Value* element : Elements(base())) {
    KeyTexts texts;
    if (keys_[0].empty()) {
      texts.push_back(TextOf(*element));
    } else {
      if (!element->IsObject() && !element->IsNull()) {
        return merger_->Fault(*element, absl::StrCat("a list of mappings has a ",
                                                     element->TypeName(), " among them"));
      }
      for (const std::string& key : keys_) {
        const Value* value = element->Find(key);
        if (value == nullptr) {
          merged->push_back(element);
        } else {
          texts.push_back(TextOf(*value));
        }
      }
      if (keys_.size() > 1) LOCKSTEP_RETURN_IF_ERROR(Put(nullptr, texts, merged));
    }
    LOCKSTEP_RETURN_IF_ERROR(Put(element, texts, merged));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Value*>> ListSteps::Run() {
  const size_t size = base_.elements.size() + patch_.elements.size();
  if (size > kElementsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a list of ", size, " elements, of which some lack \"", keys_[0],
                     "\" or have the same, is merged; over ", kElementsMax,
                     " this is not done: give every element its own"));
  }
  std::vector<KeyTexts> all = CollectTexts();
  if (keys_.size() > 1) Unite(&all);
  DropUnusedKeys(all);
  Elements merged;
  for (const KeyTexts& texts : all) {
    KeyTexts used;
    for (size_t i = 0; i < texts.size(); ++i) {
      if (used_[i]) used.push_back(texts[i]);
    }
    LOCKSTEP_RETURN_IF_ERROR(MergeOne(used, &merged));
  }
  LOCKSTEP_RETURN_IF_ERROR(AppendBase(&merged));
  return merged;
}

}  // namespace lockstep::patch
