#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "agent/agent.h"
#include "common/base/log.h"
#include "common/program/program.h"

namespace lockstep {
namespace {

struct Flags {
  AgentConfig config;
  LogFlags log;
};

int Run(const Flags& flags) {
  flags.log.Use();
  const TerminationSignal termination;
  const absl::StatusOr<std::unique_ptr<Agent>> agent = Agent::Start(flags.config);
  if (!agent.ok()) return ReportStatus(agent.status());
  Log(LogLevel::kInfo, "agent ends", {{"signal", termination.Wait()}});
  (*agent)->Stop();
  return kExitDone;
}

void AddPlace(CLI::App* app, AgentConfig* config) {
  app->add_option("--state", config->state_directory, "directory of all that the agent keeps")
      ->required();
  app->add_option("--target", config->target, "what is kept right: directory:PATH, or kubernetes")
      ->check([](const std::string& text) {
        const absl::Status status = CheckTarget(text);
        return status.ok() ? std::string() : std::string(status.message());
      })
      ->required();
  auto* const kubeconfig = app->add_option(
      "--kubeconfig", config->kubeconfig,
      "how to reach the API server of --target kubernetes; what the pod has where it is not given");
  app->add_option("--context", config->kube_context,
                  "of the kubeconfig; its current one where it is not given")
      ->needs(kubeconfig);
  app->add_option("--identity-secret", config->identity_secret,
                  "with --target kubernetes: Secret of the agent's own namespace that keeps the "
                  "identity, instead of --state");
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
  flags.log.AddTo(run);
  run->callback([&] { code = Run(flags); });

  CLI::App* release = app.add_subcommand(
      "release", "stop correcting for good and leave all objects where they are");
  AddPlace(release, &flags.config);
  release->callback([&] { code = ReportStatus(ReleaseEverything(flags.config)); });

  return RunCommandLine(&app, argc, argv, &code);
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  lockstep::PrepareProcess();
  return lockstep::Main(argc, argv);
}
