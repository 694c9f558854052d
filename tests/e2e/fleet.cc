#include "tests/e2e/fleet.h"

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/rpc/credentials.h"
#include "hub/identity/context.h"

namespace lockstep {
namespace {

// An address of this process's own, 127.64.0.0/10 by its id: what chooses ports there before it
// takes them meets no other test, nor anybody's outgoing connection.
std::string OwnAddress() {
  const auto pid = static_cast<unsigned>(getpid());
  return absl::StrCat("127.", 64 + (pid >> 16 & 63), ".", pid >> 8 & 255, ".", pid & 255);
}

sockaddr_in SocketAddress(const std::string& host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) std::abort();
  return address;
}

// Ports of `host` that were free a moment ago, all different.
std::vector<uint16_t> FreePorts(const std::string& host, size_t count) {
  std::vector<OwnedFd> sockets;
  std::vector<uint16_t> ports;
  while (sockets.size() < count) {
    sockets.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = SocketAddress(host, 0);
    socklen_t size = sizeof address;
    if (bind(sockets.back().get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        getsockname(sockets.back().get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    ports.push_back(ntohs(address.sin_port));
  }
  return ports;
}

OwnedFd OpenLog(const std::string& path) {
  OwnedFd log(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.valid()) std::abort();
  return log;
}

}  // namespace

Fleet::Fleet(Options options)
    : options_(std::move(options)),
      directory_(MakeTemporaryDirectory("lockstep-e2e-").value()),
      host_(OwnAddress()) {
  const std::vector<uint16_t> ports = FreePorts(host_, 3);
  port_ = ports[0];
  enrolment_port_ = ports[1];
  metrics_port_ = ports[2];
  for (const char* each : {"/log", "/state", "/target"}) {
    if (!MakeDirectories(directory_ + each, 0700).ok()) std::abort();
  }
  const Said made = Run("lockstep-hub",
                        {"init", "--data", hub_data(), "--address", At(port_), "--enrol-port",
                         absl::StrCat(enrolment_port_), "--context-file", directory_ + "/context"});
  if (made.exit_code != 0) {
    std::fprintf(stderr, "lockstep-hub init: %s\n", made.err.c_str());
    std::abort();
  }
}

Fleet::~Fleet() {
  client_.reset();
  for (auto& [cluster, agent] : agents_) kill(-agent.program.pid(), SIGTERM);  // All at once.
  agents_.clear();
  hub_.Stop();
  RemoveTree(directory_).IgnoreError();
}

ProgramOptions Fleet::Program(const std::string& name,
                              const std::vector<std::string>& arguments) const {
  ProgramOptions options{.arguments = {std::string(LOCKSTEP_BIN) + "/" + name},
                         .environment = {{"LOCKSTEP_CONFIG", directory_ + "/context"},
                                         {"HOME", directory_},
                                         {"TZ", "UTC"}},
                         .directory = directory_};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  return options;
}

Said Fleet::Run(const std::string& program, const std::vector<std::string>& arguments,
                const std::vector<std::string>& wrapper) {
  ProgramOptions options = Program(program, arguments);
  options.arguments.insert(options.arguments.begin(), wrapper.begin(), wrapper.end());
  const std::string path = absl::StrCat(logs(), "/", program, ".err");
  RemoveFile(path).IgnoreError();
  const OwnedFd err = OpenLog(path);
  options.descriptors[STDERR_FILENO] = err.get();
  const ProgramResult result = RunProgram(options);
  return {result.exit_code, result.output, ReadFile(path).value()};
}

Said Fleet::Lockstep(const std::vector<std::string>& arguments) {
  return Run("lockstep", arguments);
}

BackgroundProgram Fleet::StartLockstep(const std::vector<std::string>& arguments,
                                       const std::string& log) {
  return StartLogged(Program("lockstep", arguments), log);
}

BackgroundProgram Fleet::StartLogged(ProgramOptions options, const std::string& log) {
  const OwnedFd fd = OpenLog(log);
  options.descriptors[STDOUT_FILENO] = fd.get();
  options.descriptors[STDERR_FILENO] = fd.get();
  return BackgroundProgram(options);
}

absl::Status Fleet::StartHub(const std::vector<std::string>& wrapper) {
  std::vector<std::string> arguments = {
      "serve",          "--data",         hub_data(),          "--listen",
      At(port_),        "--enrol-listen", At(enrolment_port_), "--metrics-listen",
      At(metrics_port_)};
  arguments.insert(arguments.end(), options_.serve.begin(), options_.serve.end());
  hub_log_ = absl::StrCat(logs(), "/hub-", ++hub_starts_, ".log");
  ProgramOptions program = Program("lockstep-hub", arguments);
  program.arguments.insert(program.arguments.begin(), wrapper.begin(), wrapper.end());
  hub_ = StartLogged(std::move(program), hub_log_);
  bool ended = false;
  LOCKSTEP_RETURN_IF_ERROR(WaitForFile(hub_log_, [&](bool, const std::string& content) {
    ended = absl::StrContains(content, "error: ");
    return ended || absl::StrContains(content, "hub started");
  }));
  if (ended) {
    hub_.Stop();
    return absl::FailedPreconditionError(ReadFile(hub_log_).value());
  }
  return Connect();
}

absl::Status Fleet::Connect() {
  LOCKSTEP_ASSIGN_OR_RETURN(const ContextFile file, LoadContextFile(directory_ + "/context"));
  LOCKSTEP_ASSIGN_OR_RETURN(const Context context, file.Find(""));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                            MakeHubChannelCredentials(context.material));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // Each hub process gets a new one.
  const auto channel = grpc::CreateCustomChannel(context.hubs[0], credentials, arguments);
  client_ =
      std::make_unique<FleetClient>(v1::FleetService::NewStub(channel), context.hubs[0], kPatience);
  return client_->Call(&FleetClient::Stub::GetHub, v1::GetHubRequest()).status();
}

absl::Status Fleet::WaitHubSays(absl::string_view text) {
  return WaitForFile(hub_log_,
                     [&](bool, const std::string& log) { return absl::StrContains(log, text); });
}

void Fleet::EndHub(int signal) {
  client_.reset();
  if (hub_.pid() > 0) kill(signal == SIGKILL ? -hub_.pid() : hub_.pid(), signal);
  hub_.Stop();
}

absl::StatusOr<std::string> Fleet::JoinToken(const std::string& cluster,
                                             const std::map<std::string, std::string>& labels) {
  v1::CreateJoinTokenRequest request;
  request.set_cluster(cluster);
  request.mutable_labels()->insert(labels.begin(), labels.end());
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::CreateJoinTokenResponse response,
                            client_->Call(&FleetClient::Stub::CreateJoinToken, request));
  return response.token();
}

void Fleet::StartAgent(const std::string& cluster, const std::string& token,
                       std::vector<std::string> target_flags) {
  if (target_flags.empty()) target_flags = {"directory:" + target(cluster)};
  AgentProcess& agent = agents_[cluster];
  agent.metrics_port = FreePorts(host_, 1)[0];
  std::vector<std::string> arguments = {
      "run", "--state", state(cluster), "--metrics-listen", At(agent.metrics_port), "--target"};
  arguments.insert(arguments.end(), target_flags.begin(), target_flags.end());
  if (!token.empty()) arguments.insert(arguments.end(), {"--join", token});
  agent.program = StartLogged(Program("lockstep-agent", arguments),
                              absl::StrCat(logs(), "/agent-", cluster, ".log"));
}

void Fleet::EndAgent(const std::string& cluster, int signal) {
  const auto found = agents_.find(cluster);
  if (found == agents_.end()) return;
  kill(found->second.program.pid(), signal);
  agents_.erase(found);
}

absl::Status Fleet::Join(const std::string& cluster,
                         const std::map<std::string, std::string>& labels) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string token, JoinToken(cluster, labels));
  StartAgent(cluster, token);
  return WaitOnline(cluster);
}

