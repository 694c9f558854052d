#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

namespace lockstep {

/// What to follow in a repository: one of branch, tag, semver, name, commit; or commit beside
/// branch or name; or nothing, which is the remote's HEAD. As spec.ref of a GitRepository.
struct GitRef {
  std::string branch;
  std::string tag;
  std::string semver;
  std::string name;    // A full ref name: refs/heads/main.
  std::string commit;  // 40 hex digits.

  friend bool operator==(const GitRef&, const GitRef&) = default;
};

/// INVALID_ARGUMENT naming the field. What passes holds only names by Git's grammar
/// (git-check-ref-format) and 40 hex digits: no text of a user ever reaches a revision parser.
absl::Status ValidateGitRef(const GitRef& ref);

/// Whether `name` is a full ref name: refs/… by Git's grammar, ASCII or UTF-8 without control
/// characters, at most 255 bytes.
bool IsFullRefName(absl::string_view name);

/// Whether `text` is 40 lower-case hex digits.
bool IsCommitId(absl::string_view text);

/// One line of what a remote has.
struct RemoteRef {
  std::string name;    // "HEAD" or a full name; a peeled tag ("refs/tags/v1^{}") is not among them.
  std::string target;  // 40 hex digits.
  std::string symref;  // For HEAD: the branch it names; empty if unknown.
};

/// What is to be fetched, and which of it is the commit.
struct RefChoice {
  std::vector<std::string>
      fetch;         // Full names that the remote has; each is fetched to the same name.
  std::string from;  // The ref whose target, peeled, is the commit; empty: `commit` itself, in any
                     // of `fetch`.
  std::string commit;  // Fixed by spec.ref.commit, else empty.
  std::string shown;   // What stands before '@' in the revision; empty for a bare commit.
};

/// Chooses among what the remote has. `ref` must have passed ValidateGitRef.
///
/// NOT_FOUND naming the ref or range that nothing matches; FAILED_PRECONDITION for an empty remote.
absl::StatusOr<RefChoice> ChooseRefs(const GitRef& ref, absl::Span<const RemoteRef> remote);

/// "main@sha1:4f2c…", "sha1:4f2c…" where `shown` is empty; as in Flux.
std::string RevisionName(absl::string_view shown, absl::string_view commit);

}  // namespace lockstep
