#include "common/render/substitute/substitute.h"

#include <algorithm>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/render/substitute/expansion.h"

namespace lockstep {
namespace {

bool IsVariableName(absl::string_view name) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) return false;
  for (char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<Substitution> Substitution::Create(std::map<std::string, std::string> variables,
                                                  Unset unset, std::optional<ClusterFacts> cluster,
                                                  const SubstituteLimits& limits) {
  for (auto& [name, value] : variables) {
    if (!IsVariableName(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the variable \"", name,
                       "\" has no proper name; use letters, digits and '_', and no digit first"));
    }
    value.erase(std::remove(value.begin(), value.end(), '\n'), value.end());
  }
  Substitution made;
  made.variables_ = std::move(variables);
  made.unset_ = unset;
  made.cluster_ = std::move(cluster);
  made.limits_ = limits;
  return made;
}

absl::StatusOr<std::string> Substitution::Apply(absl::string_view text) const {
  return Expansion(this, text).Run();
}

}  // namespace lockstep
