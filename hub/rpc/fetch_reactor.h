#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>

#include "lockstep/v1/agent.pb.h"

#include "common/base/digest.h"
#include "common/credentials/identity.h"
#include "hub/rpc/agent_gateway.h"

namespace lockstep {

/// One Fetch: asks the core by groups whether the agent may have the blobs, reads them on the pool
/// and writes them one response after another. One thing is under way at any time, and each ends in
/// the next or in Finish.
class FetchReactor : public grpc::ServerWriteReactor<v1::FetchResponse> {
 public:
  /// Sends the first blob from `offset` on. `parts` outlives the call.
  FetchReactor(PeerIdentity peer, std::vector<Digest> digests, uint64_t offset,
               const AgentGatewayParts* parts);

  void Begin() { Ask(); }

  void OnWriteDone(bool ok) override;
  void OnDone() override { delete this; }

 private:
  void Ask();
  void Load();
  absl::Status LoadFirst();
  absl::Status FillResponse();
  void End(const absl::Status& status);

  const PeerIdentity peer_;
  const AgentGatewayParts* const parts_;

  // Whatever is under way owns these.
  std::deque<Digest> unasked_;
  std::deque<Digest> allowed_;
  AgentGatewayParts::Documents documents_;  // Of those in allowed_.
  BlobBytes blob_;                          // Of allowed_.front(); null: not read yet.
  uint64_t offset_;                         // Of it: sent before.
  v1::FetchResponse response_;
};

}  // namespace lockstep
