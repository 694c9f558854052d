#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include "common/base/digest.h"
#include "common/bundle/link.h"

namespace lockstep {

/// What a link tells the loop. Thread-safe; calls return at once.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  /// A stream is open: the loop answers with Hello through AgentLink::Send.
  virtual void OnLinkUp() = 0;
  /// What was sent and not answered may be lost. Exactly one per OnLinkUp.
  virtual void OnLinkDown() = 0;
  /// In the stream's order, between its OnLinkUp and OnLinkDown. Everything but CertificateIssued.
  virtual void OnMessage(HubMessage message) = 0;
};

/// The stream to the hub: keeps one open, again and again, with the delays of docs/protocol.md.
/// Honours Goodbye's retry_after by itself. Thread-safe.
class AgentLink {
 public:
  virtual ~AgentLink() = default;
  /// Begins to connect; `events` outlives the link.
  virtual void Start(LinkEvents* events) = 0;
  /// Queues for the present stream and returns at once; dropped where there is none.
  virtual void Send(AgentMessage message) = 0;
  /// Closes the stream; no event comes after it returned. Idempotent.
  virtual void Stop() = 0;
};

/// One blob is no longer than this: what is put together in memory has a limit.
inline constexpr uint64_t kFetchedBlobBytesMax = 64 << 20;

struct WantedBlob {
  Digest digest;
  uint64_t bytes_max = kFetchedBlobBytesMax;  // A longer one ends the fetch: RESOURCE_EXHAUSTED.
};

/// Gets blobs from the hub.
class BlobFetcher {
 public:
  /// Takes one blob as it comes, checked against nothing yet; an error ends the fetch.
  using OnBlob = std::function<absl::Status(const Digest& digest, std::string bytes)>;
  using OnDone = absl::AnyInvocable<void(absl::Status)>;

  virtual ~BlobFetcher() = default;
  /// Begins a fetch and returns at once; one under way before it is cancelled (its `done` comes
  /// with CANCELLED). `done` comes exactly once, after the last `on_blob`.
  virtual void Fetch(std::vector<WantedBlob> blobs, OnBlob on_blob, OnDone done) = 0;
  /// Ends a fetch under way; no callback comes after it returned. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace lockstep
