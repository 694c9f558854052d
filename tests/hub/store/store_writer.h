#pragma once

namespace lockstep {

/// How tests/hub/store/store_writer.cc ends, unless killed.
inline constexpr int kWriterLockedOut = 3;
inline constexpr int kWriterRefused = 4;
inline constexpr int kWriterFailed = 5;

}  // namespace lockstep
