#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "hub/source/git_handle.h"

// Questions about a mirror's objects and refs. Ids are 40 hex digits; names are full ref names that
// were checked.

namespace lockstep {

/// The ref under which a commit that no ref was asked for with is kept.
std::string PinName(absl::string_view commit);

bool HasObject(git_repository* repository, const git_oid& id);

/// What `name` holds; empty where there is no such ref.
std::string RefTarget(git_repository* repository, const std::string& name);

/// DATA_LOSS where the mirror lacks what one of its own refs names: what the server would be told
/// we have.
absl::Status CheckRefs(git_repository* repository);

/// Points `name` at `target`, durably. Refs whose names cannot stand beside it (refs/heads/a for
/// refs/heads/a/b) belong to branches that the remote no longer has; they go.
absl::Status WriteRef(git_repository* repository, const std::string& name,
                      const std::string& target);

/// The commit that `id`, a commit or tag, means. FAILED_PRECONDITION for a tag of something else.
absl::StatusOr<std::string> PeelToCommit(git_repository* repository, const std::string& id);

/// Whether `commit` is one of `heads` or an ancestor of one; false where it is not in the mirror.
absl::StatusOr<bool> IsReachable(git_repository* repository, const std::string& commit,
                                 const std::vector<std::string>& heads);

/// OK if every tree and blob of `commit` is in the mirror, as far as they are not `known`'s too (a
/// commit that was checked; empty for none). libgit2 takes packs without asking that. DATA_LOSS
/// naming the object that lacks.
absl::Status CheckWhole(git_repository* repository, const std::string& commit,
                        const std::string& known);

}  // namespace lockstep
