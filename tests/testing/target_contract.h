#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "agent/target/target.h"
#include "tests/testing/status.h"
#include "tests/testing/target_notices.h"

namespace lockstep {

/// A place under test: the target and the hands of others on it.
class TargetUnderTest {
 public:
  virtual ~TargetUnderTest() = default;
  virtual Target& target() = 0;
  /// Another program creates or replaces an object.
  virtual void WriteForeign(const ObjectKey& key, const Value& value) = 0;
  virtual void DeleteForeign(const ObjectKey& key) = 0;
  /// What lies there; nothing if nothing does.
  virtual std::optional<Value> Read(const ObjectKey& key) = 0;
};

using MakeTargetUnderTest = std::function<std::unique_ptr<TargetUnderTest>()>;

/// What every Target promises: the directory, the one in memory, and later the API server.
class TargetContract : public testing::TestWithParam<MakeTargetUnderTest> {
 protected:
  TargetContract() : place_(GetParam()()), target_(place_->target()) {}

  absl::StatusOr<Written> Apply(absl::string_view name, absl::string_view text) {
    return target_.Apply(as_, {{ConfigMapKey(name), ConfigMapValue(name, text)}}, cancel_)[0];
  }
  Observation Look(absl::string_view name, const Value* wanted) {
    absl::StatusOr<Observation> seen =
        target_.Observe(as_, {{ConfigMapKey(name), wanted}}, cancel_)[0];
    EXPECT_OK(seen);
    return seen.ok() ? *seen : Observation();
  }

  std::unique_ptr<TargetUnderTest> place_;
  Target& target_;
  Cancellation cancel_;
  const ActingAs as_{"shop/web", ""};
};

TEST_P(TargetContract, HasAStableUidOfSixteenBytes) {
  ASSERT_OK_AND_ASSIGN(const std::string uid, target_.Uid());
  EXPECT_EQ(uid.size(), 16);
  EXPECT_EQ(*target_.Uid(), uid);
}

TEST_P(TargetContract, SeesThatNothingIsThere) {
  const Value wanted = ConfigMapValue("a", "1");
  EXPECT_EQ(Look("a", &wanted).presence, Observation::Presence::kAbsent);
}

TEST_P(TargetContract, WhatWasAppliedIsEqual) {
  ASSERT_OK(Apply("a", "1"));
  const Value wanted = ConfigMapValue("a", "1");
  EXPECT_EQ(Look("a", &wanted).presence, Observation::Presence::kEqual);
  EXPECT_EQ(place_->Read(ConfigMapKey("a")), wanted);
}

TEST_P(TargetContract, NamesTheFieldsThatDiffer) {
  ASSERT_OK(Apply("a", "1"));
  const Value wanted = ConfigMapValue("a", "2");
  const Observation seen = Look("a", &wanted);
  EXPECT_EQ(seen.presence, Observation::Presence::kDifferent);
  EXPECT_THAT(seen.fields, testing::ElementsAre(".data.text"));
  EXPECT_FALSE(seen.place.empty());
}

TEST_P(TargetContract, ApplyReplaces) {
  ASSERT_OK(Apply("a", "1"));
  ASSERT_OK(Apply("a", "2"));
  EXPECT_EQ(place_->Read(ConfigMapKey("a")), ConfigMapValue("a", "2"));
}

TEST_P(TargetContract, ABatchAnswersInItsOrder) {
  std::vector<WantedObject> objects;
  for (int i = 0; i < 50; ++i) {
    const std::string name = absl::StrCat("n", i);
    objects.push_back({ConfigMapKey(name), ConfigMapValue(name, name)});
  }
  for (const auto& written : target_.Apply(as_, objects, cancel_)) EXPECT_OK(written);
  for (const WantedObject& object : objects) EXPECT_EQ(place_->Read(object.key), object.value);
  std::vector<LookAt> looks;
  for (const WantedObject& object : objects) looks.push_back({object.key, &object.value});
  const auto seen = target_.Observe(as_, looks, cancel_);
  ASSERT_EQ(seen.size(), objects.size());
  for (size_t i = 0; i < seen.size(); ++i) {
    ASSERT_OK(seen[i]);
    EXPECT_EQ(seen[i]->key, objects[i].key);
    EXPECT_EQ(seen[i]->presence, Observation::Presence::kEqual);
  }
}

TEST_P(TargetContract, ValidateWritesNothing) {
  const auto valid =
      target_.Validate(as_, {{ConfigMapKey("a"), ConfigMapValue("a", "1")}}, cancel_);
  ASSERT_EQ(valid.size(), 1);
  EXPECT_OK(valid[0]);
  EXPECT_EQ(place_->Read(ConfigMapKey("a")), std::nullopt);
}

TEST_P(TargetContract, DeleteRemovesAndIsDoneTwiceWithoutHarm) {
  ASSERT_OK(Apply("a", "1"));
  const Observation seen = Look("a", nullptr);
  EXPECT_OK(target_.Delete(as_, {{ConfigMapKey("a"), seen.uid}}, cancel_)[0]);
  EXPECT_EQ(place_->Read(ConfigMapKey("a")), std::nullopt);
  EXPECT_OK(target_.Delete(as_, {{ConfigMapKey("a"), seen.uid}}, cancel_)[0]);
}

TEST_P(TargetContract, DeleteLeavesAnObjectWithAnotherUid) {
  if (!target_.capabilities().uids) GTEST_SKIP() << "this place has no UIDs";
  ASSERT_OK(Apply("a", "1"));
  const std::string uid = Look("a", nullptr).uid;
  place_->DeleteForeign(ConfigMapKey("a"));
  place_->WriteForeign(ConfigMapKey("a"), ConfigMapValue("a", "theirs"));
  EXPECT_THAT(target_.Delete(as_, {{ConfigMapKey("a"), uid}}, cancel_)[0],
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::_));
  EXPECT_EQ(place_->Read(ConfigMapKey("a")), ConfigMapValue("a", "theirs"));
}

