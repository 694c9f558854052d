#include "hub/cli/held_lists.h"

#include <sstream>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

void Add(const std::string& cluster, const std::string& digest, int count,
         std::vector<std::string> objects, HeldListMessages* lists) {
  v1::HeldList* list = lists->Add();
  list->set_cluster(cluster);
  list->set_digest(digest);
  list->set_object_count(count);
  for (std::string& object : objects) list->add_objects(std::move(object));
}

TEST(HeldLists, EqualOnesAreShownTogether) {
  HeldListMessages lists;
  Add("eu-1", "a", 2, {"ConfigMap shop/x", "ConfigMap shop/y\x1b"}, &lists);
  Add("eu-2", "b", 1, {"ConfigMap shop/z"}, &lists);
  Add("eu-3", "a", 2, {}, &lists);
  std::ostringstream out;
  ASSERT_OK_AND_ASSIGN(const int64_t objects, PrintHeldLists(out, lists));
  EXPECT_EQ(objects, 5);
  EXPECT_EQ(out.str(),
            "eu-1, eu-3:\n"
            "  ConfigMap shop/x\n"
            "  ConfigMap shop/y\\x1b\n"
            "eu-2:\n"
            "  ConfigMap shop/z\n");
}

TEST(HeldLists, AFleetIsNotNamedClusterByCluster) {
  HeldListMessages lists;
  for (int i = 0; i < 10'000; ++i)
    Add(absl::StrCat("c-", i), "a", 1, {i == 0 ? "ConfigMap shop/x" : ""}, &lists);
  std::ostringstream out;
  ASSERT_OK_AND_ASSIGN(const int64_t objects, PrintHeldLists(out, lists));
  EXPECT_EQ(objects, 10'000);
  EXPECT_THAT(out.str(), HasSubstr("c-19 and 9980 more clusters:"));
}

TEST(HeldLists, G1WhatWasNotShownIsNotApproved) {
  HeldListMessages lists;
  Add("eu-1", "a", 1, {"ConfigMap shop/x"}, &lists);
  Add("eu-2", "b", 1, {}, &lists);
  std::ostringstream out;
  EXPECT_THAT(PrintHeldLists(out, lists).status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("--cluster")));
  EXPECT_EQ(out.str(), "");
}

TEST(HeldLists, ARequestNamesThemByTheirDigests) {
  HeldListMessages lists;
  Add("eu-1", "a", 1, {"ConfigMap shop/x"}, &lists);
  const HeldListMessages named = NameHeldLists(lists);
  ASSERT_EQ(named.size(), 1);
  EXPECT_EQ(named[0].cluster(), "eu-1");
  EXPECT_EQ(named[0].digest(), "a");
  EXPECT_EQ(named[0].objects_size(), 0);
}

}  // namespace
}  // namespace lockstep
