#include "tests/bench/wire_bytes.h"

#include "lockstep/v1/agent.pb.h"

#include "common/rpc/wire.h"

namespace lockstep {

int64_t WireBytes(const AgentMessage& message) {
  v1::AgentMessage wire;
  ToWire(message, &wire);
  return static_cast<int64_t>(wire.ByteSizeLong());
}

int64_t WireBytes(const HubMessage& message) {
  v1::HubMessage wire;
  ToWire(message, &wire);
  return static_cast<int64_t>(wire.ByteSizeLong());
}

}  // namespace lockstep
