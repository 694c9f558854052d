#include "agent/link/session.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "common/base/log.h"
#include "common/rpc/wire.h"

namespace lockstep {

LinkSession::LinkSession(std::shared_ptr<grpc::Channel> channel, Listener* listener)
    : stub_(v1::AgentService::NewStub(channel)), listener_(listener) {}

void LinkSession::Start() {
  stub_->async()->Link(&context_, this);
  AddHold();  // Writes start outside of reactions, until EndOfReading.
  StartCall();
}

void LinkSession::Send(AgentMessage message) {
  MutexLock lock(&mutex_);
  if (ended_) return;
  if (std::holds_alternative<Hello>(message)) greeted_ = true;
  if (!greeted_) return;
  Queue(std::move(message));
  if (waiting_.size() > kLinkQueueMax) {
    Log(LogLevel::kWarning, "hub does not read", {{"messages", waiting_.size()}});
    waiting_.clear();
    context_.TryCancel();
    return;
  }
  Advance();
}

// What is only news until the next of its kind takes the place of the one that waits.
void LinkSession::Queue(AgentMessage message) {
  const bool replaces =
      std::holds_alternative<Beat>(message) || std::holds_alternative<Pages>(message);
  const auto older = std::find_if(
      waiting_.begin(), waiting_.end(),
      [&message](const AgentMessage& waits) { return waits.index() == message.index(); });
  if (replaces && older != waiting_.end()) {
    *older = std::move(message);
  } else {
    waiting_.push_back(std::move(message));
  }
}

void LinkSession::Advance() {
  if (ended_ || writing_ != nullptr || (next_.empty() && waiting_.empty())) return;
  if (next_.empty()) {
    std::vector<v1::AgentMessage> parts = ListParts(waiting_.front());
    std::move(parts.begin(), parts.end(), std::back_inserter(next_));
    ToWire(waiting_.front(), &next_.emplace_back());
    waiting_.pop_front();
  }
  writing_ = std::make_unique<v1::AgentMessage>(std::move(next_.front()));
  next_.pop_front();
  StartWrite(writing_.get());
}

void LinkSession::OnReadInitialMetadataDone(bool ok) {
  if (!ok) return EndOfReading();
  listener_->OnOpen();
  StartRead(&incoming_);
}

void LinkSession::OnReadDone(bool ok) {
  if (!ok) return EndOfReading();
  absl::StatusOr<HubMessage> message = FromWire(incoming_);
  incoming_.Clear();
  if (message.ok()) {
    listener_->OnMessage(*std::move(message));
  } else if (absl::IsUnimplemented(message.status())) {
    Log(LogLevel::kDebug, "hub's message passed over", {{"error", message.status()}});
  } else {
    Log(LogLevel::kError, "hub's message refused", {{"error", message.status()}});
    context_.TryCancel();
  }
  StartRead(&incoming_);
}

void LinkSession::OnWriteDone(bool ok) {
  MutexLock lock(&mutex_);
  writing_.reset();
  if (ok) Advance();  // Else the stream is broken, which the read finds out too.
}

void LinkSession::EndOfReading() {
  {
    MutexLock lock(&mutex_);
    if (std::exchange(ended_, true)) return;
    waiting_.clear();
    next_.clear();
  }
  RemoveHold();
}

void LinkSession::OnDone(const grpc::Status& status) {
  listener_->OnClosed(
      absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message()));
}

}  // namespace lockstep
