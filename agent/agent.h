#pragma once

#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// How an agent is started.
struct AgentConfig {
  std::string state_directory;  // Identity and desired state; mode 0700.
  std::string target;           // directory:PATH, or kubernetes.
  std::string kubeconfig;       // Of the Kubernetes target; empty: what the pod has.
  std::string kube_context;     // Empty: the kubeconfig's current one.
  std::string identity_secret;  // Of the Kubernetes target: keeps the identity in this Secret of
                                // the agent's own namespace; empty: in the state directory.
  std::string join_token;      // For the first start; a token that was used already is looked past.
  std::string metrics_listen;  // HOST:PORT; empty: none.
};

/// INVALID_ARGUMENT where `text` names no target as AgentConfig wants it.
absl::Status CheckTarget(absl::string_view text);

/// A running agent: the loop, and around it the target, the store and the link to the hub.
class Agent {
 public:
  /// Joins if it has to, then starts everything. The hub need not be there. Errors name what is
  /// wrong and what to do; nothing is left running then.
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const AgentConfig& config);
  ~Agent();

  /// Port of the metrics; 0 where there are none.
  int metrics_port() const;

  /// Ends what is under way and joins all threads; objects stay as they are. Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit Agent(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

/// Ends an agent's work for good: forgets what it should keep right and leaves every object where
/// it is. For a cluster that was removed from the fleet while its agent was offline.
/// FAILED_PRECONDITION while the agent runs; where it cannot be written down, why: the agent would
/// go on after its next start.
absl::Status ReleaseEverything(const AgentConfig& config);

}  // namespace lockstep
