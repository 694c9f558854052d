#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "lockstep/v1/fleet.pb.h"
#include "lockstep/v1/resources.pb.h"

#include "hub/cli/client.h"
#include "tests/testing/process.h"

namespace lockstep {

/// What a program that ran to its end said.
struct Said {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// A hub and agents as the real programs, on a loopback address of the test program's own and in
/// one temporary directory; all of it goes with the object. Waiting is by the hub's Watch and by
/// inotify.
class Fleet {
 public:
  /// How long anything may take before the test fails: generous, for busy machines.
  static constexpr absl::Duration kPatience = absl::Seconds(60);

  struct Options {
    std::vector<std::string> serve;  // Further flags of `lockstep-hub serve`.
  };

  /// `lockstep-hub init`; nothing runs yet.
  explicit Fleet(Options options = {});
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  /// Returns when the hub answers; the error holds what it said. `wrapper` is a program that runs
  /// it, with its arguments.
  absl::Status StartHub(const std::vector<std::string>& wrapper = {});
  /// Sends `signal` to the hub and returns when it is gone.
  void EndHub(int signal);
  pid_t hub_pid() const { return hub_.pid(); }
  /// Until the hub that was started last has written `text` to its log.
  absl::Status WaitHubSays(absl::string_view text);

  /// A join token for `cluster`; the Cluster is made with `labels`.
  absl::StatusOr<std::string> JoinToken(const std::string& cluster,
                                        const std::map<std::string, std::string>& labels = {});
  /// Starts the agent of `cluster`, with a token where it has to join. `target` is its --target and
  /// flags that belong to it; empty: the directory target(cluster).
  void StartAgent(const std::string& cluster, const std::string& token = "",
                  std::vector<std::string> target = {});
  void EndAgent(const std::string& cluster, int signal);
  /// JoinToken, StartAgent, and waits until the hub sees it online.
  absl::Status Join(const std::string& cluster,
                    const std::map<std::string, std::string>& labels = {});
  absl::Status WaitOnline(const std::string& cluster, bool online = true);

  FleetClient& client() { return *client_; }
  absl::Status Apply(const std::string& yaml);
  /// Fetches; the commit that the remote had.
  absl::StatusOr<std::string> SyncRepository(const std::string& name,
                                             const std::string& name_space = "default");
  absl::StatusOr<v1::Application> GetApplication(const std::string& name);
  /// All in the namespace default, with what each is on each cluster.
  absl::StatusOr<std::vector<v1::Application>> ListApplications();
  /// Looks after each change at the hub.
  absl::Status WaitUntil(const std::function<absl::StatusOr<bool>()>& look);
  /// Until `state` is what the application is on `cluster`, seen by a connected agent.
  absl::Status WaitState(const std::string& application, const std::string& cluster,
                         const std::string& state);
  /// Until all applications have seen `commit` and are Synced wherever they are placed.
  absl::Status WaitSynced(const std::string& commit);

  /// Runs `lockstep` with the admin's context.
  Said Lockstep(const std::vector<std::string>& arguments);
  /// Starts `lockstep` so, with all it says going to the file `log`.
  BackgroundProgram StartLockstep(const std::vector<std::string>& arguments,
                                  const std::string& log);
  /// Runs another program of ours; `wrapper` as for StartHub.
  Said Run(const std::string& program, const std::vector<std::string>& arguments,
           const std::vector<std::string>& wrapper = {});

  /// A line of /metrics, such as `lockstep_hub_messages_sent_total{message="desired"}`; 0 where it
  /// is not there.
  absl::StatusOr<int64_t> HubMetric(absl::string_view line);
  absl::StatusOr<int64_t> AgentMetric(const std::string& cluster, absl::string_view line);
  absl::StatusOr<std::string> HubMetrics() { return Page(metrics_port_); }
  absl::StatusOr<std::string> AgentMetrics(const std::string& cluster);

  const std::string& directory() const { return directory_; }
  std::string hub_data() const { return directory_ + "/hub"; }
  std::string logs() const { return directory_ + "/log"; }
  std::string state(const std::string& cluster) const { return directory_ + "/state/" + cluster; }
  std::string target(const std::string& cluster) const { return directory_ + "/target/" + cluster; }

 private:
  struct AgentProcess {
    BackgroundProgram program;
    uint16_t metrics_port = 0;
  };

  ProgramOptions Program(const std::string& name, const std::vector<std::string>& arguments) const;
  BackgroundProgram StartLogged(ProgramOptions options, const std::string& log);
  absl::Status Connect();
  std::string At(uint16_t port) const;
  absl::StatusOr<std::string> Page(uint16_t port) const;

  const Options options_;
  const std::string directory_;
  const std::string host_;
  uint16_t port_ = 0;
  uint16_t enrolment_port_ = 0;
  uint16_t metrics_port_ = 0;
  int hub_starts_ = 0;
  std::string hub_log_;  // Of the one that was started last.
  BackgroundProgram hub_;
  std::map<std::string, AgentProcess> agents_;
  std::unique_ptr<FleetClient> client_;
};

/// Waits until `look` is content with what lies at `path` ("" and false where nothing does); woken
/// by inotify. DEADLINE_EXCEEDED after Fleet::kPatience.
absl::Status WaitForFile(const std::string& path,
                         const std::function<bool(bool there, const std::string& content)>& look);

/// The files of a directory target, by path below it: those of the agent itself are left out.
std::map<std::string, std::string> TargetFiles(const std::string& root);

/// What identifies each of these files' last write: a file that was not written keeps it.
std::map<std::string, std::string> TargetWrites(const std::string& root);

/// Files below `root`, whatever they hold, in which `needle` stands; the agents' and people's
/// private files are no exception.
std::vector<std::string> FilesWith(const std::string& root, absl::string_view needle);

}  // namespace lockstep
