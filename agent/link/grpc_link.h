#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "agent/identity/identity.h"
#include "agent/link/backoff.h"
#include "agent/loop/link.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/base/thread.h"
#include "common/base/wakeup.h"
#include "common/bundle/link.h"
#include "common/rpc/keepalive.h"

namespace grpc {
class Channel;
}

namespace lockstep {

class LinkSession;

/// What the link asks of the agent's identity. agent/identity has all of it; tests have their own,
/// or none.
struct LinkIdentity {
  /// As AcceptCertificate and RenewAfterExpiry there, for one place.
  std::function<absl::StatusOr<AgentIdentity>(const AgentIdentity&, const CertificateIssued&)>
      accept;
  std::function<absl::StatusOr<AgentIdentity>(const AgentIdentity&)> renew_after_expiry;
};

/// For the identity that is kept in `place`. Both are borrowed and outlive what it returns.
LinkIdentity IdentityIn(const IdentityPlace* place, const Clock* clock);

struct GrpcLinkOptions {
  AgentIdentity identity;
  LinkIdentity renewal;
  absl::Duration connect = absl::Seconds(20);  // From an attempt's begin to being let in.
  Keepalive keepalive;
  // Borrowed; outlive the link.
  const Clock* clock = nullptr;
  Rng* rng = nullptr;
};

/// The stream to the hub over mTLS. One thread of its own does all that waits: it connects to the
/// identity's hubs in turn, pauses between attempts (ReconnectDelay), renews the certificate over
/// the stream at half of its life, and after its end by proof of the key before it connects.
class GrpcAgentLink : public AgentLink {
 public:
  explicit GrpcAgentLink(GrpcLinkOptions options);
  ~GrpcAgentLink() override;

  void Start(LinkEvents* events) override;
  void Send(AgentMessage message) override ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() override ABSL_LOCKS_EXCLUDED(mutex_);

  /// What the present stream runs on, for other calls to the same hub; null while there is none.
  std::shared_ptr<grpc::Channel> channel() const ABSL_LOCKS_EXCLUDED(mutex_);

  /// The present certificate's end, for the metrics.
  absl::Time certificate_end() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // One stream, as gRPC's threads tell of it and the link's thread looks at it.
  struct Present {
    std::shared_ptr<LinkSession> session;
    std::shared_ptr<grpc::Channel> channel;
    bool news = false;  // Something of what follows changed since the link's thread looked.
    bool open = false;
    bool closed = false;
    absl::Status status;  // With which it closed.
    std::optional<Welcome> welcome;
    std::optional<Goodbye> goodbye;
    std::optional<CertificateIssued> issued;  // Taken by the link's thread.
  };
  class Listener;

  void Run();
  absl::StatusOr<Present> RunStream(const std::string& target, int failures);
  void RenewIfDue(int failures);
  void NoteCertificate() ABSL_LOCKS_EXCLUDED(mutex_);
  void AwaitEnd(const std::shared_ptr<LinkSession>& session) ABSL_LOCKS_EXCLUDED(mutex_);
  void AskForCertificate(LinkSession* session, absl::string_view session_name);
  void TakeCertificate(const CertificateIssued& issued) ABSL_LOCKS_EXCLUDED(mutex_);
  bool Pause(absl::Duration delay) ABSL_LOCKS_EXCLUDED(mutex_);

  // Fixed at construction.
  const LinkIdentity renewal_;
  const absl::Duration connect_;
  const Keepalive keepalive_;
  const Clock* const clock_;
  Rng* const rng_;
  Wakeup wakeup_;  // Thread-safe: wakes the link's thread.

  // The link's thread's own.
  LinkEvents* events_ = nullptr;  // Fixed at Start.
  AgentIdentity identity_;
  absl::Time renew_at_;

  // Guarded by mutex_.
  mutable Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Present> present_ ABSL_GUARDED_BY(mutex_);
  absl::Time certificate_end_ ABSL_GUARDED_BY(mutex_);

  Thread thread_;
};

}  // namespace lockstep
