#pragma once

#include <string>

#include <absl/strings/string_view.h>

namespace lockstep {

/// Appends `text`, which must be UTF-8, as a JSON string with its quotes: only what JSON requires
/// is escaped.
void AppendJsonString(absl::string_view text, std::string* out);

}  // namespace lockstep
