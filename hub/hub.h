#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "hub/source/git_source.h"

namespace lockstep {

/// How a hub is started. Addresses are HOST:PORT; port 0 takes any free one.
struct HubConfig {
  std::string data_directory;  // As InitHub made it.
  std::string listen = "0.0.0.0:7443";
  std::string enrolment_listen = "0.0.0.0:7444";
  std::string metrics_listen = "127.0.0.1:7445";
  std::vector<std::string> allow_sources;  // AllowedSources::Parse.
  FetchLimits fetch_limits;

  // The configuration repository; an empty URL: there is none.
  std::string config_url;
  std::string config_branch;
  std::string config_path;
  std::string config_credentials;  // A file that holds a Secret manifest.
};

/// DATA/store, DATA/keys/secrets.key.
std::string StorePath(absl::string_view data_directory);
std::string SecretKeyPath(absl::string_view data_directory);

/// A running hub: the loop, and around it Git, the store, the agents' and people's services, the
/// enrolment endpoint and the metrics.
class Hub {
 public:
  /// Starts everything; what it listens on is taken when it returns. Errors name what is wrong and
  /// what to do; nothing is left running then.
  static absl::StatusOr<std::unique_ptr<Hub>> Start(const HubConfig& config);
  ~Hub();

  int port() const;
  int enrolment_port() const;
  int metrics_port() const;

  /// Tells agents to come back later, ends what is under way within 10 s, joins all threads.
  /// Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit Hub(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
