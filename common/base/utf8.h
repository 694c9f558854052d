#pragma once

#include <cstddef>
#include <string>

#include <absl/strings/string_view.h>

namespace lockstep {

/// Whether `text` is UTF-8 as RFC 3629 has it: no overlong forms, surrogates or values over
/// U+10FFFF.
bool IsUtf8(absl::string_view text);

/// `text` with every maximal wrong part replaced by U+FFFD, cut at a character's border to at most
/// `bytes_max` bytes.
///
/// For free text (messages of libraries, facts, revisions) before it fills a protobuf string, which
/// must be UTF-8.
std::string SanitizeUtf8(absl::string_view text, size_t bytes_max);

}  // namespace lockstep
