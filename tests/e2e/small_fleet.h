#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <gtest/gtest.h>

#include "tests/e2e/fleet.h"
#include "tests/testing/git_repository.h"

namespace lockstep {

/// A ConfigMap in the namespace shop with one key.
std::string ConfigMap(absl::string_view name, absl::string_view value);
/// The GitRepository fleet.
std::string RepositoryManifest(absl::string_view url);
/// An Application of the GitRepository fleet, on all clusters.
std::string ApplicationManifest(absl::string_view name, absl::string_view path);

/// One hub, the cluster eu-1, and the application web: ConfigMaps one and two.
class SmallFleetTest : public ::testing::Test {
 protected:
  SmallFleetTest() : fleet_({.serve = {"--allow-source", repository_.FileUrl()}}) {}
  void SetUp() override;

  /// Commits another value of `one`, and has the hub fetch it.
  absl::Status Change(const std::string& value);
  std::string One() { return TargetFiles(fleet_.target("eu-1"))[kOne]; }
  /// Whether the agent puts back what a hand changes; what it puts there may be news.
  absl::Status EditAndWait();
  /// Until the agent of eu-1 has written `text` to its log.
  absl::Status WaitAgentSays(absl::string_view text);
  /// A copy of a directory with all that is in it, and the way back.
  static void Copy(const std::string& from, const std::string& to);

  static constexpr char kOne[] = "shop/ConfigMap/one.yaml";
  static constexpr char kTwo[] = "shop/ConfigMap/two.yaml";

  TestRepository repository_;
  Fleet fleet_;
  std::string commit_;
};

}  // namespace lockstep
