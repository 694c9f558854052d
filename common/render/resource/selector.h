#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/render/resource/pattern.h"
#include "common/render/resource/resource.h"

namespace lockstep::kustomize {

/// A label selector as kubectl's `-l`: "a=b,c!=d,e in (f,g),h notin (i),j,!k,n>1,m<2".
class LabelSelector {
 public:
  /// Selects everything.
  LabelSelector() = default;

  /// INVALID_ARGUMENT with what is wrong.
  static absl::StatusOr<LabelSelector> Parse(absl::string_view text);

  /// `map` is metadata.labels or metadata.annotations; null for none. Scalars count as their text.
  bool Matches(const Value* map) const;

 private:
  friend class LabelSelectorParser;
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist, kGreater, kLess };
  struct Requirement {
    std::string key;
    Operator op = Operator::kExists;
    std::vector<std::string> values;
  };
  static bool Holds(const Requirement& requirement, const Value* map);

  std::vector<Requirement> requirements_;
};

/// What a target says: every field is optional.
struct SelectorSpec {
  std::string group, version, kind, name, space;  // Regular expressions for the whole text.
  std::string label_selector, annotation_selector;
};

/// A SelectorSpec, compiled.
class Selector {
 public:
  static absl::StatusOr<Selector> Compile(const SelectorSpec& spec);

  bool MatchesGvk(const Gvk& gvk) const;
  bool MatchesName(absl::string_view name) const { return name_.Matches(name); }
  /// `space` as in ResourceId.
  bool MatchesNamespace(absl::string_view space) const { return space_.Matches(space); }
  /// Both selectors.
  bool MatchesLabelsAndAnnotations(const Value& object) const;

  /// A patch's target: name and namespace by the original or the current one, group, version and
  /// kind by the current ones, labels and annotations.
  bool Matches(const Resource& resource) const;

 private:
  Pattern group_, version_, kind_, name_, space_;
  LabelSelector labels_, annotations_;
};

}  // namespace lockstep::kustomize
