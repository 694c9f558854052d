#include "tests/testing/git_repository.h"

#include <cstdio>
#include <cstdlib>
#include <sys/stat.h>

#include <absl/strings/strip.h>

#include "common/base/file.h"
#include "tests/testing/process.h"

namespace lockstep {
namespace {

std::string TemporaryRoot() { return MakeTemporaryDirectory("lockstep-git-").value(); }

}  // namespace

TestRepository::TestRepository() : root_(TemporaryRoot()) {
  MakeDirectories(work()).IgnoreError();
  Git({"init", "--quiet", "--bare", "--initial-branch=main", bare()});
  Git({"init", "--quiet", "--initial-branch=main", "."});
  Git({"remote", "add", "origin", bare()});
}

TestRepository::~TestRepository() { RemoveTree(root_).IgnoreError(); }

std::string TestRepository::Git(const std::vector<std::string>& arguments,
                                const std::string& input) const {
  ProgramOptions options{.arguments = {"git"}, .directory = work()};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  options.environment = {{"GIT_CONFIG_GLOBAL", "/dev/null"},
                         {"GIT_CONFIG_NOSYSTEM", "1"},
                         {"GIT_AUTHOR_NAME", "Ada"},
                         {"GIT_AUTHOR_EMAIL", "ada@example.com"},
                         {"GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"},
                         {"GIT_COMMITTER_NAME", "Ada"},
                         {"GIT_COMMITTER_EMAIL", "ada@example.com"},
                         {"GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"},
                         {"LC_ALL", "C"}};
  ProgramResult result = RunProgram(options, input);
  if (result.exit_code != 0) {
    std::fprintf(stderr, "git %s: exit code %d\n", arguments[0].c_str(), result.exit_code);
    std::abort();
  }
  return std::string(absl::StripSuffix(result.output, "\n"));
}

std::string TestRepository::Commit(const std::map<std::string, std::string>& files,
                                   const std::vector<std::string>& removed) {
  for (const auto& [path, content] : files) {
    MakeDirectories(DirName(work() + "/" + path)).IgnoreError();
    if (!WriteFileAtomic(work() + "/" + path, content, Durability::kNone).ok()) std::abort();
  }
  for (const std::string& path : removed) RemoveTree(work() + "/" + path).IgnoreError();
  Git({"add", "--all", "--force", "."});
  Git({"commit", "--quiet", "--allow-empty", "--message", "change"});
  Git({"push", "--quiet", "--force", "origin", "HEAD"});
  return Git({"rev-parse", "HEAD"});
}

}  // namespace lockstep
