#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/render/snapshot.h"
#include "hub/core/effect.h"

/// What the loop needs of the world. Implemented by the shells, called on the loop thread: every
/// call returns at once and what comes of it comes back as an event (Loop::Post).
namespace lockstep {

/// The agents' streams. A session that is gone is no error: the message is dropped.
class AgentPort {
 public:
  virtual ~AgentPort() = default;
  virtual void Send(SessionId session, HubMessage message) = 0;
  /// Ends the stream after what was sent before, `goodbye` last. No SessionClosed has to follow.
  virtual void Close(SessionId session, std::optional<Goodbye> goodbye) = 0;
};

class FetchPort {
 public:
  virtual ~FetchPort() = default;
  /// Ends with one event::FetchDone.
  virtual void Start(effect::StartFetch fetch) = 0;
};

class RenderPort {
 public:
  virtual ~RenderPort() = default;
  /// Ends with one event::RenderDone.
  virtual void Start(effect::StartRender render) = 0;
  /// Ends with one event::ConfigRead.
  virtual void ReadConfig(effect::ReadConfig read) = 0;
};

/// People who watch. Called after a batch in which something visible changed; `sequence` grows with
/// each.
class WatchPort {
 public:
  virtual ~WatchPort() = default;
  virtual void Changed(uint64_t sequence) = 0;
};

/// Who may connect (hub/identity's RevokedKeys).
class KeyPort {
 public:
  virtual ~KeyPort() = default;
  virtual void Revoke(std::vector<Digest> fingerprints) = 0;
};

/// Opens commits that a fetch brought. Thread-safe.
class SnapshotProvider {
 public:
  virtual ~SnapshotProvider() = default;
  /// NOT_FOUND where the mirror of `repository` has no such commit (any more).
  virtual absl::StatusOr<std::shared_ptr<const Snapshot>> Open(const NamespacedName& repository,
                                                               absl::string_view commit) = 0;
};

}  // namespace lockstep
