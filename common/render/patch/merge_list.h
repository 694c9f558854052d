#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/render/patch/merger.h"

namespace lockstep::patch {

/// Texts of an element's keys, in the order of the keys; "" where it lacks one. Of a scalar its
/// own.
using KeyTexts = std::vector<std::string>;

/// A list by its elements, which lie in the lists that are merged.
struct ElementList {
  std::vector<Value*> elements;
  std::vector<KeyTexts> texts;
};

/// Merges lists whose elements correspond by keys (or, being scalars, by themselves).
///
/// Lists whose elements state their keys, each once, are merged by an index. All others are merged
/// by ListSteps.
class ListMerger {
 public:
  ListMerger(Merger* merger, const MergeSchema::Type* type) : merger_(merger), type_(type) {}

  /// Either may be null. Without a base the patch is its own; leaves the base, or the patch where
  /// there is none.
  absl::StatusOr<Left> Merge(Value* base, Value* patch);

 private:
  ElementList Read(Value* list) const;
  /// The positions of the keys that elements state, if all state the same and no two of a list
  /// agree; otherwise empty.
  std::vector<size_t> PlainKeys(const ElementList& base, const ElementList& patch) const;
  absl::StatusOr<std::vector<Value*>> MergeByIndex(const ElementList& base,
                                                   const ElementList& patch,
                                                   const std::vector<size_t>& keys) const;

  Merger* const merger_;
  const MergeSchema::Type* const type_;
};

/// kyaml's own steps, one by one, for lists of which elements lack a key or share it: what comes of
/// them has no simpler description. An element without its key drops those before it, of two with
/// one key the last stays, an element that is nothing but a key lets both go. Quadratic, so the
/// lists have a limit.
class ListSteps {
 public:
  static constexpr size_t kElementsMax = 2'000;

  /// `keys` is {""} for scalars. `aliased`: base and patch are one list.
  ListSteps(Merger* merger, const MergeSchema::Type* elements, std::vector<std::string> keys,
            ElementList base, ElementList patch, bool aliased);

  absl::StatusOr<std::vector<Value*>> Run();

 private:
  using Elements = std::vector<Value*>;

  std::vector<KeyTexts> CollectTexts() const;
  /// Of [80, ""] and [80, "UDP"] both become [80, "UDP"].
  static void Unite(std::vector<KeyTexts>* all);
  void DropUnusedKeys(const std::vector<KeyTexts>& all);
  absl::Status MergeOne(const KeyTexts& texts, Elements* merged);
  /// The first element of `list` that has these texts, of which the empty ones do not count.
  Value* Find(const Elements& list, const KeyTexts& texts) const;
  void AddMissingKeys(const KeyTexts& texts, Value* element) const;
  absl::Status AppendBase(Elements* merged);
  /// Puts `element` in place of those with these texts (where "" stands for any), or at the end;
  /// null takes them out. Elements that say nothing go. With no texts at all, everything goes.
  absl::Status Put(Value* element, const KeyTexts& texts, Elements* list) const;
  absl::StatusOr<bool> Has(const Value& element, const KeyTexts& texts) const;

  Elements& base() { return aliased_ ? patch_.elements : base_.elements; }

  Merger* const merger_;
  const MergeSchema::Type* const type_;
  std::vector<std::string> keys_;  // Those that any element states.
  std::vector<bool> used_;         // Of the original keys.
  ElementList base_, patch_;
  const bool aliased_;
};

}  // namespace lockstep::patch
