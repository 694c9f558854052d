// What people do to repositories.
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "tests/sim/people.h"

namespace lockstep::sim {

ObjectKey People::NewKey(const ApplicationPlan& plan) {
  const std::string name = absl::StrCat(plan.name, "-", ++keys_);
  switch (world_.rng.Below(15)) {
    case 0:
      return {"apps", "StatefulSet", "shop", name};
    case 1:
      return {"", "Namespace", "", name};
    default:
      return {"", "ConfigMap", "shop", name};
  }
}

std::string People::SomePath(const ApplicationPlan& plan) {
  return plan.now.PathOn(SomeAgent().cluster());
}

void People::Fill(const ApplicationPlan& plan, const PlanVersion& version,
                  const std::string& path) {
  const auto [at, added] = world_.git[version.repository]->tree.try_emplace(path);
  if (!added && !at->second.objects.empty()) return;
  const uint64_t count = 1 + world_.rng.Below(9);
  for (uint64_t i = 0; i < count; ++i) at->second.objects[NewKey(plan)] = NewText();
}

// After an edit: its folders move along, are begun anew, or are not there.
void People::FillAll(const ApplicationPlan& plan, const PlanVersion& from) {
  const uint64_t how = world_.rng.Below(4);
  for (const auto& agent : agents_) {
    const std::string path = plan.now.PathOn(agent->cluster());
    if (TreeOf(plan).contains(path) || how == 0) continue;
    const Tree& old = world_.git[from.repository]->tree;
    const auto folder = old.find(from.PathOn(agent->cluster()));
    if (folder == old.end() || how == 1) {
      Fill(plan, plan.now, path);
    } else {
      const Folder copy = folder->second;
      TreeOf(plan)[path] = copy;
    }
  }
}

void People::Commit() {
  const uint64_t changes = 1 + world_.rng.Below(3);
  for (uint64_t i = 0; i < changes; ++i) {
    const ApplicationPlan& plan = SomePlan();
    Change(plan, SomePath(plan));
  }
  CommitAll();
  if (hub_.up() && world_.rng.Below(2) == 0) Sync();
}

void People::CommitAll() {
  for (const auto& git : world_.git) {
    git->Commit();
    world_.Say("commit ", git->head());
  }
}

void People::Rewrite() {
  GitModel& git = *world_.git[world_.rng.Below(world_.git.size())];
  git.Rewrite(&world_.rng);
  world_.Say("history is rewritten: ", git.head());
  if (world_.rng.Below(2) == 0) Sync();
}

void People::Change(const ApplicationPlan& plan, const std::string& path) {
  Tree& tree = TreeOf(plan);
  const uint64_t dice = world_.rng.Below(24);
  if (dice == 0) {
    tree.erase(path);
    return;
  }
  Folder& folder = tree[path];
  if (folder.objects.empty() && world_.rng.Below(2) == 0) Fill(plan, plan.now, path);
  if (dice < 3) {
    folder.broken = dice == 1;
    return;
  }
  if (folder.objects.empty() || dice < 7) {
    folder.objects[NewKey(plan)] = NewText();
    return;
  }
  const auto some =
      std::next(folder.objects.begin(), static_cast<long>(world_.rng.Below(folder.objects.size())));
  if (dice < 13) {
    some->second = NewText();
  } else if (dice < 16) {
    folder.objects.erase(some);
  } else if (dice < 20) {
    Move(plan, &folder, false);
  } else if (dice < 21) {
    Move(plan, &folder, true);  // A clash.
  } else if (dice < 23) {
    folder.objects.erase(std::next(folder.objects.begin()), folder.objects.end());
  } else {
    folder.objects.clear();
  }
}

void People::Move(const ApplicationPlan& plan, Folder* from, bool keep) {
  const ApplicationPlan& other = SomePlan();
  if (other.name == plan.name) return;
  const auto object =
      std::next(from->objects.begin(), static_cast<long>(world_.rng.Below(from->objects.size())));
  Folder& to = TreeOf(other)[SomePath(other)];
  to.objects[object->first] = world_.rng.Below(2) == 0 ? object->second : NewText();
  if (!keep) from->objects.erase(object->first);
}

// The last commits: everything renders and nothing is claimed twice.
void People::Mend() {
  std::map<ObjectKey, std::string> owners;
  for (const ApplicationPlan& plan : world_.applications) {
    std::set<std::string> paths;
    for (const auto& agent : agents_) paths.insert(plan.now.PathOn(agent->cluster()));
    Tree& tree = TreeOf(plan);
    for (const std::string& path : paths) {
      if (plan.now.skip_missing && !tree.contains(path)) continue;
      Folder& folder = tree[path];
      folder.broken = false;
      std::erase_if(folder.objects, [&](const auto& object) {
        return owners.emplace(object.first, plan.name).first->second != plan.name;
      });
    }
  }
  CommitAll();
}

}  // namespace lockstep::sim
