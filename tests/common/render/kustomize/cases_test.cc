// Builds the conformance cases: see ../shared/corpus/kustomize/README.md.

#include <filesystem>
#include <vector>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include "common/object/json.h"
#include "tests/common/render/kustomize/build_fixture.h"
#include "tests/common/render/kustomize/corpus.h"
#include "tests/testing/status.h"

namespace lockstep::kustomize {
namespace {

namespace fs = std::filesystem;

BuildOptions OptionsOf(const Value& info) {
  BuildOptions options;
  const Value::Array& flags = info.Find("flags")->AsArray();
  for (size_t i = 0; i < flags.size(); ++i) {
    const std::string& flag = flags[i].AsString();
    const std::string value = i + 1 < flags.size() ? flags[i + 1].AsString() : "";
    if (flag == "--reorder" && value == "none") options.reorder = BuildOptions::Reorder::kNone;
    if (flag == "--load-restrictor" && value == "LoadRestrictionsNone") {
      options.load_restrictor = BuildOptions::LoadRestrictor::kNone;
    }
    if (flag == "--enable-managedby-label") options.managed_by_label = true;
  }
  return options;
}

// The label names the program that built.
std::string WithoutVersion(std::string text) {
  RE2::GlobalReplace(&text, R"((app\.kubernetes\.io/managed-by: ["']?kustomize-)[^\s"']+)", "\\1");
  return text;
}

// What is wrong with one case, or "".
std::string Judge(const fs::path& folder) {
  const absl::StatusOr<Value> info = ReadJson(ReadText(folder / "case.json"), "case.json");
  if (!info.ok()) return std::string(info.status().message());
  MapSnapshot snapshot(TestCommit());
  AddFolder(folder, &snapshot);
  FileCache cache;
  const absl::StatusOr<BuildResult> built =
      Build(snapshot, info->StringAt("root"), OptionsOf(*info), &cache);
  if (info->StringAt("expect") == "error") return built.ok() ? "built, but has to fail" : "";
  if (!built.ok()) return std::string(built.status().message());
  const std::string text = WriteResources(built->resources).value();
  const std::string want = ReadText(folder / "expected.yaml");
  return WithoutVersion(text) == WithoutVersion(want) ? "" : absl::StrCat("prints\n", text);
}

TEST(KustomizeCases, PrintWhatKustomizePrintsByteForByte) {
  if (!fs::exists(kCases)) GTEST_SKIP() << kCases << " is not here";
  size_t cases = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kCases)) {
    if (entry.path().filename() != "case.json") continue;
    ++cases;
    const fs::path folder = entry.path().parent_path();
    EXPECT_EQ(Judge(folder), "") << folder;
  }
  EXPECT_GE(cases, 465U);
}

}  // namespace
}  // namespace lockstep::kustomize
