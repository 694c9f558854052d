#include "hub/remote/ref_spec.h"

#include <algorithm>
#include <optional>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/text/utf8.h"
#include "hub/remote/git_url.h"
#include "hub/remote/version_range.h"

namespace lockstep {
namespace {

constexpr size_t kRefBytesMax = 255;

absl::Status Bad(absl::string_view field, absl::string_view value, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("spec.ref.", field, " \"", EscapeControl(value.substr(0, 100)), "\": ", why));
}

absl::Status CheckShortName(absl::string_view field, absl::string_view value,
                            absl::string_view prefix) {
  if (value.empty()) return absl::OkStatus();
  if (absl::StartsWith(value, "-")) return Bad(field, value, "a name does not begin with '-'");
  if (absl::StartsWith(value, "refs/")) {
    return Bad(
        field, value,
        absl::StrCat("this is a full name; put it into spec.ref.name, or leave out ", prefix));
  }
  if (IsFullRefName(absl::StrCat(prefix, value))) return absl::OkStatus();
  return Bad(field, value, "this is no name that Git allows (see git-check-ref-format)");
}

const RemoteRef* FindRef(absl::Span<const RemoteRef> remote, absl::string_view name) {
  const auto found = std::find_if(remote.begin(), remote.end(),
                                  [name](const RemoteRef& ref) { return ref.name == name; });
  return found == remote.end() ? nullptr : &*found;
}

absl::StatusOr<RefChoice> ChooseNamed(const GitRef& ref, absl::string_view full,
                                      absl::string_view shown, absl::Span<const RemoteRef> remote) {
  if (FindRef(remote, full) == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("the repository has no ", full, "; correct spec.ref, or push it"));
  }
  const std::string name(full);
  return RefChoice{
      .fetch = {name}, .from = name, .commit = ref.commit, .shown = std::string(shown)};
}

absl::StatusOr<RefChoice> ChooseHead(absl::Span<const RemoteRef> remote) {
  const RemoteRef* head = FindRef(remote, "HEAD");
  if (head == nullptr) {
    return absl::NotFoundError(
        "the repository's HEAD names no branch that exists; say which one in spec.ref.branch");
  }
  constexpr absl::string_view kBranches = "refs/heads/";
  if (absl::StartsWith(head->symref, kBranches) && FindRef(remote, head->symref) != nullptr) {
    return ChooseNamed({}, head->symref, absl::string_view(head->symref).substr(kBranches.size()),
                       remote);
  }
  // A server that does not say which branch, or a detached HEAD: any branch or tag with the same
  // target will do.
  for (const RemoteRef& ref : remote) {
    if (ref.name != "HEAD" && ref.target == head->target && IsFullRefName(ref.name)) {
      return RefChoice{.fetch = {ref.name}, .from = ref.name, .shown = "HEAD"};
    }
  }
  return absl::NotFoundError(
      "the repository's HEAD is on no branch; say which one to follow in spec.ref.branch");
}

absl::StatusOr<RefChoice> ChooseVersion(absl::string_view condition,
                                        absl::Span<const RemoteRef> remote) {
  LOCKSTEP_ASSIGN_OR_RETURN(const VersionRange range, VersionRange::Parse(condition));
  constexpr absl::string_view kTags = "refs/tags/";
  const RemoteRef* best = nullptr;
  std::optional<Version> best_version;
  for (const RemoteRef& ref : remote) {
    if (!absl::StartsWith(ref.name, kTags) || !IsFullRefName(ref.name)) continue;
    std::optional<Version> version =
        Version::Parse(absl::string_view(ref.name).substr(kTags.size()));
    if (!version || !range.Contains(*version)) continue;
    // Tags of one precedence (1.0.0, v1.0.0, 1.0.0+a): the last by name, whatever the server's
    // order.
    if (best == nullptr || *version > *best_version ||
        (*version == *best_version && ref.name > best->name)) {
      best = &ref;
      best_version = std::move(version);
    }
  }
  if (best == nullptr) {
    return absl::NotFoundError(absl::StrCat("no tag of the repository is a version in \"",
                                            condition,
                                            "\"; correct spec.ref.semver, or push a tag"));
  }
  return ChooseNamed({}, best->name, absl::string_view(best->name).substr(kTags.size()), remote);
}

