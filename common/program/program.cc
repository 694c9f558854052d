#include "common/program/program.h"

#include <iostream>
#include <optional>
#include <pthread.h>
#include <stdlib.h>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/base/log.h"
#include "common/base/process.h"
#include "common/command_line/parse.h"

namespace lockstep {

void PrepareProcess() {
  DisableCoreDumps();
  KeepFilesPrivate();
  SkipLockOrderChecks();
  setenv("GRPC_VERBOSITY", "NONE",
         /*overwrite=*/0);  // It writes a line per connection on names we do not use.
}

int ReportStatus(const absl::Status& status) {
  if (status.ok()) return kExitDone;
  std::cerr << "error: " << status.message() << "\n";
  return kExitFailed;
}

int RunCommandLine(CLI::App* app, int argc, char** argv, const int* code) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::optional<int> ended = ParseCommandLine(app, arguments, std::cout, std::cerr);
  return ended.has_value() ? *ended : *code;
}

void LogFlags::AddTo(CLI::App* app) {
  app->add_option("--log-level", level_, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app->add_option("--log-format", format_, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

void LogFlags::Use() const {
  LogLevel least = LogLevel::kInfo;
  ParseLogLevel(level_, &least);
  ConfigureLog(least, format_ == "json" ? LogFormat::kJson : LogFormat::kText);
}

TerminationSignal::TerminationSignal() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int TerminationSignal::Wait() const {
  int received = 0;
  sigwait(&signals_, &received);
  pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
  return received;
}

}  // namespace lockstep
