#pragma once

#include <cstdint>

namespace lockstep {

/// The word on the command line that makes the hub's program a fetch server.
inline constexpr char kFetchServerArgument[] = "fetch-server";

/// The descriptor on which a fetch server is started.
inline constexpr int kFetchServerFd = 3;

/// What the hub sends on it for each fetch, with one descriptor: the socket that the fetch process
/// answers on.
struct FetchStart {
  int64_t timeout_ms = 0;
  int64_t memory_bytes_max = 0;
};

/// What the server adds on that socket when the process has ended, after its report.
struct FetchEnd {
  static constexpr uint32_t kMark = 0xffffffff;  // No length of a report.
  uint32_t mark = kMark;
  int32_t wait_status = 0;  // As waitpid gives it.
  int32_t timed_out = 0;
};

/// The body of a fetch server: forks a process for each fetch, kills it at its deadline, and ends,
/// killing what runs, when the hub closes `control`. One thread, so forking is safe; it holds
/// nothing but the libraries, so a fetch process has no secret but its own. Returns the exit code.
///
/// A fork costs a millisecond, starting a program fifteen; fetches run every few seconds.
int RunFetchServer(int control);

/// The body of a fetch process: reads an order from `socket`, does it, writes the report. Returns
/// the exit code.
int RunFetchProcess(int socket, const FetchStart& start);

}  // namespace lockstep