RefChoice ChooseCommit(absl::string_view commit, absl::Span<const RemoteRef> remote) {
  RefChoice choice{.commit = std::string(commit)};
  for (const RemoteRef& ref : remote) {
    const bool common =
        absl::StartsWith(ref.name, "refs/heads/") || absl::StartsWith(ref.name, "refs/tags/");
    if (common && IsFullRefName(ref.name)) choice.fetch.push_back(ref.name);
  }
  return choice;
}

}  // namespace

// git-check-ref-format(1), and stricter: no control characters of any kind, no escapes of a
// terminal, a bounded length.
bool IsFullRefName(absl::string_view name) {
  if (name.size() > kRefBytesMax || !absl::StartsWith(name, "refs/") || !IsUtf8(name)) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    if (absl::ascii_iscntrl(c) || absl::StrContains(" ~^:?*[\\", name.substr(i, 1))) return false;
    // U+0080 to U+009F command a terminal as ASCII's control characters do.
    if (c == 0xc2 && static_cast<unsigned char>(name[i + 1]) < 0xa0) return false;
  }
  if (absl::StrContains(name, "..") || absl::StrContains(name, "@{") || absl::EndsWith(name, ".")) {
    return false;
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  return std::none_of(parts.begin(), parts.end(), [](absl::string_view part) {
    return part.empty() || part[0] == '.' || part[0] == '-' || absl::EndsWith(part, ".lock");
  });
}

bool IsCommitId(absl::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

absl::Status ValidateGitRef(const GitRef& ref) {
  const int named =
      !ref.branch.empty() + !ref.tag.empty() + !ref.semver.empty() + !ref.name.empty();
  if (named > 1) {
    return absl::InvalidArgumentError(
        "spec.ref names more than one of branch, tag, semver and name; keep one");
  }
  if (!ref.commit.empty() && (!ref.tag.empty() || !ref.semver.empty())) {
    return absl::InvalidArgumentError(
        "spec.ref.commit may stand beside branch or name, not beside tag or semver");
  }
  LOCKSTEP_RETURN_IF_ERROR(CheckShortName("branch", ref.branch, "refs/heads/"));
  LOCKSTEP_RETURN_IF_ERROR(CheckShortName("tag", ref.tag, "refs/tags/"));
  if (!ref.name.empty() && !IsFullRefName(ref.name)) {
    return Bad("name", ref.name, "this is no full name of a ref; write it as refs/heads/main");
  }
  if (!ref.commit.empty() && !IsCommitId(ref.commit)) {
    return Bad("commit", ref.commit,
               "this is not the whole id of a commit: 40 lower-case hex digits");
  }
  if (!ref.semver.empty()) return VersionRange::Parse(ref.semver).status();
  return absl::OkStatus();
}

absl::StatusOr<RefChoice> ChooseRefs(const GitRef& ref, absl::Span<const RemoteRef> remote) {
  if (remote.empty()) {
    return absl::FailedPreconditionError(
        "the repository is empty: it has no branch and no tag; push a commit");
  }
  if (!ref.branch.empty())
    return ChooseNamed(ref, absl::StrCat("refs/heads/", ref.branch), ref.branch, remote);
  if (!ref.tag.empty())
    return ChooseNamed(ref, absl::StrCat("refs/tags/", ref.tag), ref.tag, remote);
  if (!ref.name.empty()) return ChooseNamed(ref, ref.name, ref.name, remote);
  if (!ref.semver.empty()) return ChooseVersion(ref.semver, remote);
  if (!ref.commit.empty()) return ChooseCommit(ref.commit, remote);
  return ChooseHead(remote);
}

std::string RevisionName(absl::string_view shown, absl::string_view commit) {
  return absl::StrCat(shown, shown.empty() ? "" : "@", "sha1:", commit);
}

}  // namespace lockstep
