#pragma once

#include <functional>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/thread.h"
#include "common/credentials/identity.h"
#include "common/render/parse_cache.h"
#include "hub/loop/loop.h"
#include "hub/loop/ports.h"
#include "hub/rpc/agent_gateway.h"
#include "hub/store/store.h"

namespace lockstep {

/// A fresh join token: what the person gets, and what the core keeps of it.
struct FreshToken {
  std::string text;  // Secret.
  Digest hash;       // Of its secret.
};

/// What the people's service needs of the hub. Functions are called on gRPC's threads and must not
/// block, unless a comment says otherwise.
struct FleetServiceParts {
  PeerReader read_peer;
  /// Whether a user may (still) connect; asked for every call, and again and again while a stream
  /// lives.
  std::function<absl::Status(const PeerIdentity&)> check_user;

  /// As Loop::Command and Loop::Read.
  std::function<void(std::string by, Loop::Action, Loop::Done)> command;
  std::function<bool(Loop::Reader)> read;

  /// Called on the pool.
  std::function<SealedSecret(const ResourceKey&, const SecretData&)> seal;
  std::function<FreshToken(absl::string_view cluster)> new_token;
  /// Looks for a branch, tag or commit in the repository's mirror, and at its remote. Called on the
  /// pool; may wait for the network.
  std::function<absl::StatusOr<event::Fetched>(const effect::StartFetch&,
                                               absl::string_view revision)>
      find_revision;

  // Borrowed; outlive the service. The pool runs for as long as the server does.
  const Store* store = nullptr;
  SnapshotProvider* snapshots = nullptr;
  ParseCache* parse_cache = nullptr;  // May be null.
  TaskRunner* pool = nullptr;
  const Clock* clock = nullptr;

  std::string version;
};

/// FleetService: what people and their programs ask. Changes go through the core as commands under
/// the user's name; questions are answered from the state between two batches, so that what is seen
/// is durable. Who asks is known from the certificate; a method without an entry in hub/rpc/verbs.h
/// is refused.
///
/// As WatchPort it wakes those who watch, at most ten times a second.
class FleetService : public WatchPort {
 public:
  explicit FleetService(FleetServiceParts parts);
  ~FleetService() override;

  /// Checks the table of verbs. INTERNAL if a method has none.
  absl::Status Start();
  /// Ends the streams that go on by themselves, with UNAVAILABLE. Idempotent; call it before the
  /// server stops.
  void Stop();

  /// For grpc::ServerBuilder::RegisterService.
  grpc::Service* service();

  // WatchPort, thread-safe.
  void Changed(uint64_t sequence) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
