#include "hub/rpc/outbox.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lockstep/v1/agent.pb.h"

#include "common/rpc/wire.h"

namespace lockstep {
namespace {

bool SameKind(const HubMessage& a, const HubMessage& b) {
  if (a.index() != b.index()) return false;
  const auto* command = std::get_if<Command>(&a);
  return command == nullptr || command->action.index() == std::get<Command>(b).action.index();
}

bool IsWelcome(const HubMessage& message) { return std::holds_alternative<Welcome>(message); }

bool HasCommitPoint(const HubMessage& message) {
  return IsWelcome(message) || std::holds_alternative<Desired>(message);
}

// Two commands to compare become one that names what either named; a revocation that was not told
// yet travels with the next.
void Join(const HubMessage& older, HubMessage* newer) {
  if (auto* welcome = std::get_if<Welcome>(newer)) {
    const std::vector<Digest>& before = std::get<Welcome>(older).revoked;
    std::set<Digest> revoked(before.begin(), before.end());
    revoked.insert(welcome->revoked.begin(), welcome->revoked.end());
    welcome->revoked.assign(revoked.begin(), revoked.end());
    return;
  }
  auto* command = std::get_if<Command>(newer);
  auto* sync = command == nullptr ? nullptr : std::get_if<Command::Sync>(&command->action);
  if (sync == nullptr) return;
  const auto& before = std::get<Command::Sync>(std::get<Command>(older).action).applications;
  if (before.empty() || sync->applications.empty()) {
    sync->applications.clear();  // All.
    return;
  }
  std::set<std::string> names(before.begin(), before.end());
  names.insert(sync->applications.begin(), sync->applications.end());
  sync->applications.assign(names.begin(), names.end());
}

}  // namespace

Outbox::Outbox(Stream* stream, DeltaEncoder* deltas) : deltas_(deltas), stream_(stream) {}
Outbox::~Outbox() = default;

void Outbox::Push(HubMessage message) {
  MutexLock lock(&mutex_);
  if (closing_) return;
  Queue(std::move(message));
  Advance();
}

void Outbox::Close(std::optional<Goodbye> goodbye, absl::Status status) {
  MutexLock lock(&mutex_);
  if (closing_) return;
  if (goodbye) Queue(*std::move(goodbye));
  closing_ = std::move(status);
  Advance();
  if (stream_ != nullptr) stream_->EndSoon();
}

void Outbox::BreakIfOpen() {
  MutexLock lock(&mutex_);
  if (stream_ != nullptr) stream_->Break();
}

void Outbox::StartReading() {
  MutexLock lock(&mutex_);
  if (stream_ != nullptr) stream_->StartReading();
}

void Outbox::OnWriteDone(bool ok) {
  MutexLock lock(&mutex_);
  writing_.reset();
  if (!ok) {
    waiting_.clear();  // The stream is broken.
    if (!closing_) closing_ = absl::UnavailableError("the agent's stream broke");
  }
  Advance();
}

void Outbox::Queue(HubMessage message) {
  auto from = waiting_.begin();
  // The session's opening is not replaced: it says what the later ones do not, and comes first.
  if (!welcomed_ && IsWelcome(message)) {
    from = std::find_if(from, waiting_.end(), IsWelcome);
    if (from != waiting_.end()) ++from;
  }
  const auto older = std::find_if(from, waiting_.end(), [&message](const HubMessage& waits) {
    return SameKind(waits, message);
  });
  if (older == waiting_.end()) {
    waiting_.push_back(std::move(message));
    return;
  }
  Join(*older, &message);
  if (!HasCommitPoint(message)) {
    *older = std::move(message);
    return;
  }
  waiting_.erase(older);
  waiting_.push_back(std::move(message));
}

void Outbox::Advance() {
  if (stream_ == nullptr || writing_ != nullptr) return;
  if (!waiting_.empty()) {
    welcomed_ = welcomed_ || IsWelcome(waiting_.front());
    writing_ = std::make_unique<v1::HubMessage>();
    ToWire(waiting_.front(), deltas_, writing_.get());
    waiting_.pop_front();
    stream_->StartWriting(writing_.get());
  } else if (closing_) {
    std::exchange(stream_, nullptr)->FinishWith(*closing_);
  }
}

}  // namespace lockstep
