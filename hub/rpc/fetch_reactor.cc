#include "hub/rpc/fetch_reactor.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/wire.h"
#include "hub/rpc/status.h"

namespace lockstep {
namespace {

// Of one question to the core, so that a long list does not hold up its loop.
constexpr size_t kAskAtOnce = 256;

}  // namespace

FetchReactor::FetchReactor(PeerIdentity peer, std::vector<Digest> digests, uint64_t offset,
                           const AgentGatewayParts* parts)
    : peer_(std::move(peer)),
      parts_(parts),
      unasked_(digests.begin(), digests.end()),
      offset_(offset) {
  Log(LogLevel::kDebug, "agent fetches blobs",
      {{"cluster", peer_.name}, {"blobs", digests.size()}});
}

void FetchReactor::Ask() {
  if (unasked_.empty()) return End(absl::OkStatus());
  const auto end =
      unasked_.begin() + static_cast<std::ptrdiff_t>(std::min(unasked_.size(), kAskAtOnce));
  allowed_.assign(unasked_.begin(), end);
  unasked_.erase(unasked_.begin(), end);
  parts_->may_fetch(peer_, {allowed_.begin(), allowed_.end()},
                    [this](absl::StatusOr<AgentGatewayParts::Documents> verdict) {
                      if (!verdict.ok()) return End(verdict.status());
                      documents_ = *std::move(verdict);
                      parts_->pool->Run([this] { Load(); });
                    });
}

void FetchReactor::Load() {
  if (absl::Status status = FillResponse(); !status.ok()) return End(status);
  StartWrite(&response_);
}

absl::Status FetchReactor::LoadFirst() {
  const Digest& digest = allowed_.front();
  const auto document = documents_.find(digest);
  if (document != documents_.end()) {
    blob_ = document->second;
  } else {
    absl::StatusOr<std::string> blob = parts_->read_blob(digest);
    if (!blob.ok()) return Annotate(blob.status(), absl::StrCat("reading blob ", digest.Short()));
    blob_ = std::make_shared<const std::string>(*std::move(blob));
  }
  if (offset_ <= blob_->size()) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("blob ", digest.Short(), " has ", blob_->size(),
                                            " bytes, not the ", offset_, " of the offset"));
}

// Small blobs go together, a large one is cut.
absl::Status FetchReactor::FillResponse() {
  response_.Clear();
  size_t room = kFetchChunkBytes;
  while (room > 0 && !allowed_.empty()) {
    if (blob_ == nullptr) LOCKSTEP_RETURN_IF_ERROR(LoadFirst());
    v1::BlobPart* part = response_.add_parts();
    const size_t bytes = std::min<size_t>(room, blob_->size() - offset_);
    part->set_digest(std::string(allowed_.front().bytes()));
    part->set_offset(offset_);
    part->set_data(blob_->data() + offset_, bytes);
    offset_ += bytes;
    room -= bytes;
    if (offset_ < blob_->size()) continue;
    part->set_last(true);
    offset_ = 0;
    blob_.reset();
    allowed_.pop_front();
    room -= std::min<size_t>(room, 64);  // Of the part itself; also ends a run of empty blobs.
  }
  return absl::OkStatus();
}

void FetchReactor::OnWriteDone(bool ok) {
  if (!ok) return End(absl::CancelledError("the agent went away"));
  if (allowed_.empty()) return Ask();
  parts_->pool->Run([this] { Load(); });
}

void FetchReactor::End(const absl::Status& status) {
  if (!status.ok() && !absl::IsCancelled(status)) {
    Log(LogLevel::kWarning, "blobs not sent", {{"cluster", peer_.name}, {"error", status}});
  }
  Finish(ToGrpc(status));
}

}  // namespace lockstep
