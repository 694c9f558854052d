#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include <absl/time/time.h>

#include "common/bundle/link.h"
#include "hub/core/event.h"
#include "tests/sim/world.h"

namespace lockstep::sim {

class HubEnd {
 public:
  virtual ~HubEnd() = default;
  virtual bool up() const = 0;
  virtual void Post(Event event) = 0;
};

class AgentEnd {
 public:
  virtual ~AgentEnd() = default;
  virtual const std::string& cluster() const = 0;
  virtual Digest fingerprint() const = 0;
  /// Changes where what it knew is lost: what was said before is not said again then.
  virtual uint64_t life() const = 0;
  virtual void OnLinkUp(SessionId stream) = 0;
  virtual void OnLinkDown(const std::optional<Goodbye>& goodbye, bool was_welcome) = 0;
  virtual void OnMessage(const HubMessage& message) = 0;
};

/// Streams between agents and the hub, each in order while it lives. A message is lost by its
/// stream breaking, with everything after it; the two ends learn of that at different times. A
/// message may come a second time, later, in whatever session there then is.
class Network {
 public:
  explicit Network(World* world) : world_(*world) {}

  void set_hub(HubEnd* hub) { hub_ = hub; }

  /// Ends with OnLinkUp, or with OnLinkDown where the hub is not there. `alive` is asked then:
  /// whether the process that connects still runs.
  void Connect(AgentEnd* agent, std::function<bool()> alive);
  void FromAgent(SessionId stream, const AgentMessage& message);
  void FromHub(SessionId stream, const HubMessage& message);
  void CloseFromHub(SessionId stream, const std::optional<Goodbye>& goodbye);
  /// The process at one end is gone.
  void AgentGone(SessionId stream);
  void HubGone();

  /// A session of somebody who sends one Hello and listens to nothing.
  SessionId NewSession() { return next_++; }

  /// Messages sent, beats apart.
  uint64_t messages() const { return messages_; }

 private:
  struct Stream {
    AgentEnd* agent = nullptr;
    bool hub_open = true;
    bool agent_open = true;
    bool greeted = false;   // Hello arrived.
    bool welcomed = false;  // Welcome arrived.
    bool lost = false;      // Nothing arrives any more.
    absl::Time to_hub;
    absl::Time to_agent;
  };

  Stream* Find(SessionId id);
  void Break(SessionId id);
  void EndAtAgent(SessionId id, const std::optional<Goodbye>& goodbye, absl::Duration after);
  void EndAtHub(SessionId id, absl::Duration after);
  void ArriveAtHub(SessionId id, const AgentMessage& message);
  void ArriveAtAgent(SessionId id, const HubMessage& message);
  absl::Duration Delay() { return world_.Upto(world_.settings.delay_max); }

  World& world_;
  HubEnd* hub_ = nullptr;
  std::map<SessionId, Stream> streams_;
  SessionId next_ = 1;
  uint64_t messages_ = 0;
};

}  // namespace lockstep::sim
