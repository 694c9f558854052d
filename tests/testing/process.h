#pragma once

#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

#include "common/base/file.h"

namespace lockstep {

/// Programs that a test runs, with the environment it gives them and PATH; found in PATH and the
/// sbin directories.
struct ProgramOptions {
  std::vector<std::string> arguments;  // The program first.
  std::map<std::string, std::string> environment;
  std::string directory = "/";
  std::map<int, int> descriptors;  // The program's number → ours, which stays open here.
};

struct ProgramResult {
  int exit_code = -1;  // -1: it could not be run, or a signal ended it.
  std::string output;  // Standard output.
};

/// The absolute path of `program`; empty where it is not installed.
std::string FindProgram(const std::string& program);

/// Runs a program to its end with `input` as its standard input. Its standard error is the test's.
ProgramResult RunProgram(const ProgramOptions& options, const std::string& input = "");

/// A program that runs beside the test; ended (SIGTERM, then waited for) with the object. It dies
/// with the test, too.
class BackgroundProgram {
 public:
  BackgroundProgram() = default;
  /// Aborts the test where the program cannot be started.
  explicit BackgroundProgram(const ProgramOptions& options);
  ~BackgroundProgram() { Stop(); }
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;
  BackgroundProgram(BackgroundProgram&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  BackgroundProgram& operator=(BackgroundProgram&& other) noexcept {
    Stop();
    pid_ = std::exchange(other.pid_, -1);
    return *this;
  }

  pid_t pid() const { return pid_; }
  /// Idempotent.
  void Stop();

 private:
  pid_t pid_ = -1;
};

/// A socket that listens on a free port of 127.0.0.1, with its port: hand it to a server, and
/// nobody has to wait for it.
struct Listener {
  OwnedFd socket;
  uint16_t port = 0;
};
Listener ListenOnLoopback();

}  // namespace lockstep
