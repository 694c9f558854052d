#include "hub/fleet/placement.h"

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::map<std::string, Labels> kFleet = {
    {"eu-1", {{"env", "prod"}}}, {"eu-2", {{"env", "prod"}}}, {"dev", {{"env", "dev"}}}};

LabelSelector Prod() { return {.match_labels = {{"env", "prod"}}}; }

TEST(Place, IsTheUnionOfNamedAndSelected) {
  const PlacedClusters placed =
      SelectClusters({.clusters = {"dev", "eu-1"}, .selector = Prod()}, kFleet);
  EXPECT_THAT(placed.known, ElementsAre("dev", "eu-1", "eu-2"));
  EXPECT_THAT(placed.unknown, IsEmpty());
}

TEST(Place, KeepsNamedClustersThatAreUnknownApart) {
  const PlacedClusters placed = SelectClusters({.clusters = {"eu-1", "eu-9"}}, kFleet);
  EXPECT_THAT(placed.known, ElementsAre("eu-1"));
  EXPECT_THAT(placed.unknown, ElementsAre("eu-9"));
}

TEST(Place, AnEmptySelectorSelectsAllAndNoSelectorNone) {
  EXPECT_EQ(SelectClusters({.selector = LabelSelector()}, kFleet).known.size(), 3u);
  EXPECT_THAT(SelectClusters({}, kFleet).known, IsEmpty());
}

TEST(IsPlaced, A57ComparesNamesWhole) {
  const Placement placement{.clusters = {"eu-1"}};
  EXPECT_TRUE(IsPlaced(placement, "eu-1", {}));
  EXPECT_FALSE(IsPlaced(placement, "eu-10", {}));
  EXPECT_FALSE(IsPlaced(placement, "eu-", {}));
  EXPECT_FALSE(IsPlaced(placement, "EU-1", {}));
  EXPECT_TRUE(IsPlaced({.selector = Prod()}, "new", {{"env", "prod"}}));
}

}  // namespace
}  // namespace lockstep
