#include <set>
#include <string>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "lockstep/v1/resources.pb.h"

#include "common/base/file.h"
#include "hub/fleet/parse.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

constexpr char kPage[] = "docs/resources.md";

std::string Page() { return ReadFile(kPage).value_or(""); }

std::vector<ResourceFile> Examples() {
  std::vector<ResourceFile> examples;
  bool inside = false;
  int line_number = 0;
  for (const absl::string_view line : absl::StrSplit(Page(), '\n')) {
    ++line_number;
    if (line == "```yaml") {
      examples.push_back({absl::StrCat(kPage, ":", line_number), ""});
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      absl::StrAppend(&examples.back().content, line, "\n");
    }
  }
  return examples;
}

TEST(ResourcesPage, ShowsAnExampleOfEveryKindThatCanBeApplied) {
  const ParsedResources parsed = ParseResources(Examples());
  ASSERT_OK(parsed.status());
  std::set<ResourceKind> kinds;
  for (const ParsedResource& one : parsed.resources) kinds.insert(KeyOf(one.resource).kind);
  EXPECT_EQ(kinds.size(), std::size(kResourceKinds));
}

TEST(ResourcesPage, NamesEveryFieldOfEverySpec) {
  const std::string page = Page();
  for (const google::protobuf::Descriptor* type :
       {v1::GitRepositorySpec::descriptor(), v1::ApplicationSpec::descriptor(),
        v1::ClusterSpec::descriptor(), v1::GitRef::descriptor(), v1::Placement::descriptor(),
        v1::LabelSelector::descriptor()}) {
    for (int i = 0; i < type->field_count(); ++i) {
      EXPECT_THAT(page, testing::HasSubstr(type->field(i)->json_name())) << type->full_name();
    }
  }
}

}  // namespace
}  // namespace lockstep
