// What people declare, and what they tell the hub.
#include <iterator>
#include <map>
#include <utility>

#include "hub/core/instances.h"
#include "hub/core/queries.h"
#include "tests/sim/people.h"

namespace lockstep::sim {
namespace {

NamespacedName Repository(int number) { return {"default", absl::StrCat("repo-", number)}; }

ResourceKey RepositoryKey(int number) {
  return {ResourceKind::kGitRepository, "default", Repository(number).name};
}

ResourceKey ApplicationNamed(const ApplicationPlan& plan) {
  return {ResourceKind::kApplication, "default", plan.name};
}

}  // namespace

DeclaredResource People::Declare(const ApplicationPlan& plan) {
  const PlanVersion& now = plan.now;
  Application application;
  application.meta.namespace_ = "default";
  application.meta.name = plan.name;
  ApplicationSpec& spec = application.spec;
  spec.source = Repository(now.repository);
  spec.path =
      *PathTemplate::Parse(absl::StrCat(now.path, now.per_cluster ? "/${cluster.name}" : "/all"));
  spec.missing_path = now.skip_missing ? MissingPath::kSkip : MissingPath::kError;
  spec.deletion_policy = now.delete_objects ? DeletionPolicy::kDelete : DeletionPolicy::kOrphan;
  spec.placement.selector.emplace();
  if (!now.environment.empty()) spec.placement.selector->match_labels["env"] = now.environment;
  spec.interval = absl::Minutes(2);
  spec.prune = now.prune;
  DeclaredResource declared;
  declared.resource = std::move(application);
  declared.place = "sim.yaml:1";
  return declared;
}

DeclaredResource People::DeclareRepository(int number) {
  GitRepository repository;
  repository.meta.namespace_ = "default";
  repository.meta.name = Repository(number).name;
  repository.spec.url = absl::StrCat("https://git.example/", number);
  DeclaredResource declared;
  declared.resource = std::move(repository);
  declared.place = "sim.yaml:1";
  return declared;
}

void People::Publish(DeclaredResource declared) {
  if (world_.config != nullptr) {
    const ResourceKey key = KeyOf(declared.resource);
    declared.place = absl::StrCat(key.name, ".yaml");
    world_.config->now[key] = std::move(declared);
    return CommitConfig();
  }
  command::Apply apply;
  apply.resources.push_back(std::move(declared));
  Ask(std::move(apply));
}

void People::Withdraw(const ResourceKey& key) {
  if (world_.config == nullptr) {
    return Ask(command::Delete{key, command::Delete::Objects::kByPolicy, {}, false});
  }
  world_.config->now.erase(key);
  CommitConfig();
}

void People::CommitConfig() {
  world_.config->Commit();
  world_.Say("configuration ", world_.config->head(), " declares ", world_.config->now.size(),
             world_.config->broken ? ", broken" : "");
  if (hub_.up()) {
    Ask(command::Sync{{ResourceKind::kGitRepository, "lockstep-system", "config"}});
  }
}

// Everything but what stays gone, as it now is.
void People::PublishMissing() {
  for (size_t i = 0; i < world_.git.size(); ++i) {
    Publish(DeclareRepository(static_cast<int>(i)));
  }
  for (const ApplicationPlan& plan : world_.applications) {
    const bool there = world_.config != nullptr
                           ? world_.config->now.contains(ApplicationNamed(plan))
                           : hub_.state().FindApplication(plan.FullName()) != nullptr;
    if (there || !stay_gone_.contains(plan.name)) Publish(Declare(plan));
  }
}

void People::EditConfig() {
  if (world_.config == nullptr) return;
  std::map<ResourceKey, DeclaredResource>& now = world_.config->now;
  switch (world_.rng.Below(6)) {
    case 0:
      world_.config->broken = !world_.config->broken;
      return CommitConfig();
    case 1:
      if (!now.empty()) now.erase(std::next(now.begin()), now.end());
      return CommitConfig();
    case 2:
      now.clear();
      return CommitConfig();
    case 3:
      return ApproveConfig();
    default:
      world_.config->broken = false;
      return PublishMissing();
  }
}

void People::ApproveConfig() {
  oracle_.ConfigApproved(hub_.state().config.vanished);
  Ask(command::ApproveConfig{});
}

void People::Edit() {
  ApplicationPlan& plan = SomePlan();
  const PlanVersion last = plan.now;
  plan.before.push_back(last);
  PlanVersion& now = plan.now;
  switch (world_.rng.Below(8)) {
    case 0:
      now.prune = !now.prune || world_.rng.Below(3) != 0;
      break;
    case 1:
      now.delete_objects = !now.delete_objects;
      break;
    case 2:
      now.skip_missing = !now.skip_missing;
      break;
    case 3:
      now.environment = now.environment.empty() && world_.rng.Below(2) == 0 ? "prod" : "";
      break;
    case 4:
      now.per_cluster = !now.per_cluster;
      break;
    case 5:
      now.path = absl::StrCat("apps/", plan.name, "/", ++paths_);
      break;
    case 6:
      now.repository = static_cast<int>(world_.rng.Below(world_.git.size()));
      break;
    default:
      break;  // As it is: it may be gone.
  }
  FillAll(plan, last);
  CommitAll();
  world_.Say("edit of ", plan.name, ": ", now.path, now.per_cluster ? "/*" : "", " in ",
             now.repository, now.skip_missing ? " skips" : "", now.delete_objects ? " deletes" : "",
             now.prune ? "" : " unpruned", " env ", now.environment);
  Publish(Declare(plan));
}

// It is deleted and made again, whatever is fetched from it meanwhile.
void People::LoseRepository() {
  const int number = static_cast<int>(world_.rng.Below(world_.git.size()));
  Withdraw(RepositoryKey(number));
  world_.time.After(world_.Upto(absl::Seconds(4)), [this, number] {
    CommitAll();
    Publish(DeclareRepository(number));
  });
}

void People::Delete() {
  const ApplicationPlan& plan = SomePlan();
  if (world_.config != nullptr) return Withdraw(ApplicationNamed(plan));
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

void People::Label() {
  command::LabelCluster label;
  label.cluster = SomeAgent().cluster();
  label.set["env"] = world_.rng.Below(2) == 0 ? "prod" : "dev";
  Ask(std::move(label));
}

void People::Suspend() {
  const uint64_t what = world_.rng.Below(6);
  ResourceKey key = ApplicationNamed(SomePlan());
  if (what == 0) {
    key = RepositoryKey(static_cast<int>(world_.rng.Below(world_.git.size())));
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

void People::ApproveHub() { Ask(command::ApproveHub{}); }

void People::DeleteOrphans() { AskToDelete(Orphans(hub_.state(), "")); }

void People::DeleteHeldOrphans() {
  std::vector<command::OrphanList> held = Orphans(hub_.state(), "");
  std::erase_if(held, [&](const command::OrphanList& list) {
    const auto& instances = hub_.state().clusters.at(list.cluster).instances;
    const auto at = instances.find(list.application);
    return at == instances.end() || at->second.placed || !at->second.report.has_value() ||
           at->second.report->held.empty();
  });
  AskToDelete(held);
}

void People::AskToDelete(const std::vector<command::OrphanList>& lists) {
  command::DeleteOrphans ask;
  for (const command::OrphanList& list : lists) {
    const Digest digest = KeyListDigest(list.objects);
    ask.lists.push_back({list.cluster, list.application, digest});
    oracle_.Approved(list.cluster, list.application, digest);
    for (const ObjectKey& key : list.objects) {
      oracle_.OrphanNamed(list.cluster, list.application, key);
    }
  }
  if (!ask.lists.empty()) Ask(std::move(ask));
}

void People::Sync() {
  Ask(command::Sync{ApplicationNamed(SomePlan())});
  for (size_t i = 0; i < world_.git.size(); ++i) {
    Ask(command::Sync{RepositoryKey(static_cast<int>(i))});
  }
}

}  // namespace lockstep::sim
