#include "hub/core/release_planner.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using Names = std::set<std::string>;

ObjectKey Key(const std::string& name) { return {"", "ConfigMap", "shop", name}; }

ManifestPtr Make(const Names& names) {
  std::vector<ManifestEntry> entries;
  for (const std::string& name : names) entries.push_back({Key(name), Digest::Of(name)});
  return *Manifest::Make(std::move(entries));
}

OriginsPtr From(const std::string& file, const Names& names) {
  return std::make_shared<const Origins>(std::vector<std::string>(names.size(), file));
}

PlannedApplication App(const std::string& name, const Names& assigned,
                       const std::optional<Names>& candidate) {
  PlannedApplication application;
  application.name = name;
  application.assigned = Make(assigned);
  application.assigned_origins = From(absl::StrCat(name, "/old.yaml"), assigned);
  if (candidate.has_value()) {
    application.candidate = Make(*candidate);
    application.candidate_origins = From(absl::StrCat(name, "/new.yaml"), *candidate);
  }
  return application;
}

std::vector<ReleaseDecision> Plan(const ClusterView& view) {
  return PlanReleases(view, [](const Manifest& base, const Manifest& target) {
    return std::make_shared<const BundleDelta>(ComputeDelta(base, target));
  });
}

std::set<std::string> Accepted(const std::vector<ReleaseDecision>& decisions) {
  std::set<std::string> names;
  for (const ReleaseDecision& decision : decisions) {
    if (decision.accepted) names.insert(decision.application);
  }
  return names;
}

TEST(PlanReleases, LetsThroughWhatConcernsNobodyElse) {
  const auto decisions = Plan({{App("a", {"x"}, Names{"x", "y"}), App("b", {"z"}, std::nullopt)}});
  ASSERT_EQ(decisions.size(), 1);
  EXPECT_TRUE(decisions[0].accepted);
}

TEST(PlanReleases, G17TheHolderStaysAndTheNewcomerIsRefusedWithBothFiles) {
  const auto decisions = Plan({{App("a", {"x"}, std::nullopt), App("b", {}, Names{"x", "y"})}});
  ASSERT_EQ(decisions.size(), 1);
  EXPECT_FALSE(decisions[0].accepted);
  EXPECT_THAT(decisions[0].refusal, AllOf(HasSubstr("ConfigMap shop/x"), HasSubstr("a/old.yaml"),
                                          HasSubstr("b/new.yaml")));
}

TEST(PlanReleases, G17OfTwoNewcomersNeitherIsApplied) {
  const auto decisions = Plan({{App("a", {}, Names{"x", "y"}), App("b", {}, Names{"x", "y"})}});
  EXPECT_TRUE(Accepted(decisions).empty());
  EXPECT_THAT(decisions[0].refusal,
              AllOf(HasSubstr("a/new.yaml"), HasSubstr("b/new.yaml"), HasSubstr("1 more")));
}

TEST(PlanReleases, G18AHandOverGoesInOneStep) {
  const auto decisions = Plan({{App("a", {"x", "y"}, Names{"y"}), App("b", {}, Names{"x"})}});
  EXPECT_EQ(Accepted(decisions), (std::set<std::string>{"a", "b"}));
}

TEST(PlanReleases, G18ASwapGoesInOneStep) {
  const auto decisions = Plan({{App("a", {"x"}, Names{"y"}), App("b", {"y"}, Names{"x"})}});
  EXPECT_EQ(Accepted(decisions), (std::set<std::string>{"a", "b"}));
}

TEST(PlanReleases, G17ATombstoneForAClaimedObjectNeverGoesAlone) {
  // b claims x and also z, which c keeps: b is refused, so a must not drop x.
  const auto decisions = Plan(
      {{App("a", {"x"}, Names{}), App("b", {}, Names{"x", "z"}), App("c", {"z"}, std::nullopt)}});
  EXPECT_TRUE(Accepted(decisions).empty());
  EXPECT_THAT(decisions[0].refusal, HasSubstr("waits for application b"));
}

TEST(PlanReleases, WhatIsOrphanedMayBeDroppedThoughItsClaimIsRefused) {
  PlannedApplication going = App("a", {"x"}, Names{});
  going.orphans = true;
  const auto decisions =
      Plan({{going, App("b", {}, Names{"x", "z"}), App("c", {"z"}, std::nullopt)}});
  EXPECT_EQ(Accepted(decisions), std::set<std::string>{"a"});
}

