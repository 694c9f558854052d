#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "common/health/rules.h"

namespace lockstep {

/// Reads a user's health rules from what `--health-rules` or `--rules` names: a folder of
/// GROUP/KIND/health.lua (KIND/health.lua for the core group, "_" in a name for any text, as in
/// Argo CD's resource_customizations; other files and names that begin with "." are passed over),
/// or a file with Argo CD's argocd-cm ConfigMap.
///
/// Errors name the file and, in a script, the line: NOT_FOUND where nothing lies at `path`,
/// INVALID_ARGUMENT for a folder without a rule and for what cannot be understood.
absl::StatusOr<HealthRules> LoadHealthRules(const std::string& path);

}  // namespace lockstep
