#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

using Labels = std::map<std::string, std::string>;

/// A condition on one label. NotIn and DoesNotExist hold where the label is absent, In and Exists
/// do not.
struct LabelRequirement {
  enum class Operator : uint8_t { kIn, kNotIn, kExists, kDoesNotExist };

  std::string key;
  Operator op = Operator::kIn;
  std::vector<std::string> values;  // At least one for kIn and kNotIn, else none.

  bool Matches(const Labels& labels) const;
  friend bool operator==(const LabelRequirement&, const LabelRequirement&) = default;
};

/// A label selector as in Kubernetes: all of it has to hold; one without any requirement selects
/// all.
struct LabelSelector {
  Labels match_labels;
  std::vector<LabelRequirement> match_expressions;

  bool Matches(const Labels& labels) const;
  friend bool operator==(const LabelSelector&, const LabelSelector&) = default;
};

/// Reads kubectl's form: "env=prod,tier!=web,region in (eu, us),!canary,gpu". "" selects all.
///
/// INVALID_ARGUMENT names what is wrong. "tier!=web" is NotIn, as in kubectl: it holds where the
/// label is absent. Source: k8s.io/apimachinery/pkg/labels, without its integer comparisons.
absl::StatusOr<LabelSelector> ParseLabelSelector(absl::string_view text);

}  // namespace lockstep