absl::Status Fleet::WaitOnline(const std::string& cluster, bool online) {
  v1::ResourceKey key;
  key.set_kind("Cluster");
  key.set_name(cluster);
  return WaitUntil([&]() -> absl::StatusOr<bool> {
    LOCKSTEP_ASSIGN_OR_RETURN(const v1::GetResponse response, client_->Get(key));
    return response.resource().cluster().status().online() == online;
  });
}

absl::Status Fleet::Apply(const std::string& yaml) {
  v1::ApplyRequest request;
  v1::ApplyRequest::File* file = request.add_files();
  file->set_name("fleet.yaml");
  file->set_content(yaml);
  return client_->Call(&FleetClient::Stub::Apply, request).status();
}

absl::StatusOr<std::string> Fleet::SyncRepository(const std::string& name,
                                                  const std::string& name_space) {
  v1::SyncRequest request;
  request.mutable_key()->set_kind("GitRepository");
  request.mutable_key()->set_namespace_(name_space);
  request.mutable_key()->set_name(name);
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::SyncResponse response,
                            client_->Call(&FleetClient::Stub::Sync, request));
  return response.revision();
}

absl::StatusOr<v1::Application> Fleet::GetApplication(const std::string& name) {
  v1::ResourceKey key;
  key.set_kind("Application");
  key.set_namespace_("default");
  key.set_name(name);
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::GetResponse response, client_->Get(key));
  return response.resource().application();
}

