#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include "common/base/random.h"
#include "tests/sim/config_model.h"
#include "tests/sim/git_model.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/settings.h"

namespace lockstep::sim {

/// Which repository a GitRepository of this name is.
inline int RepositoryOf(const NamespacedName& name) { return name.name == "repo-0" ? 0 : 1; }

/// An application's specification, as far as people edit it.
struct PlanVersion {
  int repository = 0;
  std::string path;
  bool per_cluster = false;  // path/${cluster.name}, else path/all.
  bool skip_missing = false;
  bool delete_objects = false;  // deletionPolicy.
  bool prune = true;
  std::string environment;  // The label that selects clusters; empty: all.

  std::string PathOn(const std::string& cluster) const {
    return absl::StrCat(path, "/", per_cluster ? cluster : "all");
  }
};

/// One application as people declare it.
struct ApplicationPlan {
  std::string name;  // In namespace "default".
  PlanVersion now;
  // What it was before: an edit may not have reached the hub yet, or never does.
  std::vector<PlanVersion> before;

  std::string FullName() const { return absl::StrCat("default/", name); }
};

/// What the parts of one simulation share. Everything happens on one thread.
struct World {
  explicit World(Settings chosen)
      : settings(chosen), time(absl::FromUnixSeconds(1'700'000'000)), rng(chosen.seed) {
    for (int i = 0; i < chosen.repositories; ++i) git.push_back(std::make_unique<GitModel>(i));
    if (chosen.config_repository) config = std::make_unique<ConfigModel>();
  }

  const Settings settings;
  Scheduler time;
  SeededRng rng;
  std::vector<std::unique_ptr<GitModel>> git;
  std::unique_ptr<ConfigModel> config;  // Null where people apply by hand.
  std::vector<ApplicationPlan> applications;
  bool faults = true;  // Things still go wrong.
  std::ostream* trace = nullptr;
  int depth = 0;        // Of reconcile runs within one another.
  std::string failure;  // The first invariant that did not hold.

  bool ok() const { return failure.empty(); }
  void Fail(const std::string& what) {
    Say("FAILED ", what);
    if (failure.empty()) failure = absl::StrCat("at ", Elapsed(), ": ", what);
  }

  bool Chance(double chance) { return faults && chance > 0 && Roll(chance); }
  bool Roll(double chance) { return static_cast<double>(rng.Next() >> 11) * 0x1.0p-53 < chance; }
  absl::Duration Upto(absl::Duration most) { return rng.Between(absl::ZeroDuration(), most); }

  std::string Elapsed() const {
    return absl::FormatDuration(time.Now() - absl::FromUnixSeconds(1'700'000'000));
  }
  template <typename... Args>
  void Say(const Args&... args) {
    if (trace != nullptr) *trace << absl::StrCat(Elapsed(), " ", args...) << "\n";
  }

  /// The repository that has this commit; null for none.
  GitModel* RepositoryWith(const std::string& commit) const {
    for (const auto& one : git) {
      if (one->Knows(commit)) return one.get();
    }
    return nullptr;
  }

  const ApplicationPlan* Find(const std::string& full_name) const {
    for (const ApplicationPlan& plan : applications) {
      if (plan.FullName() == full_name) return &plan;
    }
    return nullptr;
  }
};

}  // namespace lockstep::sim
