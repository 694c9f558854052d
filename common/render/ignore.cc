#include "common/render/ignore.h"

#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr size_t kLinesMax = 1000;
constexpr size_t kLineBytesMax = 1024;
constexpr uint64_t kSpecLayer = 1 << 16;  // Over any number of files: paths have 100 parts.

// Source: Flux's pkg/sourceignore, as are the lists below.
constexpr absl::string_view kVersionControl = ".git/\n.gitignore\n.gitmodules\n.gitattributes\n";
constexpr absl::string_view kDefaultExcludes =
    "*.jpg\n*.jpeg\n*.gif\n*.png\n*.wmv\n*.flv\n*.tar.gz\n*.zip\n"
    ".github/\n.circleci/\n.travis.yml\n.gitlab-ci.yml\nappveyor.yml\n.drone.yml\n"
    "cloudbuild.yaml\ncodeship-services.yml\ncodeship-steps.yml\n"
    "**/.goreleaser.yml\n**/.sops.yaml\n**/.flux.yaml\n";

// Reads the class that `glob` begins with ("[…]") and says whether it holds `c`. Moves `glob` past
// it; false with `glob` as it was for a class without an end.
bool MatchClass(absl::string_view* glob, char c, bool* holds) {
  size_t i = 1;
  bool inverted = false;
  if (i < glob->size() && ((*glob)[i] == '!' || (*glob)[i] == '^')) {
    inverted = true;
    ++i;
  }
  const auto next = [&]() -> unsigned char {
    if ((*glob)[i] == '\\' && i + 1 < glob->size()) ++i;
    return static_cast<unsigned char>((*glob)[i++]);
  };
  const unsigned char wanted = static_cast<unsigned char>(c);
  bool found = false;
  for (bool first = true; i < glob->size() && (first || (*glob)[i] != ']'); first = false) {
    const unsigned char low = next();
    unsigned char high = low;
    if (i + 1 < glob->size() && (*glob)[i] == '-' && (*glob)[i + 1] != ']') {
      ++i;
      high = next();
    }
    found = found || (low <= wanted && wanted <= high);
  }
  if (i >= glob->size()) return false;
  glob->remove_prefix(i + 1);
  *holds = found != inverted;
  return true;
}

// Matches one character of `text` against what `glob` begins with, which is no '*'; moves `glob`.
bool MatchOne(absl::string_view* glob, char c) {
  if ((*glob)[0] == '?') {
    glob->remove_prefix(1);
    return true;
  }
  if ((*glob)[0] == '[') {
    bool holds = false;
    return MatchClass(glob, c, &holds) && holds;
  }
  if ((*glob)[0] == '\\' && glob->size() > 1) glob->remove_prefix(1);
  const bool equal = (*glob)[0] == c;
  glob->remove_prefix(1);
  return equal;
}

// One part of a path. A '*' that fails to match is retried one character further on, and only the
// last one is: what an earlier one took never has to change.
bool MatchPart(absl::string_view glob, absl::string_view text) {
  absl::string_view retry_glob, retry_text;
  bool can_retry = false;
  while (!text.empty() || !glob.empty()) {
    if (!glob.empty() && glob[0] == '*') {
      glob.remove_prefix(1);
      retry_glob = glob;
      retry_text = text;
      can_retry = true;
      continue;
    }
    absl::string_view rest = glob;
    if (!glob.empty() && !text.empty() && MatchOne(&rest, text[0])) {
      glob = rest;
      text.remove_prefix(1);
      continue;
    }
    if (!can_retry || retry_text.empty()) return false;
    retry_text.remove_prefix(1);
    glob = retry_glob;
    text = retry_text;
  }
  return true;
}

// All parts, by the same way of retrying: "**" is to parts what '*' is to characters.
bool MatchParts(absl::Span<const std::string> globs, absl::Span<const absl::string_view> parts) {
  absl::Span<const std::string> retry_globs;
  absl::Span<const absl::string_view> retry_parts;
  bool can_retry = false;
  while (!parts.empty() || !globs.empty()) {
    if (!globs.empty() && globs[0] == "**") {
      globs.remove_prefix(1);
      retry_globs = globs;
      retry_parts = parts;
      can_retry = true;
      continue;
    }
    if (!globs.empty() && !parts.empty() && MatchPart(globs[0], parts[0])) {
      globs.remove_prefix(1);
      parts.remove_prefix(1);
      continue;
    }
    if (!can_retry || retry_parts.empty()) return false;
    retry_parts.remove_prefix(1);
    globs = retry_globs;
    parts = retry_parts;
  }
  return true;
}

// Without spaces at the end, but for one after a backslash.
absl::string_view StripEnd(absl::string_view line) {
  absl::ConsumeSuffix(&line, "\r");
  while (absl::EndsWith(line, " ") && !absl::EndsWith(line, "\\ ")) line.remove_suffix(1);
  return line;
}

}  // namespace

