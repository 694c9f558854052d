#pragma once

#include <atomic>

namespace lockstep {

/// While true, the program that links this cannot open anything for writing by openat, as on a
/// read-only file system (EROFS): its own openat comes before the library's. False at the start.
std::atomic<bool>& ReadOnlyFiles();

}  // namespace lockstep
