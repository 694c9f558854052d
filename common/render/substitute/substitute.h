#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/render/path.h"

namespace lockstep {

/// What one text may ask for; every error names the limit it met.
struct SubstituteLimits {
  size_t output_bytes = 8 << 20;  // Of one text, and of any value on the way.
  size_t depth = 32;              // Expressions inside one another.
  uint64_t steps = 20'000'000;    // Of matching patterns.
};

/// What stands for ${NAME} in what was rendered: Flux's `postBuild.substitute` and
/// `substituteFrom`, and Lockstep's own ${cluster.name} and ${cluster.labels.KEY} (the key runs to
/// the brace or the next of `:=,^#%`).
///
/// The expressions are Flux's (docs/rendering.md "Variables"): ${v}, ${v:-d} ${v:=d} ${v=d}, ${#v},
/// ${v^} ${v^^} ${v,} ${v,,}, ${v:off} ${v:off:len}, ${v#p} ${v##p} ${v%p} ${v%%p}, ${v/p/r}
/// ${v//p/r}
/// ${v/#p/r} ${v/%p/r}; $${ is a literal ${, and $v stays as it is.
class Substitution {
 public:
  /// What a variable without a value and without a function is.
  enum class Unset {
    kError,  // As in Flux since kustomize-controller 1.9.
    kEmpty,
  };

  /// `cluster`: null where there is none; then ${cluster.…} is an error.
  /// Line breaks are taken out of the values, as in Flux.
  /// INVALID_ARGUMENT for a name that is none: letters, digits and '_', no digit first.
  static absl::StatusOr<Substitution> Create(std::map<std::string, std::string> variables,
                                             Unset unset,
                                             std::optional<ClusterFacts> cluster = std::nullopt,
                                             const SubstituteLimits& limits = {});

  /// The text with every expression carried out. Nothing in a value is an expression.
  ///
  /// INVALID_ARGUMENT for a variable that is not set, or what is no expression; the message begins
  /// with the expression. RESOURCE_EXHAUSTED for a limit.
  absl::StatusOr<std::string> Apply(absl::string_view text) const;

 private:
  friend class Expansion;

  Substitution() = default;

  std::map<std::string, std::string> variables_;
  Unset unset_ = Unset::kError;
  std::optional<ClusterFacts> cluster_;
  SubstituteLimits limits_;
};

}  // namespace lockstep
