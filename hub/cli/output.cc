#include "hub/cli/output.h"

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

namespace lockstep {
namespace {

// Columns on a terminal: code points, near enough for names and sentences.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// The length of the well-formed UTF-8 sequence at the front of `text`; 0 where there is none.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  size_t length = byte(0) < 0x80   ? 1
                  : byte(0) < 0xc2 ? 0
                  : byte(0) < 0xe0 ? 2
                  : byte(0) < 0xf0 ? 3
                  : byte(0) < 0xf5 ? 4
                                   : 0;
  if (length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

bool ParseOutputFormat(absl::string_view text, OutputFormat* format) {
  constexpr std::pair<absl::string_view, OutputFormat> kNames[] = {{"table", OutputFormat::kTable},
                                                                   {"wide", OutputFormat::kWide},
                                                                   {"json", OutputFormat::kJson},
                                                                   {"yaml", OutputFormat::kYaml},
                                                                   {"name", OutputFormat::kName}};
  for (const auto& [name, value] : kNames) {
    if (text != name) continue;
    *format = value;
    return true;
  }
  return false;
}

std::string Table::ToString() const {
  if (rows_.empty()) return "";
  std::vector<std::vector<std::string>> lines = {headers_};
  for (const auto& row : rows_) {
    lines.emplace_back();
    for (const std::string& cell : row) lines.back().push_back(OneLine(cell));
  }
  std::vector<size_t> widths(headers_.size(), 0);
  for (const auto& line : lines) {
    for (size_t i = 0; i < widths.size() && i < line.size(); ++i)
      widths[i] = std::max(widths[i], Width(line[i]));
  }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) text.append(widths[i] - Width(line[i]) + 2, ' ');
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    absl::StrAppend(&out, text, "\n");
  }
  return out;
}

std::string ShortAge(absl::Duration age) {
  if (age > absl::Hours(24 * 365 * 50)) return "";
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(age));
  if (seconds < 120) return absl::StrCat(seconds, "s");
  if (seconds < 2 * 3600) return absl::StrCat(seconds / 60, "m");
  if (seconds < 48 * 3600) return absl::StrCat(seconds / 3600, "h");
  return absl::StrCat(seconds / 86400, "d");
}

std::string ShortRevision(absl::string_view text) {
  constexpr absl::string_view kMark = "@sha1:";
  constexpr size_t kDigits = 7;
  std::string out;
  for (size_t at = text.find(kMark); at != absl::string_view::npos; at = text.find(kMark)) {
    absl::StrAppend(&out, text.substr(0, at), "@");
    text.remove_prefix(at + kMark.size());
    const auto end = std::find_if_not(text.begin(), text.end(), absl::ascii_isxdigit);
    const absl::string_view digits = text.substr(0, static_cast<size_t>(end - text.begin()));
    absl::StrAppend(&out, digits.substr(0, kDigits));
    text.remove_prefix(digits.size());
  }
  return absl::StrCat(out, text);
}

std::string OneLine(absl::string_view text) {
  std::string line;
  for (absl::string_view part : absl::StrSplit(text, '\n')) {
    part = absl::StripAsciiWhitespace(part);
    if (part.empty()) continue;
    if (!line.empty()) line += absl::EndsWith(line, ":") ? " " : "; ";
    absl::StrAppend(&line, part);
  }
  return ForTerminal(line);
}

std::string ForTerminal(absl::string_view text, bool multiline) {
  std::string out;
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    const auto c = static_cast<unsigned char>(text.front());
    // C1 controls (U+0080 to U+009F) drive terminals too.
    const bool c1 = length == 2 && c == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (multiline && c == '\n') {
      out += '\n';
    } else if (length == 0 || c < 0x20 || c == 0x7f) {
      absl::StrAppend(&out, "\\x", absl::Hex(c, absl::kZeroPad2));
    } else if (c1) {
      absl::StrAppend(&out, "\\u", absl::Hex(static_cast<unsigned char>(text[1]), absl::kZeroPad4));
    } else {
      absl::StrAppend(&out, text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(1, length));
  }
  return out;
}

}  // namespace lockstep
