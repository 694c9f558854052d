// What is stored comes back.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/core/records.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Some : Fleet {
  Some() {
    for (const char* cluster : {"eu-1", "us-1"}) AddCluster(cluster, {{"region", cluster}});
    AddRepository();
    Apply(MakeApplication("web"));
    Apply(MakeApplication("base"));
    for (const char* cluster : {"eu-1", "us-1"}) {
      content["web"][cluster] = Folder{{"a", "1"}, {"b", "1"}};
      content["base"][cluster] = Folder{{"c", "1"}};
      Connect(cluster);
    }
    Commit();
    Settle();
  }
};

// Every record of what can be stored, as the state would write it again.
std::map<std::string, std::string> Encoded(const HubState& state) {
  std::map<std::string, std::string> all;
  for (const auto& [key, resource] : state.resources)
    all[key.ToString()] = EncodeResource(resource);
  for (const auto& [name, source] : state.sources) all[name.ToString()] = EncodeSource(source);
  for (const auto& [name, cluster] : state.clusters) {
    all["enrolment " + name] = EncodeEnrolment(cluster);
    for (const auto& [application, instance] : cluster.instances) {
      all[absl::StrCat("assignment ", name, application)] = EncodeAssignment(instance);
      all[absl::StrCat("status ", name, application)] = EncodeStatus(instance);
    }
  }
  all["hub"] = EncodeHub(state);
  return all;
}

TEST(LoadState, ARestartChangesNothing) {
  Some fleet;
  fleet.content["web"]["eu-1"] = Folder{{"a", "1"}};
  fleet.content["base"]["eu-1"] = Folder{{"a", "2"}};  // A clash: it waits.
  fleet.content["base"]["us-1"] = absl::InvalidArgumentError("broken");
  fleet.Commit();
  fleet.Settle();
  ASSERT_OK(
      fleet.Do(command::Suspend{{ResourceKind::kApplication, "shop", "web"}, "why not"}).status());
  fleet.Settle();
  const auto before = Encoded(fleet.state);
  fleet.Restart();
  EXPECT_EQ(Encoded(fleet.state), before);
}

TEST(LoadState, A89DamagedRecordsArePutAsideAndTheRestIsServed) {
  Some fleet;
  const auto records = fleet.records;
  const CommitPoint at = fleet.at;
  size_t tried = 0;
  for (const auto& [place, value] : records) {
    if (place.first == Family::kEvent || place.first == Family::kRelease ||
        place.first == Family::kMeta)
      continue;
    for (const std::string& bad : {std::string("\xff\xff\xff"), std::string("\x0a\x7f"),
                                   value.substr(0, value.size() / 2)}) {
      SCOPED_TRACE(absl::StrCat(std::string(FamilyName(place.first)), " record ", ++tried));
      fleet.records = records;
      fleet.at = at;
      fleet.records[place] = bad;
      fleet.Restart();
      for (const char* cluster : {"eu-1", "us-1"}) fleet.Connect(cluster);
      fleet.Settle();
      EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
      EXPECT_THAT(fleet.Agent("us-1").deleted, IsEmpty());
    }
  }
  EXPECT_GT(tried, 30);
}

TEST(LoadState, A89AnAssignmentThatIsLostIsMadeAgainAboveItsGeneration) {
  Some fleet;
  const uint64_t generation = fleet.Find("web", "eu-1")->assignment.generation;
  fleet.records[{Family::kAssignment, std::string("\0eu-1\0shop/web\0", 15)}] = "\xff";
  fleet.Restart();
  EXPECT_THAT(fleet.state.quarantined, testing::Contains(HasSubstr("assignment/")));
  fleet.Connect("eu-1");
  fleet.content["web"]["eu-1"] = Folder{{"a", "2"}};
  fleet.Commit();
  fleet.Settle();
  EXPECT_GT(fleet.Find("web", "eu-1")->assignment.generation, generation);
  EXPECT_THAT(fleet.Agent("eu-1").applications, SizeIs(2));
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(LoadState, ANewerFormatIsRefusedWithTheProgramToUse) {
  Some fleet;
  // Field 1 (format) of the meta record: 9.
  std::string& hub = fleet.records.at({Family::kMeta, std::string("hub\0", 4)});
  hub = absl::StrCat("\x08\x09", hub.substr(2));
  HubState state;
  EXPECT_THAT(DecodeHub(hub, &state),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("format 9")));
}

}  // namespace
}  // namespace lockstep
