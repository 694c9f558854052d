#pragma once

#include <string>

#include <absl/strings/string_view.h>

namespace lockstep::kustomize {

/// A date or time as YAML writes it ("2020-1-2") as kustomize prints it: RFC 3339
/// ("2020-01-02T00:00:00Z").
std::string ExpandPlainTime(absl::string_view text);

}  // namespace lockstep::kustomize
