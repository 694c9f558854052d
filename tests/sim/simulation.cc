#include "tests/sim/simulation.h"

#include <memory>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>

#include "hub/core/outgoing.h"
#include "hub/core/sources.h"
#include "tests/sim/agent_process.h"
#include "tests/sim/hub_process.h"
#include "tests/sim/network.h"
#include "tests/sim/oracle.h"
#include "tests/sim/people.h"
#include "tests/sim/trouble.h"
#include "tests/sim/world.h"

namespace lockstep::sim {
namespace {

constexpr absl::Duration kSetUp = absl::Minutes(1);
// Late copies of messages are still on their way for a minute after the last fault.
constexpr absl::Duration kLateMessages = absl::Seconds(65);
constexpr absl::Duration kSettleMax = absl::Minutes(20);
// Of applications, with its jitter, and a retry of a refused Desired.
constexpr absl::Duration kInterval = absl::Minutes(3);
// Longer than an interval of comparing, of fetching and of a beat.
constexpr absl::Duration kQuiet = absl::Minutes(3);

class Simulation {
 public:
  Simulation(const Settings& settings, std::ostream* trace)
      : world_(settings),
        network_(&world_),
        oracle_(&world_),
        hub_(&world_, &network_, &oracle_),
        people_(&world_, &hub_, &oracle_, &agents_),
        trouble_(&world_, &hub_, &network_, &agents_) {
    world_.trace = trace;
    network_.set_hub(&hub_);
    for (int i = 0; i < settings.agents; ++i) {
      agents_.push_back(
          std::make_unique<AgentProcess>(&world_, &network_, &oracle_, absl::StrCat("eu-", i),
                                         [this](const std::string& cluster, const Digest& digest) {
                                           return hub_.ReadBlob(cluster, digest);
                                         }));
    }
  }

  Outcome Run() {
    world_.faults = false;
    hub_.Start();
    people_.Begin();
    Pass(kSetUp);
    world_.faults = true;
    people_.Act(world_.time.Now() + world_.settings.busy);
    trouble_.Begin(world_.time.Now() + world_.settings.busy);
    Pass(world_.settings.busy);
    world_.faults = false;
    world_.Say("the faults end");
    const absl::Time calm = world_.time.Now();
    people_.CalmDown();
    Pass(kLateMessages);
    for (bool done = false; world_.ok();) {
      const std::string left = Left();
      if (left.empty() && done) break;
      done = left.empty();  // Its acknowledgements are still on their way.
      if (world_.time.Now() - calm > kSettleMax) world_.Fail("it does not settle: " + left);
      Pass(absl::Seconds(10));
    }
    Pass(kInterval);  // What is not told at once is found out by comparing.
    Outcome outcome;
    outcome.settled_after = world_.time.Now() - calm;
    CheckQuiet();
    CheckAlone();
    outcome.failure = world_.failure;
    outcome.steps = world_.time.steps();
    outcome.messages = network_.messages();
    outcome.writes = oracle_.writes();
    outcome.deletes = oracle_.deletes();
    return outcome;
  }

 private:
  void Pass(absl::Duration duration) {
    world_.time.RunUntil(world_.time.Now() + duration, [this] { return world_.ok(); });
  }

  void CheckQuiet() {
    if (!world_.ok()) return;
    const uint64_t messages = network_.messages();
    const uint64_t writes = oracle_.writes() + oracle_.deletes();
    Pass(kQuiet);
    if (network_.messages() != messages) world_.Fail("messages are sent although nothing happens");
    if (oracle_.writes() + oracle_.deletes() != writes) {
      world_.Fail("objects are written although nothing happens");
    }
    if (const std::string left = Left(); !left.empty()) world_.Fail("it is undone: " + left);
  }

  // Agents whose hub is gone put back what others change, and do nothing else.
  void CheckAlone() {
    if (!world_.ok()) return;
    hub_.Stop();
    const uint64_t deletes = oracle_.deletes();
    for (const auto& agent : agents_) people_.Meddle(agent.get());
    Pass(kInterval);
    if (oracle_.deletes() != deletes) world_.Fail("agents without a hub delete");
    for (const auto& agent : agents_) {
      std::map<ObjectKey, Digest> wanted;
      for (const auto& [name, application] : agent->state().durable.applications) {
        if (application.target.releasing.has_value()) continue;
        for (const ManifestEntry& entry : application.target.manifest->entries()) {
          wanted.emplace(entry.key, entry.blob);
        }
      }
      std::string left = LeftOnTarget(*agent, wanted, {});
      if (!left.empty()) world_.Fail(absl::StrCat(agent->cluster(), " without a hub: ", left));
    }
  }

  // What keeps the fleet from being in step; empty if it is.
  std::string Left() const {
    if (!hub_.up()) return "the hub is away";
    const HubState& state = hub_.state();
    if (!state.behind.agents.empty()) return "the hub is behind";
    if (state.sources.size() != world_.git.size() + (world_.config == nullptr ? 0 : 1))
      return "a repository is not declared";
    for (const auto& [name, source] : state.sources) {
      const std::string& head = name == ConfigRepositoryName()
                                    ? world_.config->head()
                                    : world_.git[name.name == "repo-0" ? 0 : 1]->head();
      if (source.commit != head || source.rendered != head) {
        return absl::StrCat(name.ToString(), " is not at its head");
      }
    }
    for (const auto& agent : agents_) {
      const std::string left = LeftOn(state, *agent);
      if (!left.empty()) return absl::StrCat(agent->cluster(), ": ", left);
    }
    return "";
  }

