#pragma once

#include <absl/strings/string_view.h>

namespace lockstep {

/// docs/cli/NAME.md, as `lockstep NAME --help` prints it; "" where there is no such page. Words are
/// joined by '-'
/// ("cluster-label").
absl::string_view HelpText(absl::string_view name);

}  // namespace lockstep
