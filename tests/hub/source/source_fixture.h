#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/base/file.h"
#include "hub/source/git_source.h"
#include "tests/testing/status.h"

namespace lockstep {

/// A GitSource in a temporary directory; `patterns` are its --allow-source, `server` the command
/// that serves its fetches.
class TestSource {
 public:
  explicit TestSource(std::vector<std::string> patterns, FetchLimits limits = {},
                      std::vector<std::string> server = {LOCKSTEP_TEST_FETCH_SERVER})
      : directory_(MakeTemporaryDirectory("lockstep-source-").value()),
        source_({.directory = directory_ + "/mirrors",
                 .allowed = AllowedSources::Parse(patterns).value(),
                 .limits = limits,
                 .server_command = std::move(server)}) {
    EXPECT_OK(source_.Start());
  }
  ~TestSource() {
    source_.Stop();
    EXPECT_OK(RemoveTree(directory_));
  }

  GitSource* operator->() { return &source_; }

  absl::StatusOr<FetchResult> Fetch(const std::string& url, GitRef ref = {},
                                    GitCredentials credentials = {}) {
    return source_.Fetch(
        {.url = GitUrl::Parse(url).value(),
         .ref = std::move(ref),
         .credentials_key =
             credentials.identity.empty() && credentials.password.empty() ? "" : "default/git",
         .credentials = std::move(credentials)});
  }

  /// The file `path` at what was fetched; empty where it cannot be read.
  std::string Read(const FetchResult& result, const std::string& path) {
    const absl::StatusOr<std::shared_ptr<const Snapshot>> snapshot =
        source_.Open(result.mirror, result.commit);
    EXPECT_OK(snapshot);
    if (!snapshot.ok()) return "";
    const auto content = (*snapshot)->ReadFile(path, 1 << 20);
    EXPECT_OK(content);
    return content.ok() ? **content : "";
  }

  const std::string& directory() const { return directory_; }
  /// The bare repository of a mirror that was made once.
  std::string MirrorPath(const std::string& mirror) const {
    return directory_ + "/mirrors/" + mirror + "/git0";
  }

 private:
  const std::string directory_;
  GitSource source_;
};

}  // namespace lockstep