  std::string LeftOn(const HubState& state, const AgentProcess& agent) const {
    const auto at = state.clusters.find(agent.cluster());
    if (at == state.clusters.end() || !agent.lives() || !agent.up()) return "it is not joined";
    const ClusterState& cluster = at->second;
    if (!cluster.session.has_value() || !cluster.session->accepted) return "it is not connected";
    const DurableState& held = agent.state().durable;
    std::map<ObjectKey, Digest> wanted;
    std::set<ObjectKey> orphans;
    for (const auto& [name, instance] : cluster.instances) {
      const std::string left = LeftOf(agent.cluster(), name, instance, held);
      if (!left.empty()) return absl::StrCat(name, ": ", left);
      if (instance.report.has_value()) {
        orphans.insert(instance.report->orphans.begin(), instance.report->orphans.end());
      }
      for (const ManifestEntry& entry : instance.assignment.manifest->entries()) {
        wanted.emplace(entry.key, entry.blob);
      }
    }
    for (const auto& [name, application] : held.applications) {
      // Let go of, it stays there as an inventory of what it left behind.
      const bool gone =
          application.target.releasing.has_value() && application.target.tombstones.empty();
      if (cluster.instances.contains(name)) continue;
      if (!gone) return absl::StrCat(name, " is held for nobody");
      std::vector<ObjectKey> inventory;
      for (const auto& [key, entry] : application.inventory) inventory.push_back(key);
      const auto said = cluster.left.find(name);
      const bool known =
          said == cluster.left.end() ? inventory.empty() : said->second.orphans == inventory;
      if (!known) return absl::StrCat("what ", name, " left behind is not what the hub shows");
    }
    return LeftOnTarget(agent, wanted, orphans);
  }

  std::string LeftOf(const std::string& cluster, const std::string& name, const Instance& instance,
                     const DurableState& held) const {
    const ApplicationPlan& plan = *world_.Find(name);
    if (!instance.placed) {
      return absl::StrCat("it is still being let go of: assigned ", instance.assignment.generation,
                          instance.releasing() ? " released" : "", ", received ",
                          instance.received.generation, ", refused ", instance.refused,
                          ", reported ",
                          instance.report.has_value() ? instance.report->reason : "nothing");
    }
    if (!instance.error.empty()) return instance.error;
    if (instance.waiting.has_value()) return absl::StrCat("refused: ", instance.refused);
    const Assignment& assignment = instance.assignment;
    GitModel& git = *world_.git[plan.now.repository];
    const GitModel::Expected& wanted = git.Expect(git.head(), plan.now.PathOn(cluster));
    if (assignment.generation == 0) {
      return wanted.kind == GitModel::Expected::Kind::kMissing ? "" : "nothing was assigned";
    }
    if (assignment.manifest->digest() != wanted.manifest->digest()) return "it is not at the head";
    if (!IsReceived(instance)) return "the agent has not received it";
    const auto have = held.applications.find(name);
    if (have == held.applications.end() ||
        have->second.target.generation != assignment.generation ||
        have->second.target.manifest->digest() != assignment.manifest->digest()) {
      return "the agent holds something else";
    }
    if (!instance.report.has_value()) return "nothing was reported";
    if (instance.report->generation != assignment.generation ||
        instance.report->state != ApplicationState::kSynced) {
      return absl::StrCat("reported ", StateName(instance.report->state), " ",
                          instance.report->message, " of generation ", instance.report->generation,
                          " for ", assignment.generation);
    }
    return "";
  }

  std::string LeftOnTarget(const AgentProcess& agent, const std::map<ObjectKey, Digest>& wanted,
                           const std::set<ObjectKey>& orphans) const {
    const auto objects = const_cast<AgentProcess&>(agent).target().objects().objects();
    for (const auto& [key, blob] : wanted) {
      const auto at = objects.find(key);
      if (at == objects.end()) return absl::StrCat(key.ToString(), " is not there");
      if (Digest::Of(CanonicalJson(at->second.value)) != blob) {
        return absl::StrCat(key.ToString(), " is not as it should be");
      }
    }
    for (const auto& [key, stored] : objects) {
      if (wanted.contains(key) || orphans.contains(key)) continue;
      if (!oracle_.MayStay(agent.cluster(), key)) {
        return absl::StrCat(key.ToString(), " was left behind and nobody knows of it");
      }
    }
    return "";
  }

  World world_;
  Network network_;
  Oracle oracle_;
  HubProcess hub_;
  std::vector<std::unique_ptr<AgentProcess>> agents_;
  People people_;
  Trouble trouble_;
};

}  // namespace

Outcome Simulate(const Settings& settings, std::ostream* trace) {
  return Simulation(settings, trace).Run();
}

}  // namespace lockstep::sim
