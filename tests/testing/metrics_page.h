#pragma once

#include <cstdio>
#include <stdlib.h>
#include <string>
#include <sys/wait.h>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "common/base/file.h"
#include "common/metrics/metrics.h"

namespace lockstep {

/// The rows of docs/metrics.md for what a registry holds.
inline std::string MetricRows(const MetricRegistry& registry) {
  std::string rows = "| Name | Type | Label | Meaning |\n|---|---|---|---|\n";
  for (const MetricDescription& each : registry.Describe()) {
    absl::StrAppend(&rows, "| `", each.name, "` | ", each.type, " | ", each.label, " | ", each.help,
                    " |\n");
  }
  return rows;
}

/// The page's section under `heading` ("## Hub") lists exactly what the registry holds.
/// LOCKSTEP_UPDATE_GOLDEN=1 rewrites it.
inline void ExpectMetricsPageLists(const MetricRegistry& registry, const std::string& heading) {
  const std::string path = "docs/metrics.md";
  absl::StatusOr<std::string> page = ReadFile(path);
  ASSERT_TRUE(page.ok()) << page.status();
  const size_t begin = page->find("| Name |", page->find(absl::StrCat(heading, "\n")));
  ASSERT_NE(begin, std::string::npos) << heading;
  const size_t end = std::min(page->find("\n\n", begin), page->size() - 1) + 1;
  const std::string rows = MetricRows(registry);
  if (getenv("LOCKSTEP_UPDATE_GOLDEN") != nullptr) {
    page->replace(begin, end - begin, rows);
    ASSERT_TRUE(WriteFileAtomic(path, *page, Durability::kNone).ok());
    return;
  }
  EXPECT_EQ(page->substr(begin, end - begin), rows) << "LOCKSTEP_UPDATE_GOLDEN=1 rewrites " << path;
}

/// Prometheus' own checker finds nothing to say about the registry's text.
inline void ExpectPromtoolIsContent(const MetricRegistry& registry) {
  if (system("command -v promtool >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "promtool is not installed (Debian package prometheus)";
  }
  const std::string path = absl::StrCat(*MakeTemporaryDirectory("lockstep-metrics-"), "/text");
  ASSERT_TRUE(WriteFileAtomic(path, registry.Text(), Durability::kNone).ok());
  FILE* const promtool =
      popen(absl::StrCat("promtool check metrics <", path, " 2>&1").c_str(), "r");
  std::string said;
  for (int c = fgetc(promtool); c != EOF; c = fgetc(promtool)) said.push_back(static_cast<char>(c));
  EXPECT_EQ(pclose(promtool), 0) << said;
  EXPECT_EQ(said, "");
  EXPECT_TRUE(RemoveTree(DirName(path)).ok());
}

}  // namespace lockstep
