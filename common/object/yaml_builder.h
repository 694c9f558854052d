#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"
#include "common/object/yaml.h"
#include "common/object/yaml_scalar.h"
#include "common/object/yaml_source.h"

namespace lockstep {

/// Makes trees of YAML events: aliases, merge keys, duplicate keys and limits are decided here.
///
/// Children wait on one stack until their list or mapping ends, then move into an array of the
/// right size: one allocation for each, and no recursion. An anchor points at the finished content,
/// which no longer moves.
class YamlBuilder {
 public:
  enum class Kind : uint8_t { kList, kMapping };

  struct Scalar {
    absl::string_view text;
    absl::string_view tag;     // "" for none.
    absl::string_view anchor;  // "" for none.
    Place place;
    bool plain = false;   // Its text says what it means.
    bool quoted = false;  // Or a block.
    bool merge = false;   // As a key it means "merge".
  };

  /// `source` is borrowed; it is asked for messages.
  YamlBuilder(const YamlOptions& options, const YamlSource* source)
      : options_(options), limits_(options_.limits), source_(*source) {}

  // One for each event. After an error the builder is of no use.
  absl::Status BeginDocument(Place place);
  void EndDocument();
  absl::Status AddScalar(const Scalar& scalar);
  absl::Status AddAlias(absl::string_view name, Place place);
  absl::Status Begin(Kind kind, absl::string_view anchor, Place place);
  absl::Status End();

  std::vector<Value> TakeDocuments() { return std::move(documents_); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  enum class Awaits : uint8_t { kItem, kKey, kValue, kMerge };

  // A list or mapping that is not finished.
  struct Frame {
    Awaits awaits;
    bool merges = false;      // Some item is a merge.
    uint32_t anchor = kNone;  // Position in anchors_.
    uint32_t height = 0;      // Of the highest child.
    Place place;
    size_t first_item = 0;    // Its children are items_ from here on.
    size_t nodes_before = 0;  // nodes_ and bytes_ when it began.
    size_t bytes_before = 0;
  };

  struct Item {
    Object::Member member;  // Without a key in a list.
    Place key_place;
    bool merge = false;  // The value is a mapping, or a list of them, to merge.
  };

  // What an alias repeats. Lists and mappings are content of the tree that is being made.
  struct Anchor {
    bool open = false;    // Its end has not come.
    uint32_t height = 0;  // 0 for scalars.
    size_t nodes = 0;
    size_t bytes = 0;  // Of keys and texts.
    Place place;
    Kind kind = Kind::kList;
    const Object::Member* members = nullptr;
    const Value* items = nullptr;
    size_t size = 0;  // Of members or items.
    YamlScalar scalar;
    Value value;  // What the scalar is as a value.
  };

  absl::Status Error(Place place, absl::string_view problem, absl::string_view remedy) const {
    return source_.Error(place, problem, remedy);
  }
  bool IsGoYaml3() const { return options_.dialect == YamlOptions::Dialect::kGoYaml3; }
  absl::Status Annotated(const absl::Status& status, Place place) const;
  absl::Status CountNodes(size_t count, Place place);
  absl::StatusOr<YamlScalar> Resolve(const Scalar& scalar) const;
  void KeepSourceText(const Scalar& scalar, YamlScalar::Kind kind, Value* value) const;
  absl::Status AddKey(YamlScalar scalar, Place place);
  absl::Status AddValue(Value&& value, uint32_t height);
  uint32_t NameAnchor(absl::string_view name, Anchor anchor);
  absl::StatusOr<Value> Repeat(const Anchor& anchor) const;
  absl::Status FinishMapping(const Frame& frame, Object* object);
  absl::Status FinishMerged(const Frame& frame, Object* object);
  absl::Status Merge(Item* item, Object* object);
  void MergeMapping(const Value& mapping, Object* object);
  absl::Status Duplicate(absl::string_view key, Place place, Place first) const;

  // Fixed at construction.
  const YamlOptions options_;
  const YamlLimits& limits_;  // In options_.
  const YamlSource& source_;  // Borrowed; outlives this.

  std::vector<Value> documents_;
  // Of the whole file, what aliases repeat included.
  size_t nodes_ = 0;
  size_t bytes_ = 0;  // Of keys and texts.

  // Of the document at hand.
  Value root_;
  std::vector<Frame> frames_;
  std::vector<Item> items_;
  std::vector<Anchor> anchors_;
  absl::flat_hash_map<std::string, uint32_t> anchor_names_;
  std::deque<Value> kept_;  // Not in the tree any more, but anchors may point into it.
};

}  // namespace lockstep
