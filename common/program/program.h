#pragma once

#include <signal.h>
#include <string>

#include <absl/status/status.h>

#include "common/command_line/parse.h"

namespace CLI {
class App;
}

/// What a daemon's main does around its work, the same in the hub and in the agent.
namespace lockstep {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = kExitWrongUse;

/// Settings of the process as a whole: no core dumps (keys are in memory), files that are private
/// (umask 077), no lines of gRPC's own
/// on standard error, no record of the order of locks. Call first in main.
void PrepareProcess();

/// Prints an error for people to standard error; returns the exit code.
int ReportStatus(const absl::Status& status);

/// Reads the arguments and runs the callback of the subcommand that they name, which sets `*code`.
/// Returns the exit code.
int RunCommandLine(CLI::App* app, int argc, char** argv, const int* code);

/// --log-level and --log-format.
class LogFlags {
 public:
  void AddTo(CLI::App* app);
  /// Configures the log as the flags say. Call before threads start.
  void Use() const;

 private:
  std::string level_ = "info";
  std::string format_ = "text";
};

/// SIGINT and SIGTERM as something to wait for. Construct before any thread starts: they stay
/// blocked in all of them. SIGPIPE is ignored from then on.
class TerminationSignal {
 public:
  TerminationSignal();
  /// Returns the first signal. A second one ends the program at once.
  int Wait() const;

 private:
  sigset_t signals_;
};

}  // namespace lockstep
