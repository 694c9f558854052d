#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

namespace lockstep {

/// How answers are printed: `-o`.
enum class OutputFormat : uint8_t { kTable, kWide, kJson, kYaml, kName };

/// Reads table, wide, json, yaml or name; false for anything else.
bool ParseOutputFormat(absl::string_view text, OutputFormat* format);

/// Rows under headers, columns two blanks apart, as kubectl prints them. The last column is not
/// padded.
class Table {
 public:
  explicit Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}

  /// One cell per header, printed as OneLine has it.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  /// With headers; "" where there is no row.
  std::string ToString() const;

 private:
  std::vector<std::string> headers_;
  std::vector<std::vector<std::string>> rows_;
};

/// "45s", "3m", "4h", "3d": the largest unit, as kubectl's AGE. "" for times before 1971 (absent).
std::string ShortAge(absl::Duration age);

/// "main@4f2c1e9" for "main@sha1:4f2c1e9…", wherever it stands in `text`: a revision as people
/// write it. Other text as it is.
std::string ShortRevision(absl::string_view text);

/// A message of several lines as one, safe for a terminal (SECURITY A-15): the lines' texts with
/// "; " between them, or a blank after a line that ends with a colon.
std::string OneLine(absl::string_view text);

/// Makes text from elsewhere safe for a terminal: control characters and broken UTF-8 are escaped,
/// newlines kept if `multiline`.
std::string ForTerminal(absl::string_view text, bool multiline = false);

}  // namespace lockstep
