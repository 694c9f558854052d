#pragma once

#include <cstdint>

#include "common/bundle/link.h"

namespace lockstep {

/// Bytes of a message as it travels, without gRPC's and TLS' own.
int64_t WireBytes(const AgentMessage& message);
int64_t WireBytes(const HubMessage& message);

}  // namespace lockstep
