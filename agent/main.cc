#include <iostream>
#include <memory>
#include <signal.h>
#include <stdlib.h>
#include <string>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "agent/agent.h"
#include "common/base/log.h"
#include "common/base/process.h"

namespace lockstep {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int Report(const absl::Status& status) {
  if (status.ok()) return 0;
  std::cerr << "error: " << status.message() << "\n";
  return kFailed;
}

struct Flags {
  AgentConfig config;
  std::string log_level = "info";
  std::string log_format = "text";
};

int Run(const Flags& flags) {
  LogLevel least = LogLevel::kInfo;
  ParseLogLevel(flags.log_level, &least);
  ConfigureLog(least, flags.log_format == "json" ? LogFormat::kJson : LogFormat::kText);
  // Blocked before any thread starts, so that only sigwait here takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const absl::StatusOr<std::unique_ptr<Agent>> agent = Agent::Start(flags.config);
  if (!agent.ok()) return Report(agent.status());
  int received = 0;
  sigwait(&signals, &received);
  Log(LogLevel::kInfo, "agent ends", {{"signal", received}});
  // A second signal ends the program at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  (*agent)->Stop();
  return 0;
}

void AddPlace(CLI::App* app, AgentConfig* config) {
  app->add_option("--state", config->state_directory, "directory of all that the agent keeps")
      ->required();
  app->add_option("--target", config->target, "directory:PATH: what is kept right")->required();
}

int Main(int argc, char** argv) {
  int code = 0;
  Flags flags;
  CLI::App app("The agent: keeps one cluster as Git says.", "lockstep-agent");
  app.set_version_flag("--version", absl::StrCat("lockstep-agent ", LOCKSTEP_VERSION));
  app.require_subcommand(1);

  CLI::App* run = app.add_subcommand("run", "keep the cluster right");
  AddPlace(run, &flags.config);
  run->add_option(
         "--join", flags.config.join_token,
         "token of `lockstep cluster join-token`, for the first start; $LOCKSTEP_JOIN_TOKEN too")
      ->envname("LOCKSTEP_JOIN_TOKEN");
  run->add_option("--metrics-listen", flags.config.metrics_listen,
                  "HOST:PORT for /metrics, /healthz and /readyz; none where empty")
      ->capture_default_str();
  run->add_option("--log-level", flags.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  run->add_option("--log-format", flags.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  run->callback([&] { code = Run(flags); });

  CLI::App* release = app.add_subcommand(
      "release", "stop correcting for good and leave all objects where they are");
  AddPlace(release, &flags.config);
  release->callback([&] { code = Report(ReleaseEverything(flags.config)); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return code;
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  lockstep::DisableCoreDumps();
  setenv("GRPC_VERBOSITY", "NONE",
         /*overwrite=*/0);  // It writes a line per connection on names we do not use.
  return lockstep::Main(argc, argv);
}
