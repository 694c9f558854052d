#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_format.h>

namespace lockstep::sim {
namespace {

// What may come a second time: what both sides promise to take so.
bool MayRepeat(const HubMessage& message) {
  return std::holds_alternative<Desired>(message) || std::holds_alternative<StatusAck>(message) ||
         std::holds_alternative<lockstep::Command>(message);
}
bool MayRepeat(const AgentMessage& message) {
  return std::holds_alternative<Ack>(message) || std::holds_alternative<StatusReport>(message) ||
         std::holds_alternative<Beat>(message);
}

}  // namespace

Network::Stream* Network::Find(SessionId id) {
  const auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : &at->second;
}

void Network::Connect(AgentEnd* agent, std::function<bool()> alive) {
  world_.time.After(Delay(), [this, agent, alive = std::move(alive)] {
    if (!alive()) return;
    if (!hub_->up() || world_.Chance(world_.settings.stream_breaks)) {
      agent->OnLinkDown(std::nullopt, false);
      return;
    }
    const SessionId id = next_++;
    Stream& stream = streams_[id];
    stream.agent = agent;
    stream.to_hub = stream.to_agent = world_.time.Now();
    agent->OnLinkUp(id);
  });
}

void Network::FromAgent(SessionId id, const AgentMessage& message) {
  Stream* stream = Find(id);
  if (stream == nullptr || !stream->agent_open) return;
  if (!std::holds_alternative<Beat>(message)) ++messages_;
  if (stream->lost) return;
  if (world_.Chance(world_.settings.stream_breaks)) return Break(id);
  stream->to_hub = std::max(stream->to_hub, world_.time.Now() + Delay());
  world_.time.After(stream->to_hub - world_.time.Now(),
                    [this, id, message] { ArriveAtHub(id, message); });
  if (!MayRepeat(message) || !world_.Chance(world_.settings.repeats)) return;
  world_.time.After(world_.Upto(absl::Seconds(60)),
                    [this, agent = stream->agent, life = stream->agent->life(), message] {
                      if (agent->life() != life) return;
                      for (auto& [other, now] : streams_) {
                        if (now.agent == agent && now.greeted) return ArriveAtHub(other, message);
                      }
                    });
}

void Network::ArriveAtHub(SessionId id, const AgentMessage& message) {
  Stream* stream = Find(id);
  if (stream == nullptr || stream->lost || !stream->hub_open || !hub_->up()) return;
  if (const auto* hello = std::get_if<Hello>(&message)) {
    event::AgentHello event;
    event.session = id;
    event.session_name = absl::StrFormat("%016d", id);
    event.cluster = stream->agent->cluster();
    event.fingerprint = stream->agent->fingerprint();
    event.hello = *hello;
    stream->greeted = true;
    hub_->Post(std::move(event));
    return;
  }
  event::AgentSaid said;
  said.session = id;
  if (const auto* ack = std::get_if<Ack>(&message)) said.message = *ack;
  if (const auto* status = std::get_if<StatusReport>(&message)) said.message = *status;
  if (const auto* beat = std::get_if<Beat>(&message)) said.message = *beat;
  if (const auto* pages = std::get_if<Pages>(&message)) said.message = *pages;
  hub_->Post(std::move(said));
}

void Network::FromHub(SessionId id, const HubMessage& message) {
  ++messages_;
  Stream* stream = Find(id);
  if (stream == nullptr || !stream->hub_open || stream->lost) return;
  if (world_.Chance(world_.settings.stream_breaks)) return Break(id);
  stream->to_agent = std::max(stream->to_agent, world_.time.Now() + Delay());
  world_.time.After(stream->to_agent - world_.time.Now(),
                    [this, id, message] { ArriveAtAgent(id, message); });
  if (!MayRepeat(message) || !world_.Chance(world_.settings.repeats)) return;
  world_.time.After(world_.Upto(absl::Seconds(60)),
                    [this, agent = stream->agent, life = stream->agent->life(), message] {
                      if (agent->life() != life) return;
                      for (auto& [other, now] : streams_) {
                        if (now.agent == agent && now.welcomed)
                          return ArriveAtAgent(other, message);
                      }
                    });
}

void Network::ArriveAtAgent(SessionId id, const HubMessage& message) {
  Stream* stream = Find(id);
  if (stream == nullptr || stream->lost || !stream->agent_open) return;
  stream->welcomed |= std::holds_alternative<Welcome>(message);
  stream->agent->OnMessage(message);
}

void Network::Break(SessionId id) {
  Stream* stream = Find(id);
  if (std::exchange(stream->lost, true)) return;
  world_.Say("stream ", id, " of ", stream->agent->cluster(), " breaks");
  EndAtAgent(id, std::nullopt, world_.Upto(absl::Seconds(5)));
  // Now and then the hub hears of it late, or only by the beats that do not come.
  EndAtHub(id, world_.Upto(world_.rng.Below(4) == 0 ? absl::Seconds(60) : absl::Seconds(2)));
}

void Network::EndAtAgent(SessionId id, const std::optional<Goodbye>& goodbye,
                         absl::Duration after) {
  world_.time.After(after, [this, id, goodbye] {
    Stream* stream = Find(id);
    if (stream == nullptr || !std::exchange(stream->agent_open, false)) return;
    stream->welcomed = false;
    AgentEnd* agent = stream->agent;
    if (goodbye.has_value() && !stream->lost) agent->OnMessage(*goodbye);
    agent->OnLinkDown(stream->lost ? std::nullopt : goodbye, true);
    if (!stream->hub_open) streams_.erase(id);
  });
}

void Network::EndAtHub(SessionId id, absl::Duration after) {
  world_.time.After(after, [this, id] {
    Stream* stream = Find(id);
    if (stream == nullptr || !std::exchange(stream->hub_open, false)) return;
    stream->greeted = false;
    if (hub_->up()) hub_->Post(event::SessionClosed{id});
    if (!stream->agent_open) streams_.erase(id);
  });
}

void Network::CloseFromHub(SessionId id, const std::optional<Goodbye>& goodbye) {
  Stream* stream = Find(id);
  if (stream == nullptr || !std::exchange(stream->hub_open, false)) return;
  world_.Say("hub closes stream ", id, " of ", stream->agent->cluster(), ": ",
             goodbye.has_value() ? goodbye->message : "");
  stream->greeted = false;
  stream->to_agent = std::max(stream->to_agent, world_.time.Now() + Delay());
  EndAtAgent(id, goodbye, stream->to_agent - world_.time.Now());
}

void Network::AgentGone(SessionId id) {
  Stream* stream = Find(id);
  if (stream == nullptr || !std::exchange(stream->agent_open, false)) return;
  stream->welcomed = false;
  EndAtHub(id, world_.Upto(absl::Seconds(2)));
}

void Network::HubGone() {
  for (auto& [id, stream] : streams_) {
    if (!std::exchange(stream.hub_open, false)) continue;
    stream.greeted = false;
    stream.lost = true;
    EndAtAgent(id, std::nullopt, world_.Upto(absl::Seconds(5)));
  }
}

}  // namespace lockstep::sim
