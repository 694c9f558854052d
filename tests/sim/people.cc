#include "tests/sim/people.h"

#include <iterator>
#include <utility>

#include "common/object/json.h"
#include "hub/core/instances.h"

namespace lockstep::sim {

void People::Ask(HubProcess::Action action) {
  hub_.Ask(std::move(action), [](const absl::StatusOr<ReplyBody>&) {});
}

void People::Begin() {
  const Settings& settings = world_.settings;
  for (int i = 0; i < settings.applications; ++i) {
    ApplicationPlan plan;
    plan.name = absl::StrCat("app-", i);
    plan.now.repository = static_cast<int>(world_.rng.Below(settings.repositories));
    plan.now.path = absl::StrCat("apps/", i);
    plan.now.per_cluster = world_.rng.Below(3) == 0;
    plan.now.skip_missing = world_.rng.Below(2) == 0;
    plan.now.delete_objects = world_.rng.Below(3) == 0;
    const uint64_t where = world_.rng.Below(4);
    plan.now.environment = where == 0 ? "prod" : where == 1 ? "dev" : "";
    world_.applications.push_back(plan);
  }
  for (const ApplicationPlan& plan : world_.applications) {
    for (const auto& agent : agents_) Fill(plan, plan.now, plan.now.PathOn(agent->cluster()));
  }
  CommitAll();
  for (int i = 0; i < settings.repositories; ++i) Publish(DeclareRepository(i));
  for (const ApplicationPlan& plan : world_.applications) Publish(Declare(plan));
  for (const auto& agent : agents_) Join(agent.get());
}

void People::Act(absl::Time until) {
  world_.time.After(world_.Upto(world_.settings.operation * 2), [this, until] {
    if (!world_.ok() || world_.time.Now() >= until) return;
    if (world_.Chance(world_.settings.foreign_writes)) Meddle(&SomeAgent());
    ActOnce();
    Act(until);
  });
}

void People::ActOnce() {
  if (world_.rng.Below(100) < 45) return Commit();
  if (!hub_.up()) return;
  struct Deed {
    uint64_t weight;
    void (People::*act)();
  };
  static constexpr Deed kDeeds[] = {
      {8, &People::Label},         {8, &People::Suspend}, {14, &People::ApproveHeld},
      {5, &People::Delete},        {9, &People::Edit},    {2, &People::LoseRepository},
      {3, &People::DeleteOrphans}, {3, &People::Sync},    {2, &People::AcceptSome},
      {2, &People::Remove},        {2, &People::Rejoin},  {2, &People::SwitchOff},
      {1, &People::ApproveHub},    {3, &People::Rewrite}, {6, &People::EditConfig},
  };
  uint64_t sum = 0;
  for (const Deed& deed : kDeeds) sum += deed.weight;
  uint64_t dice = world_.rng.Below(sum);
  for (const Deed& deed : kDeeds) {
    if (dice < deed.weight) return (this->*deed.act)();
    dice -= deed.weight;
  }
}

void People::Meddle(AgentProcess* agent) {
  MemoryTarget& target = agent->target().objects();
  const auto objects = target.objects();
  ObjectKey key = NewKey(SomePlan());
  if (!objects.empty() && world_.rng.Below(5) != 0) {
    key = std::next(objects.begin(), static_cast<long>(world_.rng.Below(objects.size())))->first;
  } else {
    --keys_;  // At a place that somebody will claim.
  }
  oracle_.OthersWrote(agent->cluster(), key);
  world_.Say("others change ", key.ToString(), " on ", agent->cluster());
  if (objects.contains(key) && world_.rng.Below(3) == 0) return target.DeleteForeign(key);
  target.WriteForeign(key, *ReadJson(GitModel::Blob(key, "foreign-" + NewText()), "foreign"));
}

void People::CalmDown() {
  Mend();
  for (ApplicationPlan& plan : world_.applications) {
    if (world_.rng.Below(2) == 0) stay_gone_.insert(plan.name);
    plan.before.push_back(plan.now);
    plan.now.prune = true;
  }
  if (world_.config != nullptr) {
    world_.config->broken = false;
    PublishMissing();
  }
  Sync();
  Tend();
}

void People::Tend() {
  world_.time.After(absl::Seconds(5), [this] {
    if (!world_.ok()) return;
    Tend();
    if (!hub_.up()) return;
    const HubState& state = hub_.state();
    if (!state.behind.agents.empty()) Ask(command::ApproveHub{});
    for (const auto& [key, resource] : state.resources) {
      if (resource.suspension.has_value()) Ask(command::Resume{key});
    }
    if (world_.config == nullptr) PublishMissing();
    if (!state.config.vanished.empty()) ApproveConfig();
    ApproveHeld();
    DeleteHeldOrphans();
    for (const auto& agent : agents_) TendTo(state, agent.get());
  });
}

}  // namespace lockstep::sim