TEST(PlanReleases, RefusalsSpreadAlongAChainOfHandOvers) {
  // d keeps w; c wants it and lets go of z; b wants z and lets go of y; a wants y.
  const auto decisions = Plan({{App("a", {}, Names{"y"}), App("b", {"y"}, Names{"z"}),
                                App("c", {"z"}, Names{"w"}), App("d", {"w"}, std::nullopt)}});
  EXPECT_TRUE(Accepted(decisions).empty());
}

// What a set of accepted candidates comes to.
std::map<std::string, ManifestPtr> Result(const ClusterView& view,
                                          const std::set<std::string>& accepted) {
  std::map<std::string, ManifestPtr> result;
  for (const PlannedApplication& application : view.applications) {
    result[application.name] =
        accepted.contains(application.name) ? application.candidate : application.assigned;
  }
  return result;
}

// DESIGN 2.2, G-17, G-18, over what is accepted.
bool Keeps(const ClusterView& view, const std::set<std::string>& accepted) {
  std::map<ObjectKey, int> named;
  for (const auto& [name, manifest] : Result(view, accepted)) {
    for (const ManifestEntry& entry : manifest->entries()) {
      if (++named[entry.key] > 1) return false;
    }
  }
  for (const PlannedApplication& dropper : view.applications) {
    if (!accepted.contains(dropper.name) || dropper.orphans) continue;
    for (const ManifestEntry& entry : dropper.assigned->entries()) {
      if (dropper.candidate->Find(entry.key) != nullptr) continue;
      for (const PlannedApplication& other : view.applications) {
        if (other.name == dropper.name || other.candidate == nullptr ||
            accepted.contains(other.name))
          continue;
        const bool claims = other.candidate->Find(entry.key) != nullptr &&
                            other.assigned->Find(entry.key) == nullptr;
        if (claims) return false;
      }
    }
  }
  // No two candidates that add the same object, even where one of the two is refused for another
  // reason.
  for (const PlannedApplication& a : view.applications) {
    if (!accepted.contains(a.name)) continue;
    for (const PlannedApplication& b : view.applications) {
      if (a.name == b.name || b.candidate == nullptr) continue;
      for (const ManifestEntry& entry : a.candidate->entries()) {
        const bool both_add = a.assigned->Find(entry.key) == nullptr &&
                              b.candidate->Find(entry.key) != nullptr &&
                              b.assigned->Find(entry.key) == nullptr;
        if (both_add) return false;
      }
    }
  }
  return true;
}

TEST(PlanReleases, IsTheLargestSetThatKeepsTheRulesInWhateverOrder) {
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    const auto below = [&](uint32_t n) { return random() % n; };
    ClusterView view;
    std::map<std::string, std::string> holder;
    const size_t count = 2 + below(4);
    for (size_t i = 0; i < count; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      Names assigned;
      for (const std::string key : {"p", "q", "r", "s", "t"}) {
        if (below(count) == 0 && holder.emplace(key, name).second) assigned.insert(key);
      }
      std::optional<Names> candidate;
      if (below(4) != 0) {
        candidate.emplace();
        for (const std::string key : {"p", "q", "r", "s", "t"}) {
          if (below(3) == 0) candidate->insert(key);
        }
      }
      view.applications.push_back(App(name, assigned, candidate));
      view.applications.back().orphans =
          candidate.has_value() && candidate->empty() && below(2) == 0;
    }
    const std::set<std::string> accepted = Accepted(Plan(view));
    EXPECT_TRUE(Keeps(view, accepted));

    // The union of all sets that keep the rules, found the slow way, is what is accepted.
    std::vector<std::string> candidates;
    for (const PlannedApplication& application : view.applications) {
      if (application.candidate != nullptr) candidates.push_back(application.name);
    }
    size_t largest = 0;
    for (size_t bits = 0; bits < (size_t{1} << candidates.size()); ++bits) {
      std::set<std::string> some;
      for (size_t i = 0; i < candidates.size(); ++i) {
        if ((bits >> i & 1) != 0) some.insert(candidates[i]);
      }
      if (Keeps(view, some)) largest = std::max(largest, some.size());
    }
    EXPECT_EQ(accepted.size(), largest);

    std::shuffle(view.applications.begin(), view.applications.end(), random);
    EXPECT_EQ(Accepted(Plan(view)), accepted);
  }
}

}  // namespace
}  // namespace lockstep
