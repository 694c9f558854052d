#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "hub/cli/client.h"
#include "tests/testing/process.h"

namespace lockstep {

/// Where this program's own folder is: the other programs of the build lie there.
std::string ProgramFolder();

/// A Git repository in a directory, with the git program.
class BenchRepository {
 public:
  explicit BenchRepository(std::string directory);

  void Write(const std::string& path, absl::string_view content);
  /// Commits everything; `git commit` has returned when this does.
  void Commit();
  std::string Url() const { return "file://" + directory_; }

 private:
  void Git(std::vector<std::string> arguments);

  const std::string directory_;
};

/// A ConfigMap of about a kilobyte, as YAML; `number` makes its content new.
std::string ConfigMapYaml(absl::string_view name, uint64_t number, size_t bytes = 1000);

/// A GitRepository `default/fleet` of `url` whose interval is far away.
std::string RepositoryYaml(absl::string_view url);
/// An Application `default/NAME` of that repository on all clusters, or on one.
std::string ApplicationYaml(absl::string_view name, absl::string_view path,
                            absl::string_view cluster = "");

/// A new token for a cluster, which is made if it is not there.
std::string NewJoinToken(FleetClient* client, const std::string& cluster);

/// A hub as people run it: `lockstep-hub init` and `serve` in `directory`, on loopback.
class HubProcess {
 public:
  HubProcess(std::string directory, std::string source_url);

  /// Starts it (again) and waits until it answers.
  void Start();
  /// SIGKILL.
  void Kill();
  pid_t pid() const { return process_.pid(); }
  const std::string& context_file() const { return context_file_; }

  FleetClient& client() { return *client_; }
  /// What its metrics page says of one series.
  double Metric(absl::string_view series) const;

  void Apply(absl::string_view yaml);
  /// `lockstep sync` of the repository: returns when the hub has fetched.
  void Sync();
  /// Waits until the application is Synced on `clusters` clusters.
  void AwaitReady(absl::string_view application, int clusters,
                  absl::Duration limit = absl::Minutes(2));

 private:
  const std::string directory_;
  const std::string source_url_;
  const std::string context_file_;
  const uint16_t port_;
  const uint16_t enrolment_port_;
  const uint16_t metrics_port_;
  BackgroundProgram process_;
  std::unique_ptr<FleetClient> client_;
};

/// An agent as people run it, with a directory target.
class AgentProcess {
 public:
  AgentProcess(const std::string& directory, HubProcess* hub, const std::string& cluster);
  pid_t pid() const { return process_.pid(); }
  /// The folder of the target's ConfigMaps in namespace default.
  std::string Folder() const { return target_ + "/default/ConfigMap"; }

 private:
  const std::string target_;
  BackgroundProgram process_;
};

}  // namespace lockstep
