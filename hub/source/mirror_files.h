#pragma once

#include <cstdint>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "hub/source/git_handle.h"

// A mirror's files. All of this needs the mirror's lock: nobody else fetches into it.

namespace lockstep {

/// Removes what a killed fetch leaves: packs half written, and locks of refs, which would fail the
/// next fetch after its whole download. OK where there is no mirror yet.
absl::Status SweepLeftovers(const std::string& repository);

/// Opens the mirror; makes it, bare and without templates or hooks, where it lacks or was half
/// made.
absl::StatusOr<RepositoryHandle> OpenOrMakeMirror(const std::string& repository);

/// How many packs it has. Each fetch that brings objects adds one, and libgit2 never merges them.
int64_t CountPacks(const std::string& repository);

/// Writes the objects of all packs but the largest into one new pack, then removes those; every
/// object stays, reachable or not, so that commits in use stay readable. Readers with an old pack
/// open find the new one when they miss.
absl::Status MergePacks(const std::string& repository);

}  // namespace lockstep