absl::StatusOr<std::vector<v1::Application>> Fleet::ListApplications() {
  v1::ListRequest request;
  request.set_kind("Application");
  request.set_namespace_("default");
  request.set_per_cluster(true);
  std::vector<v1::Application> all;
  const std::function<bool(const v1::ListResponse&)> take = [&](const v1::ListResponse& response) {
    for (const v1::Resource& each : response.resources()) all.push_back(each.application());
    return true;
  };
  LOCKSTEP_RETURN_IF_ERROR(client_->Stream(&FleetClient::Stub::List, request, take));
  return all;
}

absl::Status Fleet::WaitUntil(const std::function<absl::StatusOr<bool>()>& look) {
  return client_->WaitUntil(kPatience, look);
}

absl::Status Fleet::WaitState(const std::string& application, const std::string& cluster,
                              const std::string& state) {
  std::string last;
  const absl::Status status = WaitUntil([&]() -> absl::StatusOr<bool> {
    LOCKSTEP_ASSIGN_OR_RETURN(const v1::Application found, GetApplication(application));
    for (const v1::ApplicationClusterStatus& each : found.status().per_cluster()) {
      if (each.cluster() != cluster) continue;
      last = each.ShortDebugString();
      return each.state() == state && each.fresh();
    }
    return false;
  });
  return Annotate(status, absl::StrCat("waiting for ", application, " on ", cluster, " to be ",
                                       state, "; it was {", last, "}"));
}

absl::Status Fleet::WaitSynced(const std::string& commit) {
  std::string last;
  const absl::Status status = WaitUntil([&]() -> absl::StatusOr<bool> {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<v1::Application> all, ListApplications());
    for (const v1::Application& each : all) {
      last = absl::StrCat(each.metadata().name(), " ", each.status().ShortDebugString());
      if (!absl::EndsWith(each.status().revision(), commit)) return false;
      if (each.status().clusters_ready() != each.status().clusters()) return false;
    }
    return true;
  });
  return Annotate(status, absl::StrCat("waiting for ", commit, " everywhere; last was ", last));
}

std::string Fleet::At(uint16_t port) const { return absl::StrCat(host_, ":", port); }

absl::StatusOr<std::string> Fleet::Page(uint16_t port) const {
  const OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = SocketAddress(host_, port);
  const absl::string_view request =
      "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    return absl::UnavailableError(absl::StrCat("nobody answers at ", At(port)));
  }
  std::string page;
  char buffer[16384];
  for (ssize_t got; (got = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) page.append(buffer, got);
  return page;
}

namespace {

absl::StatusOr<int64_t> ValueOn(const absl::StatusOr<std::string>& page, absl::string_view line) {
  LOCKSTEP_RETURN_IF_ERROR(page.status());
  for (absl::string_view each : absl::StrSplit(*page, '\n')) {
    double value = 0;
    if (absl::ConsumePrefix(&each, line) && absl::ConsumePrefix(&each, " ") &&
        absl::SimpleAtod(absl::StripAsciiWhitespace(each), &value)) {
      return static_cast<int64_t>(value);
    }
  }
  return 0;
}

}  // namespace

absl::StatusOr<int64_t> Fleet::HubMetric(absl::string_view line) {
  return ValueOn(HubMetrics(), line);
}

absl::StatusOr<std::string> Fleet::AgentMetrics(const std::string& cluster) {
  return Page(agents_.at(cluster).metrics_port);
}

absl::StatusOr<int64_t> Fleet::AgentMetric(const std::string& cluster, absl::string_view line) {
  return ValueOn(AgentMetrics(cluster), line);
}

}  // namespace lockstep
