#include "hub/core/outgoing_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep {
namespace {

using testing::ElementsAre;

TargetMoves Moves(std::vector<uint64_t> lost, std::vector<uint64_t> gained) {
  TargetMoves moves;
  moves.loses = moves.gains =
      std::make_shared<KeyMoves>(KeyMoves{std::move(lost), std::move(gained)});
  return moves;
}

TEST(HandOverGroups, WhatSharesNoKeyGoesApart) {
  EXPECT_THAT(HandOverGroups({Moves({1}, {2}), Moves({3}, {4}), Moves({}, {5})}),
              ElementsAre(0, 1, 2));
}

TEST(HandOverGroups, WhoLosesAKeyGoesWithWhoGainsIt) {
  EXPECT_THAT(HandOverGroups({Moves({1}, {}), Moves({2}, {}), Moves({}, {1})}),
              ElementsAre(0, 1, 0));
  EXPECT_THAT(HandOverGroups({Moves({}, {1}), Moves({}, {2}), Moves({1}, {})}),
              ElementsAre(0, 1, 0));
}

TEST(HandOverGroups, TwoThatLoseOrTwoThatGainTheSameKeyAlsoHangTogether) {
  EXPECT_THAT(HandOverGroups({Moves({1}, {}), Moves({}, {}), Moves({1}, {}), Moves({}, {1})}),
              ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(HandOverGroups({Moves({}, {1}), Moves({}, {}), Moves({}, {1}), Moves({1}, {})}),
              ElementsAre(0, 1, 0, 0));
}

TEST(HandOverGroups, AChainIsOneGroup) {
  EXPECT_THAT(HandOverGroups({Moves({1}, {4}), Moves({2}, {1}), Moves({9}, {8}), Moves({3}, {2}),
                              Moves({4}, {3})}),
              ElementsAre(0, 0, 1, 0, 0));
}

TEST(HandOverGroups, ADeleteByNameGoesWithWhoGainsTheKey) {
  TargetMoves named = Moves({}, {});
  named.named = {1};
  EXPECT_THAT(HandOverGroups({Moves({}, {1}), Moves({}, {2}), named}), ElementsAre(0, 1, 0));
}

TEST(HandOverGroups, WhatMayLoseAnythingGoesWithAllThatGainSomething) {
  TargetMoves unknown = Moves({}, {});
  unknown.may_lose_anything = true;
  EXPECT_THAT(HandOverGroups({Moves({}, {1}), Moves({2}, {}), unknown, Moves({}, {3}), unknown}),
              ElementsAre(0, 1, 0, 0, 0));
}

}  // namespace
}  // namespace lockstep
