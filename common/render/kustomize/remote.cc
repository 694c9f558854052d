#include "common/render/kustomize/remote.h"

#include <string>
#include <utility>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

namespace lockstep::kustomize {
namespace {

bool ConsumeIgnoringCase(absl::string_view* text, absl::string_view prefix) {
  if (!absl::StartsWithIgnoreCase(*text, prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

std::string ConsumeScheme(absl::string_view* text) {
  for (const absl::string_view scheme : {"ssh://", "https://", "http://", "file://"}) {
    if (ConsumeIgnoringCase(text, scheme)) return std::string(scheme);
  }
  return "";
}

// "git@" of "git@host".
std::string ConsumeUser(absl::string_view* text) {
  size_t size = 0;
  while (size < text->size() && (absl::ascii_isalnum(static_cast<unsigned char>((*text)[size])) ||
                                 ((*text)[size] == '-' && size > 0))) {
    ++size;
  }
  if (size == 0 || size == text->size() || (*text)[size] != '@' ||
      !absl::ascii_isalpha(static_cast<unsigned char>((*text)[0]))) {
    return "";
  }
  std::string user(text->substr(0, size + 1));
  text->remove_prefix(size + 1);
  return user;
}

bool IsGithub(absl::string_view text) {
  return absl::StartsWithIgnoreCase(text, "github.com/") ||
         absl::StartsWithIgnoreCase(text, "github.com:");
}

// "ref" of "ref=v1&timeout=90s", "version" where there is none.
std::string RefOf(absl::string_view query) {
  std::string version;
  for (const absl::string_view part : absl::StrSplit(query, '&')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (pair.first == "ref" && !pair.second.empty()) return std::string(pair.second);
    if (pair.first == "version") version = std::string(pair.second);
  }
  return version;
}

using PathParts = std::pair<std::string, std::string>;  // Of the repository, of the folder in it.

std::optional<PathParts> SplitRepositoryPath(absl::string_view path, bool takes_all) {
  if (const size_t at = path.find("_git/"); at != absl::string_view::npos) {
    const size_t end = path.find('/', at + 5);
    if (end == absl::string_view::npos) return PathParts(path, "");
    return PathParts(path.substr(0, end), path.substr(end + 1));
  }
  if (const size_t at = path.find("//"); at != absl::string_view::npos) {
    return PathParts(path.substr(0, at), path.substr(at + 2));
  }
  if (const size_t at = path.find(".git"); at != absl::string_view::npos) {
    return PathParts(path.substr(0, at + 4), path.substr(at + 4));
  }
  if (takes_all) return PathParts(path, "");
  const std::vector<absl::string_view> segments = absl::StrSplit(path, '/');
  if (segments.size() < 2) return std::nullopt;
  return PathParts(absl::StrJoin(segments.begin(), segments.begin() + 2, "/"),
                   absl::StrJoin(segments.begin() + 2, segments.end(), "/"));
}

}  // namespace

bool IsHttp(absl::string_view text) {
  return absl::StartsWith(text, "https://") || absl::StartsWith(text, "http://");
}

std::optional<NeededRepository> ParseRepository(absl::string_view text) {
  if (absl::StartsWith(text, "/")) return std::nullopt;
  NeededRepository repository;
  if (const size_t query = text.find('?'); query != absl::string_view::npos) {
    repository.ref = RefOf(text.substr(query + 1));
    text = text.substr(0, query);
  }
  ConsumeIgnoringCase(&text, "git::");
  const std::string scheme = ConsumeScheme(&text);
  const std::string user = scheme == "file://" ? "" : ConsumeUser(&text);
  const bool github = IsGithub(text);
  const bool scp = scheme.empty() && (!user.empty() || github);
  if (scheme.empty() && !scp) return std::nullopt;
  std::string host;
  if (scheme != "file://") {
    size_t end = text.find('/');
    if (scp) end = std::min(end, text.find(':'));
    if (end == absl::string_view::npos) return std::nullopt;
    host = std::string(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  const std::optional<PathParts> parts = SplitRepositoryPath(text, scheme == "file://");
  if (!parts || parts->first.empty()) return std::nullopt;
  repository.url = github && user.empty() && scheme != "ssh://"
                       ? absl::StrCat("https://github.com/", parts->first)
                       : absl::StrCat(scheme, user, host, parts->first);
  repository.path = std::string(absl::StripPrefix(parts->second, "/"));
  return repository;
}

}  // namespace lockstep::kustomize
