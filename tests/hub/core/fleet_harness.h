#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "hub/core/load.h"
#include "hub/core/step.h"
#include "hub/record/batch.h"
#include "tests/hub/core/fake_agent.h"

namespace lockstep {

/// A core with everything around it played: records in a map, a Git that is a table, agents that do
/// as they are told. Messages wait until they are delivered, so a test decides what arrives.

/// What a commit has for an application on a cluster.
struct Missing {};
using Content = std::variant<Folder, Missing, absl::Status>;

class Fleet {
 public:
  Fleet();

  // People.
  absl::StatusOr<ReplyBody> Do(decltype(event::Command::action) action);
  void AddCluster(const std::string& name, Labels labels = {});
  void AddRepository(const std::string& name = "fleet");
  /// Applications are placed everywhere unless `clusters` names some.
  Application MakeApplication(const std::string& name, std::vector<std::string> clusters = {},
                              const std::string& repository = "fleet");
  void Apply(Resource resource);
  absl::Status TryApply(std::vector<Resource> resources);

  // Git: content["web"]["eu-1"]; what is not there is Missing.
  std::map<std::string, std::map<std::string, Content>> content;
  /// Makes a commit of `content`, has it fetched and rendered.
  void Commit(const std::string& repository = "fleet");
  bool rewritten = false;  // Commits do not descend from the one before.
  absl::Status FailFetch(const absl::Status& status, const std::string& repository = "fleet");

  // Agents.
  FakeAgent& Agent(const std::string& cluster) { return agents_[cluster]; }
  /// Enrols the cluster's agent if it is not, and begins a session; returns what it was sent first.
  std::vector<HubMessage> Connect(const std::string& cluster);
  void Disconnect(const std::string& cluster);
  /// Lets agents have what waits for them, and the hub their answers, until all is quiet.
  void Settle();
  /// Takes what waits for the cluster's agent without its answering.
  std::vector<HubMessage> TakeSent(const std::string& cluster);
  void Say(const std::string& cluster, std::variant<Ack, StatusReport, Beat, Pages> message);

  // The hub.
  std::vector<Effect> Step(const Event& event);
  void Tick(absl::Duration after = absl::ZeroDuration());
  /// The process ends and begins again with what is stored; sessions are gone.
  void Restart();

  const Instance* Find(const std::string& application, const std::string& cluster) const;
  std::vector<std::string> EventReasons() const;

  HubState state;
  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  std::map<std::pair<Family, std::string>, std::string> records;
  CommitPoint at;
  size_t desired_sent = 0;           // Ever, to all agents.
  std::set<std::string> desired_to;  // Clusters that were sent one since it was cleared.
  std::map<std::string, std::optional<Goodbye>> closed;  // By cluster, the last.
  std::vector<effect::StartFetch> fetches;
  std::vector<Digest> kept_out;              // Keys that may not connect, as the hub last said.
  std::vector<effect::StartRender> renders;  // Not carried out yet.

  /// Carries out what waits to be rendered, with what `content` holds.
  void RenderAll();
  void Render(effect::StartRender render);

 private:
  void Carry(Effect effect);
  event::RenderOutcome Outcome(const RenderJob& job, std::map<Digest, BlobBytes>* blobs);
  Digest Fingerprint(const std::string& cluster) const;

  std::map<std::string, FakeAgent> agents_;
  std::map<SessionId, std::string> sessions_;
  std::map<std::string, std::deque<HubMessage>> inbox_;
  std::map<uint64_t, absl::StatusOr<ReplyBody>> replies_;
  std::map<uint64_t, Digest> chain_;
  uint64_t next_ = 1;
  uint64_t commits_ = 0;
};

}  // namespace lockstep