IgnorePattern::IgnorePattern(absl::string_view line, absl::string_view directory)
    : directory_(directory.empty() ? "" : absl::StrCat(directory, "/")) {
  negated_ = absl::ConsumePrefix(&line, "!");
  only_directories_ = absl::ConsumeSuffix(&line, "/");
  const bool anchored = absl::StrContains(line, "/");
  absl::ConsumePrefix(&line, "/");
  if (!anchored) parts_.push_back("**");
  for (const absl::string_view part : absl::StrSplit(line, '/')) {
    if (part == "**" && !parts_.empty() && parts_.back() == "**") continue;
    parts_.emplace_back(part);
  }
  if (parts_.back() == "**") parts_.push_back("*");  // "a/**" is what is in a, not a.
}

bool IgnorePattern::Matches(absl::string_view path, bool is_directory) const {
  if (only_directories_ && !is_directory) return false;
  if (!absl::ConsumePrefix(&path, directory_) || path.empty()) return false;
  if (parts_.size() == 2 && parts_[0] == "**") {  // The common case: a name, wherever it stands.
    return MatchPart(parts_[1], path.substr(path.rfind('/') + 1));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  return MatchParts(parts_, parts);
}

absl::StatusOr<std::shared_ptr<const IgnoreRules::Patterns>> IgnoreRules::Read(
    absl::string_view content, absl::string_view directory) {
  auto patterns = std::make_shared<Patterns>();
  for (absl::string_view line : absl::StrSplit(content, '\n')) {
    line = StripEnd(line);
    if (absl::StripAsciiWhitespace(line).empty() || line[0] == '#') continue;
    if (line == "!" || line == "/" || line == "!/") continue;  // Names nothing.
    if (line.size() > kLineBytesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a line has ", line.size(), " bytes; at most ", kLineBytesMax));
    }
    patterns->emplace_back(line, directory);
  }
  return patterns;
}

absl::Status IgnoreRules::Check() const {
  size_t lines = spec_ == nullptr ? 0 : spec_->size();
  for (const auto& file : files_) lines += file->size();
  if (lines <= kLinesMax) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(lines, " patterns would be in force; at most ", kLinesMax));
}

absl::StatusOr<IgnoreRules> IgnoreRules::Make(const std::string* spec_ignore) {
  IgnoreRules rules;
  if (spec_ignore == nullptr) return rules;
  LOCKSTEP_ASSIGN_OR_RETURN(std::shared_ptr<const Patterns> spec, Read(*spec_ignore, ""));
  if (spec->empty()) return rules;
  for (const IgnorePattern& pattern : *spec) rules.may_take_back_ |= pattern.negated();
  rules.spec_ = std::move(spec);
  LOCKSTEP_RETURN_IF_ERROR(rules.Check());
  return rules;
}

absl::StatusOr<IgnoreRules> IgnoreRules::With(absl::string_view content,
                                              absl::string_view directory) const {
  LOCKSTEP_ASSIGN_OR_RETURN(std::shared_ptr<const Patterns> file, Read(content, directory));
  IgnoreRules rules = *this;
  if (file->empty()) return rules;
  for (const IgnorePattern& pattern : *file) rules.may_take_back_ |= pattern.negated();
  rules.files_.push_back(std::move(file));
  LOCKSTEP_RETURN_IF_ERROR(rules.Check());
  return rules;
}

IgnoreRules::Verdict IgnoreRules::Judge(Verdict parent, absl::string_view path,
                                        bool is_directory) const {
  static const Patterns& version_control = *new Patterns(**Read(kVersionControl, ""));
  static const Patterns& defaults = *new Patterns(**Read(kDefaultExcludes, ""));
  Verdict verdict = parent;
  // Ranks of a layer's rules follow those of the weaker layers; the last match of the strongest
  // layer decides, unless a stronger rule decided on the directory.
  const auto judge = [&](const Patterns& patterns, uint64_t layer) {
    for (size_t i = patterns.size(); i > 0; --i) {
      const uint64_t rank = layer << 32 | i;
      if (rank <= verdict.rank) return true;
      if (!patterns[i - 1].Matches(path, is_directory)) continue;
      verdict = {.excluded = !patterns[i - 1].negated(), .rank = rank};
      return true;
    }
    return false;
  };
  if (spec_ != nullptr && judge(*spec_, kSpecLayer)) return verdict;
  for (size_t i = files_.size(); i > 0; --i) {
    if (judge(*files_[i - 1], i + 1)) return verdict;
  }
  if (HasDefaults() && judge(defaults, 1)) return verdict;
  judge(version_control, 0);
  return verdict;
}

}  // namespace lockstep
