#include <set>
#include <string>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
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

std::vector<std::string> Pages() {
  std::vector<std::string> pages = {"README.md"};
  for (const std::string& file : ListDirectory("docs").value_or(std::vector<std::string>())) {
    if (absl::EndsWith(file, ".md")) pages.push_back(absl::StrCat("docs/", file));
  }
  return pages;
}

// The blocks of code of a page, between fences or indented, that hold resources.
std::vector<ResourceFile> Examples(const std::string& page) {
  std::vector<ResourceFile> blocks;
  bool fenced = false;
  bool inside = false;
  int line_number = 0;
  const std::string text = ReadFile(page).value_or("");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    if (absl::StartsWith(line, "```")) {
      fenced = !fenced;
      inside = false;
      continue;
    }
    const bool indented = !fenced && absl::ConsumePrefix(&line, "    ");
    if (!fenced && !indented) {
      inside = inside && line.empty();  // A blank line does not end an indented block.
      continue;
    }
    if (!inside) blocks.push_back({absl::StrCat(page, ":", line_number), ""});
    inside = true;
    absl::StrAppend(&blocks.back().content, line, "\n");
  }
  std::erase_if(blocks, [](const ResourceFile& block) {
    return !absl::StartsWith(block.content, "apiVersion: lockstep.dev/v1\n");
  });
  return blocks;
}

TEST(ResourcesPage, ShowsAnExampleOfEveryKindThatCanBeApplied) {
  const ParsedResources parsed = ParseResources(Examples(kPage));
  ASSERT_OK(parsed.status());
  std::set<ResourceKind> kinds;
  for (const ParsedResource& one : parsed.resources) kinds.insert(KeyOf(one.resource).kind);
  EXPECT_EQ(kinds.size(), std::size(kResourceKinds));
}

TEST(Pages, ShowOnlyResourcesThatCanBeApplied) {
  std::set<std::string> with_examples;
  for (const std::string& page : Pages()) {
    // Each block by itself: pages use the same names.
    for (const ResourceFile& example : Examples(page)) {
      const ParsedResources parsed = ParseResources({example});
      EXPECT_OK(parsed.status()) << page;
      EXPECT_FALSE(parsed.resources.empty()) << example.name;
      with_examples.insert(page);
    }
  }
  EXPECT_THAT(with_examples, testing::IsSupersetOf({"README.md", "docs/git.md", "docs/placement.md",
                                                    "docs/resources.md"}));
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
