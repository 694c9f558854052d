#include "tests/e2e/transcript.h"

#include <algorithm>
#include <cstdlib>
#include <regex>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "hub/cli/output.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

constexpr char kFolder[] = "tests/e2e/transcripts/";

// What stands for it, by what differs from run to run.
const std::vector<std::pair<std::regex, std::string>>& Volatile() {
  static const auto* const kPatterns = new std::vector<std::pair<std::regex, std::string>>{
      {std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z"), "2026-01-01T00:00:00Z"},
      {std::regex("127\\.\\d+\\.\\d+\\.\\d+:\\d+"), "hub.example.com:7443"},
      {std::regex("--join \\S+"), "--join TOKEN"},
      {std::regex("/tmp/lockstep-git-\\w+"), "/srv/git"},
      {std::regex("(\"?uid\"?: \"?)[0-9a-f-]{32,36}"), "$1UID"},
      {std::regex("\\b\\d+[smh] ago"), "5s ago"},
      {std::regex("\\bup \\d+[smh]\\b"), "up 5s"},
      {std::regex("\\bcommit \\d+,"), "commit 42,"},
      {std::regex("put back within [0-9.]+m?s"), "put back within 5ms"},
      {std::regex("within \\d+h\\d*m?"), "within 24h"},
  };
  return *kPatterns;
}

std::string WithoutVolatile(std::string text) {
  for (const auto& [pattern, instead] : Volatile()) {
    text = std::regex_replace(text, pattern, instead);
  }
  return text;
}

// Where each cell begins, by a table's head: words in capitals, two blanks apart. Empty where the
// line is none.
std::vector<size_t> Columns(absl::string_view line) {
  std::vector<size_t> starts;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != ' ' && !absl::ascii_isupper(line[i])) return {};
    if (line[i] == ' ') continue;
    if (i == 0 || (i > 1 && line[i - 1] == ' ' && line[i - 2] == ' ')) starts.push_back(i);
  }
  return starts.size() > 1 ? starts : std::vector<size_t>();
}

std::vector<std::string> Cells(const std::string& line, const std::vector<size_t>& starts) {
  std::vector<std::string> cells;
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t end = i + 1 < starts.size() ? starts[i + 1] : line.size();
    absl::string_view cell;
    if (starts[i] < line.size()) {
      cell = absl::string_view(line).substr(starts[i], end - starts[i]);
    }
    cells.emplace_back(absl::StripAsciiWhitespace(cell));
  }
  return cells;
}

// Ages in a column of their own, and the columns' widths, which come from them.
std::string AlignedAnew(const std::string& text) {
  static const auto* const kAge = new std::regex("\\d+[smhd]");
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  std::string out;
  for (size_t i = 0; i < lines.size();) {
    const std::vector<size_t> starts = Columns(lines[i]);
    if (starts.empty()) {
      absl::StrAppend(&out, lines[i], i + 1 < lines.size() ? "\n" : "");
      ++i;
      continue;
    }
    Table table(Cells(lines[i++], starts));
    for (; i < lines.size() && !lines[i].empty(); ++i) {
      std::vector<std::string> cells = Cells(lines[i], starts);
      for (std::string& cell : cells) {
        cell = std::regex_match(cell, *kAge) ? "5s" : WithoutVolatile(std::move(cell));
      }
      table.AddRow(std::move(cells));
    }
    absl::StrAppend(&out, table.ToString());
    if (i < lines.size() && lines[i].empty()) ++i;
  }
  return out;
}

}  // namespace

std::string Normalised(const std::string& text, const Fleet& fleet) {
  std::string normal = absl::StrReplaceAll(text, {{fleet.directory(), "/fleet"}});
  return WithoutVolatile(AlignedAnew(normal));
}

void Transcript::Comment(absl::string_view text) {
  absl::StrAppend(&text_, text_.empty() ? "" : "\n", "# ", text, "\n");
}

void Transcript::Run(const std::string& command) {
  const Said said = fleet_->Lockstep(absl::StrSplit(command, ' '));
  absl::StrAppend(&text_, "\n$ lockstep ", command, "\n", Normalised(said.out, *fleet_));
  const std::string talk = Normalised(said.err, *fleet_);
  for (absl::string_view line : absl::StrSplit(absl::StripTrailingAsciiWhitespace(talk), '\n')) {
    if (!talk.empty()) absl::StrAppend(&text_, line.empty() ? "!" : "! ", line, "\n");
  }
  if (said.exit_code != 0) absl::StrAppend(&text_, "[exit ", said.exit_code, "]\n");
}

void Transcript::Watch(const std::string& command, const std::string& first,
                       const std::function<void()>& change, const std::string& then) {
  const std::string path = fleet_->logs() + "/watch.out";
  ASSERT_OK(RemoveFile(path));
  {
    const BackgroundProgram watch = fleet_->StartLockstep(absl::StrSplit(command, ' '), path);
    const auto shows = [&](const std::string& row) {
      return WaitForFile(path, [&](bool, const std::string& text) {
        return absl::StrContains(text, row) && absl::EndsWith(text, "\n");
      });
    };
    ASSERT_OK(shows(first));
    change();
    ASSERT_OK(shows(then));
  }
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(path));
  absl::StrAppend(&text_, "\n$ lockstep ", command, "\n",
                  std::regex_replace(WithoutVolatile(text), std::regex(" \\d+s\n"), " 5s\n"),
                  "[ended]\n");
}

void Transcript::Compare() const {
  const std::string path = absl::StrCat(kFolder, name_, ".txt");
  if (std::getenv("LOCKSTEP_UPDATE_GOLDEN") != nullptr) {
    ASSERT_OK(WriteFileAtomic(path, text_, Durability::kNone));
    return;
  }
  ASSERT_OK_AND_ASSIGN(const std::string golden, ReadFile(path));
  EXPECT_EQ(text_, golden) << "if that is meant: LOCKSTEP_UPDATE_GOLDEN=1, then review " << path;
}

}  // namespace lockstep
