#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/bundle/link.h"
#include "common/rpc/key_lists.h"

namespace lockstep::v1 {
class AgentMessage;
class HubMessage;
}  // namespace lockstep::v1

/// Between the wire (proto/lockstep/v1/agent.proto) and our own types (common/bundle/link.h).
///
/// All that arrives is checked here, once; behind these functions a message is what its types say.
/// Free text is made UTF-8 and cut to its limit before it is sent. The limits stand in
/// docs/protocol.md.
namespace lockstep {

class DeltaEncoder;

/// gRPC's own cap on a message, both ways.
inline constexpr size_t kWireBytesMax = 4 << 20;
/// What the hub takes of an agent in one message, other than a Status.
inline constexpr size_t kControlBytesMax = 256 << 10;
/// A Status: as many drifts as an agent keeps have to fit.
inline constexpr size_t kStatusBytesMax = 3 << 20;
/// Applications in one message.
inline constexpr size_t kApplicationsMax = 5000;
/// Objects of one application in one message: keys in lists, changes of a delta.
inline constexpr size_t kWireObjectsMax = 50000;
/// Free text other than Application reports' (kMessageBytesMax, the same number): versions,
/// revisions, facts.
inline constexpr size_t kTextBytesMax = 512;
inline constexpr size_t kFactsMax = 32;
inline constexpr size_t kRevokedMax = 2000;
inline constexpr size_t kWireDriftsMax = 2000;
inline constexpr size_t kOptionsBytesMax = 16 << 10;
inline constexpr size_t kFetchDigestsMax = 10000;
/// Blob bytes in one FetchResponse.
inline constexpr size_t kFetchChunkBytes = 1 << 20;

/// Fills `wire`, which is cleared first. Of a Status, ListParts go before it.
void ToWire(const AgentMessage& message, v1::AgentMessage* wire);
void ToWire(const HubMessage& message, v1::HubMessage* wire);
/// The same bytes; what many agents are sent alike is encoded once, by `deltas`.
void ToWire(const HubMessage& message, DeltaEncoder* deltas, v1::HubMessage* wire);

/// Checks and converts what an agent sent; `lists` are those that came before it on its stream. A
/// part of a list is no message of its own: KeyLists takes it.
///
/// Errors: INVALID_ARGUMENT names the field, says what was found and what is allowed; UNIMPLEMENTED
/// where the message is of a kind that this program does not know (a newer peer: leave it
/// unanswered and go on).
absl::StatusOr<AgentMessage> FromWire(const v1::AgentMessage& wire,
                                      const KeyLists& lists = KeyLists());
/// Checks and converts what a hub sent: errors as above. Blobs and options are compared with their
/// digests.
absl::StatusOr<HubMessage> FromWire(const v1::HubMessage& wire);

/// NAMESPACE/NAME, both DNS labels of at most 63 characters. INVALID_ARGUMENT otherwise.
absl::Status CheckApplicationName(absl::string_view name);

}  // namespace lockstep
