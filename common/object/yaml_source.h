#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

/// The text of one YAML file: what must hold before a parser may see it, and places in it for
/// messages.
class YamlSource {
 public:
  /// Both are borrowed. `lines_before` stand in the file before `bytes`; `line_base` is what places
  /// have on top, and messages do not show.
  YamlSource(absl::string_view bytes, absl::string_view file, uint32_t lines_before = 0,
             uint32_t line_base = 0);

  /// Size, UTF-8, and directives that would make libyaml quadratic.
  absl::Status Check(size_t bytes_max) const;

  absl::string_view file() const { return file_; }

  /// "FILE:LINE:COLUMN: problem; remedy".
  absl::Status Error(Place place, absl::string_view problem, absl::string_view remedy,
                     absl::StatusCode code = absl::StatusCode::kInvalidArgument) const;

  /// Where a mark of the parser (both from 0) stands.
  Place PlaceOfMark(size_t line, size_t column) const {
    return {static_cast<uint32_t>(line + 1) + lines_before_ + line_base_,
            static_cast<uint32_t>(column + 1)};
  }

  /// Where the byte at `offset` stands. O(offset): for errors.
  Place PlaceAt(size_t offset) const;

  /// Whether the node from the `begin`-th to the `end`-th character carries the tag "!". `begin`
  /// must not fall from call to call: all calls together take linear time.
  bool HasBangTag(size_t begin, size_t end);

 private:
  /// The byte at which the character `count` after the one at `offset` begins.
  size_t Skip(size_t offset, size_t count) const;

  const absl::string_view bytes_;
  const absl::string_view file_;
  const uint32_t lines_before_;
  const uint32_t line_base_;
  const bool has_bang_;       // The tag "!" may stand somewhere.
  size_t cursor_ = 0;         // A character's number,
  size_t cursor_offset_ = 0;  // and where it begins.
};

}  // namespace lockstep
