#pragma once

#include <memory>
#include <utility>

#include <absl/status/status.h>
#include <gtest/gtest.h>

#include "tests/testing/git_server.h"
#include "tests/testing/status.h"

namespace lockstep {

/// A GitServer `server` with these options; the test is skipped where its programs are missing.
#define START_SERVER_OR_SKIP(server, ...)                                                 \
  absl::StatusOr<std::unique_ptr<GitServer>> server##_or = GitServer::Start(__VA_ARGS__); \
  if (absl::IsUnavailable(server##_or.status())) GTEST_SKIP() << server##_or.status();    \
  ASSERT_OK(server##_or);                                                                 \
  const std::unique_ptr<GitServer> server = *std::move(server##_or)

/// The header of a list of refs, the first answer of a Git server.
constexpr char kAdvertisement[] = "Content-Type: application/x-git-upload-pack-advertisement\r\n";

}  // namespace lockstep
