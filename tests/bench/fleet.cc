#include "tests/bench/fleet.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/file.h"
#include "hub/cli/command.h"
#include "hub/cli/connect.h"
#include "tests/bench/harness.h"
#include "tests/bench/http.h"

namespace lockstep {
namespace {

// Runs beside us with its output in `log`.
BackgroundProgram RunBeside(std::vector<std::string> arguments, const std::string& log) {
  const OwnedFd file(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  MustBe(file.valid(), absl::StrCat("opening ", log));
  return BackgroundProgram(
      {.arguments = std::move(arguments), .descriptors = {{1, file.get()}, {2, file.get()}}});
}

void RunToEnd(const ProgramOptions& options) {
  const ProgramResult result = RunProgram(options);
  MustBe(result.exit_code == 0,
         absl::StrCat("running ", options.arguments[0], ": ", result.output));
}

}  // namespace

std::string ProgramFolder() {
  std::string path(4096, '\0');
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  MustBe(length > 0, "reading /proc/self/exe");
  path.resize(static_cast<size_t>(length));
  return DirName(path);
}

BenchRepository::BenchRepository(std::string directory) : directory_(std::move(directory)) {
  Must(MakeDirectories(directory_));
  Git({"init", "-q", "-b", "main"});
}

void BenchRepository::Write(const std::string& path, absl::string_view content) {
  const std::string file = absl::StrCat(directory_, "/", path);
  Must(MakeDirectories(DirName(file)));
  Must(WriteFileAtomic(file, content, Durability::kNone));
}

void BenchRepository::Commit() {
  Git({"add", "-A"});
  Git({"commit", "-q", "-m", "a change"});
}

void BenchRepository::Git(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(),
                   {FindProgram("git"), "-c", "user.name=bench", "-c", "user.email=bench@localhost",
                    "-c", "gc.auto=0", "-C", directory_});
  RunToEnd(
      {.arguments = std::move(arguments),
       .environment = {{"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_SYSTEM", "/dev/null"}}});
}

std::string ConfigMapYaml(absl::string_view name, uint64_t number, size_t bytes) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name,
                      "\n  namespace: default\ndata:\n  text: \"", Noise(number, bytes), "\"\n");
}

std::string RepositoryYaml(absl::string_view url) {
  return absl::StrCat(
      "apiVersion: lockstep.dev/v1\nkind: GitRepository\nmetadata:\n  name: fleet\nspec:\n  url: ",
      url, "\n  ref: {branch: main}\n  interval: 24h\n---\n");
}

std::string ApplicationYaml(absl::string_view name, absl::string_view path,
                            absl::string_view cluster) {
  return absl::StrCat(
      "apiVersion: lockstep.dev/v1\nkind: Application\nmetadata:\n  name: ", name,
      "\nspec:\n  sourceRef: {kind: GitRepository, name: fleet}\n  path: ", path, "\n  placement: ",
      cluster.empty() ? "{selector: {}}" : absl::StrCat("{clusters: [", cluster, "]}"), "\n---\n");
}

HubProcess::HubProcess(std::string directory, std::string source_url)
    : directory_(std::move(directory)),
      source_url_(std::move(source_url)),
      context_file_(directory_ + "/context"),
      port_(FreePort()),
      enrolment_port_(FreePort()),
      metrics_port_(FreePort()) {
  Must(MakeDirectories(directory_, 0700));
  RunToEnd({.arguments = {ProgramFolder() + "/lockstep-hub", "init", "--data", directory_ + "/data",
                          "--address", absl::StrCat("127.0.0.1:", port_), "--enrol-port",
                          absl::StrCat(enrolment_port_), "--context-file", context_file_}});
}

void HubProcess::Start() {
  process_ = RunBeside({ProgramFolder() + "/lockstep-hub", "serve", "--data", directory_ + "/data",
                        "--listen", absl::StrCat("127.0.0.1:", port_), "--enrol-listen",
                        absl::StrCat("127.0.0.1:", enrolment_port_), "--metrics-listen",
                        absl::StrCat("127.0.0.1:", metrics_port_), "--allow-source", source_url_,
                        "--log-level", "warning"},
                       directory_ + "/log");
  WaitUntil("the hub to answer", absl::Seconds(60), [this] {
    if (!HttpGet(metrics_port_, "/readyz").ok()) return false;
    client_ = Must(ConnectToHub({.context_file = context_file_}));
    return client_
        ->Call<v1::GetHubRequest, v1::GetHubResponse>(&FleetClient::Stub::GetHub,
                                                      v1::GetHubRequest())
        .ok();
  });
}

void HubProcess::Kill() {
  kill(process_.pid(), SIGKILL);
  process_.Stop();
}

double HubProcess::Metric(absl::string_view series) const {
  const std::string page = Must(HttpGet(metrics_port_, "/metrics"));
  for (absl::string_view line : absl::StrSplit(page, '\n')) {
    double value = 0;
    if (absl::ConsumePrefix(&line, series) && absl::ConsumePrefix(&line, " ") &&
        absl::SimpleAtod(line, &value)) {
      return value;
    }
  }
  Must(absl::NotFoundError(absl::StrCat("no metric ", series)));
  return 0;
}

std::string NewJoinToken(FleetClient* client, const std::string& cluster) {
  v1::CreateJoinTokenRequest request;
  request.set_cluster(cluster);
  return Must(client->Call<v1::CreateJoinTokenRequest, v1::CreateJoinTokenResponse>(
                  &FleetClient::Stub::CreateJoinToken, request))
      .token();
}

void HubProcess::Apply(absl::string_view yaml) {
  v1::ApplyRequest request;
  v1::ApplyRequest::File* file = request.add_files();
  file->set_name("bench");
  file->set_content(std::string(yaml));
  Must(client_->Call<v1::ApplyRequest, v1::ApplyResponse>(&FleetClient::Stub::Apply, request)
           .status());
}

void HubProcess::Sync() {
  v1::SyncRequest request;
  request.mutable_key()->set_kind("GitRepository");
  request.mutable_key()->set_namespace_("default");
  request.mutable_key()->set_name("fleet");
  Must(
      client_->Call<v1::SyncRequest, v1::SyncResponse>(&FleetClient::Stub::Sync, request).status());
}

void HubProcess::AwaitReady(absl::string_view application, int clusters, absl::Duration limit) {
  v1::ResourceKey key;
  key.set_kind("Application");
  key.set_namespace_("default");
  key.set_name(std::string(application));
  WaitUntil(
      absl::StrCat(application, " to be ready on ", clusters, " clusters"), limit,
      [&] {
        const v1::GetResponse answer = Must(client_->Get(key));
        return answer.resource().application().status().clusters_ready() == clusters;
      },
      absl::Milliseconds(50));
}

AgentProcess::AgentProcess(const std::string& directory, HubProcess* hub,
                           const std::string& cluster)
    : target_(directory + "/target") {
  Must(MakeDirectories(directory, 0700));
  process_ = RunBeside(
      {ProgramFolder() + "/lockstep-agent", "run", "--state", directory + "/state", "--target",
       "directory:" + target_, "--join", NewJoinToken(&hub->client(), cluster), "--metrics-listen",
       "", "--log-level", "warning"},
      directory + "/log");
}

}  // namespace lockstep