TEST_P(TargetContract, TellsWhoseItIs) {
  if (!target_.capabilities().owners) GTEST_SKIP() << "this place has no owner markers";
  ASSERT_OK(Apply("a", "1"));
  place_->WriteForeign(ConfigMapKey("b"), ConfigMapValue("b", "theirs"));
  EXPECT_EQ(Look("a", nullptr).owner, "shop/web");
  EXPECT_EQ(Look("b", nullptr).owner, "");
}

TEST_P(TargetContract, CancelledWorkDoesNothing) {
  cancel_.Cancel();
  EXPECT_THAT(Apply("a", "1"), StatusIs(absl::StatusCode::kCancelled, testing::_));
  EXPECT_EQ(place_->Read(ConfigMapKey("a")), std::nullopt);
}

TEST_P(TargetContract, SettlesAKnownKeyToItself) {
  const auto settled = target_.Settle(as_, {ConfigMapKey("a")}, "default");
  ASSERT_EQ(settled.size(), 1);
  ASSERT_OK(settled[0]);
  EXPECT_EQ(*settled[0], ConfigMapKey("a"));
}

TEST_P(TargetContract, TellsOfForeignWritesAndDeletes) {
  ASSERT_OK(Apply("a", "1"));
  ASSERT_OK(Apply("b", "1"));
  Notices notices;
  ASSERT_OK(target_.Watch(as_, {ConfigMapKey("a"), ConfigMapKey("b"), ConfigMapKey("c")},
                          notices.Callback()));
  place_->WriteForeign(ConfigMapKey("a"), ConfigMapValue("a", "theirs"));
  EXPECT_TRUE(notices.Wait(ConfigMapKey("a")));
  place_->DeleteForeign(ConfigMapKey("b"));
  EXPECT_TRUE(notices.Wait(ConfigMapKey("b")));
  place_->WriteForeign(ConfigMapKey("c"), ConfigMapValue("c", "theirs"));
  EXPECT_TRUE(notices.Wait(ConfigMapKey("c")));
  target_.Stop();
}

TEST_P(TargetContract, DoesNotTellOfItsOwnWrites) {
  Notices notices;
  ASSERT_OK(target_.Watch(as_, {ConfigMapKey("a"), ConfigMapKey("b"), ConfigMapKey("z")},
                          notices.Callback()));
  ASSERT_OK(Apply("a", "1"));
  ASSERT_OK(Apply("a", "2"));
  ASSERT_OK(Apply("b", "1"));
  ASSERT_OK(target_.Delete(as_, {{ConfigMapKey("b"), ""}}, cancel_)[0]);
  // A foreign write after them is told of: all before it has been read by then.
  place_->WriteForeign(ConfigMapKey("z"), ConfigMapValue("z", "theirs"));
  EXPECT_TRUE(notices.Wait(ConfigMapKey("z")));
  EXPECT_EQ(notices.Count(ConfigMapKey("a")), 0);
  EXPECT_EQ(notices.Count(ConfigMapKey("b")), 0);
  target_.Stop();
}

TEST_P(TargetContract, AnEndedWatchIsSilent) {
  ASSERT_OK(Apply("a", "1"));
  ASSERT_OK(Apply("b", "1"));
  Notices ended;
  Notices other;
  ASSERT_OK(target_.Watch(as_, {ConfigMapKey("a")}, ended.Callback()));
  ASSERT_OK(target_.Watch({"shop/other", ""}, {ConfigMapKey("b")}, other.Callback()));
  ASSERT_OK(target_.Watch(as_, {}, nullptr));
  place_->WriteForeign(ConfigMapKey("a"), ConfigMapValue("a", "theirs"));
  place_->WriteForeign(ConfigMapKey("b"), ConfigMapValue("b", "theirs"));
  EXPECT_TRUE(other.Wait(ConfigMapKey("b")));
  EXPECT_EQ(ended.Count(ConfigMapKey("a")), 0);
  target_.Stop();
}

}  // namespace lockstep
