#include "common/object/yaml_source.h"

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/text/utf8.h"

namespace lockstep {
namespace {

constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr size_t kTagDirectivesMax = 100;  // libyaml compares each with all before it.

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

size_t CountTagDirectives(absl::string_view bytes) {
  size_t count = 0;
  for (size_t at = bytes.find("%TAG"); at != absl::string_view::npos;
       at = bytes.find("%TAG", at + 1)) {
    if (at == 0 || bytes[at - 1] == '\n' || bytes[at - 1] == '\r') ++count;
  }
  return count;
}

// Whether a '!' stands alone somewhere, or begins a verbatim tag.
bool MayHaveBangTag(absl::string_view bytes) {
  for (size_t at = bytes.find('!'); at != absl::string_view::npos; at = bytes.find('!', at + 1)) {
    const char before = at == 0 ? ' ' : bytes[at - 1];
    const char after = at + 1 == bytes.size() ? ' ' : bytes[at + 1];
    if (absl::StrContains(" \t\r\n[{,", before) && absl::StrContains(" \t\r\n]},<", after)) {
      return true;
    }
  }
  return false;
}

}  // namespace

YamlSource::YamlSource(absl::string_view bytes, absl::string_view file, uint32_t lines_before,
                       uint32_t line_base)
    : bytes_(bytes),
      file_(file),
      lines_before_(lines_before),
      line_base_(line_base),
      has_bang_(MayHaveBangTag(bytes)) {
  // The parser's count of characters begins after a byte order mark.
  if (absl::StartsWith(bytes, kByteOrderMark)) cursor_offset_ = kByteOrderMark.size();
}

absl::Status YamlSource::Check(size_t bytes_max) const {
  if (bytes_.size() > bytes_max) {
    return Error(PlaceOfMark(0, 0),
                 absl::StrCat("the file has ", bytes_.size(), " bytes, over ", bytes_max),
                 "split it", absl::StatusCode::kResourceExhausted);
  }
  if (absl::StartsWith(bytes_, "\xff\xfe") || absl::StartsWith(bytes_, "\xfe\xff")) {
    return Error(PlaceOfMark(0, 0), "the file is UTF-16", "save it as UTF-8");
  }
  if (const size_t at = FindInvalidUtf8(bytes_); at != absl::string_view::npos) {
    const auto byte = absl::Hex(static_cast<unsigned char>(bytes_[at]), absl::kZeroPad2);
    return Error(PlaceAt(at), absl::StrCat("byte 0x", byte, " is not part of UTF-8"),
                 "save the file as UTF-8");
  }
  if (const size_t at = bytes_.find('\0'); at != absl::string_view::npos) {
    return Error(PlaceAt(at), "a NUL byte is no text", "save the file as UTF-8");
  }
  if (CountTagDirectives(bytes_) > kTagDirectivesMax) {
    return Error(PlaceOfMark(0, 0),
                 absl::StrCat("more than ", kTagDirectivesMax, " %TAG directives"), "remove them",
                 absl::StatusCode::kResourceExhausted);
  }
  return absl::OkStatus();
}

absl::Status YamlSource::Error(Place place, absl::string_view problem, absl::string_view remedy,
                               absl::StatusCode code) const {
  return absl::Status(code, absl::StrCat(file_, ":", place.line - line_base_, ":", place.column,
                                         ": ", problem, "; ", remedy));
}

Place YamlSource::PlaceAt(size_t offset) const {
  Place place = PlaceOfMark(0, 0);
  for (size_t i = 0; i < offset && i < bytes_.size(); ++i) {
    const char c = bytes_[i];
    const bool crlf = c == '\r' && i + 1 < bytes_.size() && bytes_[i + 1] == '\n';
    if (c == '\n' || (c == '\r' && !crlf)) {
      ++place.line;
      place.column = 1;
    } else if (!IsContinuation(c)) {
      ++place.column;
    }
  }
  return place;
}

size_t YamlSource::Skip(size_t offset, size_t count) const {
  for (; count > 0 && offset < bytes_.size(); --count) {
    ++offset;
    while (offset < bytes_.size() && IsContinuation(bytes_[offset])) ++offset;
  }
  return offset;
}

bool YamlSource::HasBangTag(size_t begin, size_t end) {
  if (!has_bang_ || begin == end) return false;
  cursor_offset_ = Skip(cursor_offset_, begin - cursor_);
  cursor_ = begin;
  const char first = bytes_[cursor_offset_];
  if (first != '&') return first == '!';
  // After an anchor, line ends and comments may stand before the tag.
  absl::string_view rest =
      bytes_.substr(cursor_offset_, Skip(cursor_offset_, end - begin) - cursor_offset_);
  rest.remove_prefix(std::min(rest.find_first_of(" \t\r\n"), rest.size()));
  while (!rest.empty() && absl::ascii_isspace(static_cast<unsigned char>(rest[0]))) {
    rest.remove_prefix(1);
    if (absl::StartsWith(rest, "#")) {
      rest.remove_prefix(std::min(rest.find_first_of("\r\n"), rest.size()));
    }
  }
  return absl::StartsWith(rest, "!");
}

}  // namespace lockstep
