#pragma once

#include <string>

#include <absl/status/status.h>

namespace lockstep {

/// Whether the repository at `path`, bare or a working tree's, keeps all that it has within itself.
/// libgit2 follows what leads out of one: alternates, included configuration, links, the
/// directories of work trees. Whoever may write to an allowed file:// repository would have the hub
/// read others, which --allow-source does not name.
///
/// FAILED_PRECONDITION names what leads out and what to do. OK for what is no repository: libgit2
/// says so.
absl::Status CheckStaysWithin(const std::string& path);

}  // namespace lockstep
