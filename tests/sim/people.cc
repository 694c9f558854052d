#include "tests/sim/people.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "common/object/json.h"
#include "hub/core/instances.h"
#include "hub/core/queries.h"

namespace lockstep::sim {
namespace {

NamespacedName Repository(int index) { return {"default", absl::StrCat("repo-", index)}; }

ResourceKey ApplicationNamed(const ApplicationPlan& plan) {
  return {ResourceKind::kApplication, "default", plan.name};
}

}  // namespace

void People::Ask(HubProcess::Action action) {
  hub_.Ask(std::move(action), [](const absl::StatusOr<ReplyBody>&) {});
}

DeclaredResource People::Declare(const ApplicationPlan& plan) {
  Application application;
  application.meta.namespace_ = "default";
  application.meta.name = plan.name;
  ApplicationSpec& spec = application.spec;
  spec.source = Repository(plan.repository);
  spec.path = *PathTemplate::Parse(plan.per_cluster ? absl::StrCat(plan.path, "/${cluster.name}")
                                                    : plan.path);
  spec.missing_path = plan.skip_missing ? MissingPath::kSkip : MissingPath::kError;
  spec.deletion_policy = plan.delete_objects ? DeletionPolicy::kDelete : DeletionPolicy::kOrphan;
  spec.placement.selector.emplace();
  if (!plan.environment.empty()) {
    spec.placement.selector->match_labels["env"] = plan.environment;
  }
  spec.interval = absl::Minutes(2);
  spec.prune = !unpruned_.contains(plan.name);
  DeclaredResource declared;
  declared.resource = std::move(application);
  declared.place = "sim.yaml:1";
  return declared;
}

void People::Begin() {
  const Settings& settings = world_.settings;
  for (int i = 0; i < settings.applications; ++i) {
    ApplicationPlan plan;
    plan.name = absl::StrCat("app-", i);
    plan.repository = static_cast<int>(world_.rng.Below(settings.repositories));
    plan.path = absl::StrCat("apps/", i);
    plan.per_cluster = world_.rng.Below(3) == 0;
    plan.skip_missing = world_.rng.Below(2) == 0;
    plan.delete_objects = world_.rng.Below(3) == 0;
    const uint64_t where = world_.rng.Below(4);
    plan.environment = where == 0 ? "prod" : where == 1 ? "dev" : "";
    world_.applications.push_back(plan);
  }
  for (const ApplicationPlan& plan : world_.applications) {
    for (const auto& agent : agents_) Fill(plan, plan.PathOn(agent->cluster()));
  }
  for (const auto& git : world_.git) git->Commit();

  command::Apply apply;
  for (int i = 0; i < settings.repositories; ++i) {
    GitRepository repository;
    repository.meta.namespace_ = "default";
    repository.meta.name = Repository(i).name;
    repository.spec.url = absl::StrCat("https://git.example/", i);
    DeclaredResource declared;
    declared.resource = std::move(repository);
    apply.resources.push_back(std::move(declared));
  }
  for (const ApplicationPlan& plan : world_.applications) apply.resources.push_back(Declare(plan));
  Ask(std::move(apply));
  for (const auto& agent : agents_) Join(agent.get());
}

// The token is made and redeemed; where the hub dies in between somebody tries again.
void People::Join(AgentProcess* agent) {
  const std::string secret = absl::StrCat("token-", ++tokens_);
  command::CreateJoinToken make;
  make.cluster = agent->cluster();
  make.token = Digest::Of(secret);
  make.labels = {{"env", world_.rng.Below(2) == 0 ? "prod" : "dev"}};
  hub_.Ask(std::move(make), [this, agent, secret](const absl::StatusOr<ReplyBody>& made) {
    if (!made.ok()) return;
    command::RedeemToken redeem;
    redeem.token = Digest::Of(secret);
    redeem.cluster = agent->cluster();
    redeem.fingerprint = Digest::Of(absl::StrCat("key of ", secret));
    redeem.target_uid = absl::StrCat("target-of-", agent->cluster());
    hub_.Ask(redeem, [this, agent, redeem](const absl::StatusOr<ReplyBody>& redeemed) {
      if (!redeemed.ok()) return;
      for (const auto& [key, stored] : agent->target().objects().objects()) {
        oracle_.OthersWrote(agent->cluster(), key);
      }
      agent->Enrol(redeem.fingerprint);
    });
  });
}

void People::Act(absl::Time until) {
  world_.time.After(world_.Upto(world_.settings.operation * 2), [this, until] {
    if (!world_.ok() || world_.time.Now() >= until) return;
    if (world_.Chance(world_.settings.foreign_writes)) Meddle();
    ActOnce();
    Act(until);
  });
}

void People::ActOnce() {
  const uint64_t dice = world_.rng.Below(100);
  if (dice < 45) return Commit();
  if (!hub_.up()) return;
  if (dice < 52) {
    command::LabelCluster label;
    label.cluster = SomeAgent().cluster();
    label.set["env"] = world_.rng.Below(2) == 0 ? "prod" : "dev";
    return Ask(std::move(label));
  }
  if (dice < 60) return Suspend();
  if (dice < 74) return ApproveHeld();
  if (dice < 79) return Delete();
  if (dice < 85) {
    const ApplicationPlan& plan = SomePlan();
    if (!unpruned_.erase(plan.name) && world_.rng.Below(3) == 0) unpruned_.insert(plan.name);
    command::Apply apply;
    apply.resources.push_back(Declare(plan));
    return Ask(std::move(apply));
  }
  if (dice < 88) return DeleteOrphans();
  if (dice < 91) return Sync();
  if (dice < 93) return Ask(command::AcceptCluster{SomeAgent().cluster(), ""});
  if (dice < 95) return Ask(command::RemoveCluster{SomeAgent().cluster()});
  if (dice < 97) return SomeAgent().SwitchOff(world_.Upto(absl::Minutes(2)));
  if (dice < 98) return Ask(command::ApproveHub{});
  AgentProcess& agent = SomeAgent();
  if (!agent.lives() || world_.rng.Below(3) == 0) Join(&agent);
}

void People::Suspend() {
  const uint64_t what = world_.rng.Below(6);
  ResourceKey key = ApplicationNamed(SomePlan());
  if (what == 0) {
    key = {ResourceKind::kGitRepository, "default",
           Repository(static_cast<int>(world_.rng.Below(world_.git.size()))).name};
  } else if (what == 1) {
    key = ClusterKey(SomeAgent().cluster());
  }
  if (world_.rng.Below(2) == 0) {
    Ask(command::Suspend{key, "because"});
  } else {
    Ask(command::Resume{key});
  }
}

void People::ApproveHeld() {
  for (const ApplicationPlan& plan : world_.applications) {
    command::ApproveDeletes approve;
    approve.application = {"default", plan.name};
    for (const reply::HeldList& list : HeldLists(hub_.state(), plan.FullName())) {
      if (world_.Chance(0.1)) continue;
      oracle_.Approved(list.cluster, plan.FullName(), list.digest);
      approve.expected.push_back({list.cluster, list.digest});
    }
    if (!approve.expected.empty()) Ask(std::move(approve));
  }
}

void People::Delete() {
  const ApplicationPlan& plan = SomePlan();
  const auto objects = static_cast<command::Delete::Objects>(world_.rng.Below(3));
  command::Delete ask{ApplicationNamed(plan), objects, {}, false};
  if (objects != command::Delete::Objects::kDelete) return Ask(std::move(ask));
  ask.dry_run = true;
  hub_.Ask(ask, [this, ask, name = plan.FullName()](const absl::StatusOr<ReplyBody>& shown) {
    if (!shown.ok()) return;
    command::Delete really = ask;
    really.dry_run = false;
    for (const reply::HeldList& list : std::get<reply::Deleted>(*shown).lists) {
      oracle_.Approved(list.cluster, name, list.digest);
      really.approved.push_back({list.cluster, list.digest});
    }
    oracle_.DeleteAsked(name);
    Ask(std::move(really));
  });
}

void People::DeleteOrphans() {
  command::DeleteOrphans ask{Orphans(hub_.state(), "")};
  for (const command::OrphanList& list : ask.orphans) {
    oracle_.Approved(list.cluster, list.application, KeyListDigest(list.objects));
    for (const ObjectKey& key : list.objects) {
      oracle_.OrphanNamed(list.cluster, list.application, key);
    }
  }
  if (!ask.orphans.empty()) Ask(std::move(ask));
}

void People::Sync() {
  Ask(command::Sync{ApplicationNamed(SomePlan())});
  for (size_t i = 0; i < world_.git.size(); ++i) {
    Ask(command::Sync{
        {ResourceKind::kGitRepository, "default", Repository(static_cast<int>(i)).name}});
  }
}

void People::Meddle() {
  AgentProcess& agent = SomeAgent();
  MemoryTarget& target = agent.target().objects();
  const auto objects = target.objects();
  ObjectKey key = NewKey(SomePlan());
  if (!objects.empty() && world_.rng.Below(5) != 0) {
    key = std::next(objects.begin(), static_cast<long>(world_.rng.Below(objects.size())))->first;
  } else {
    --keys_;  // At a place that somebody will claim.
  }
  oracle_.OthersWrote(agent.cluster(), key);
  world_.Say("others change ", key.ToString(), " on ", agent.cluster());
  if (objects.contains(key) && world_.rng.Below(3) == 0) return target.DeleteForeign(key);
  target.WriteForeign(key, *ReadJson(GitModel::Blob(key, "foreign-" + NewText()), "foreign"));
}

void People::CalmDown() {
  Mend();
  unpruned_.clear();
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
    ApproveHeld();
    for (const auto& agent : agents_) {
      const auto cluster = state.clusters.find(agent->cluster());
      const bool known = cluster != state.clusters.end() &&
                         cluster->second.fingerprint == agent->fingerprint() &&
                         !state.revoked.contains(agent->fingerprint());
      if (!known || !agent->lives()) {
        Join(agent.get());
        continue;
      }
      const bool stalled = std::any_of(
          cluster->second.instances.begin(), cluster->second.instances.end(), [](const auto& item) {
            return item.second.report.has_value() && !item.second.assignment.accept_foreign &&
                   item.second.report->state == ApplicationState::kStalled;
          });
      if (stalled || !cluster->second.pending_uid.empty()) {
        Ask(command::AcceptCluster{agent->cluster(), ""});
      }
    }
  });
}

}  // namespace lockstep::sim
