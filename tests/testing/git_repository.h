#pragma once

#include <map>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>

namespace lockstep {

/// A repository made with the git program in a temporary directory, for tests: `work` (the tree)
/// and `bare` beside it, to which each Commit pushes. Aborts the test program where git fails.
class TestRepository {
 public:
  TestRepository();
  ~TestRepository();
  TestRepository(const TestRepository&) = delete;
  TestRepository& operator=(const TestRepository&) = delete;

  /// Writes `files` (path → content), removes `removed`, commits to the current branch, pushes;
  /// returns the commit's id.
  std::string Commit(const std::map<std::string, std::string>& files,
                     const std::vector<std::string>& removed = {});

  /// Runs git in the working tree with a private configuration and returns what it prints, without
  /// the last newline.
  std::string Git(const std::vector<std::string>& arguments, const std::string& input = "") const;

  /// The directory that holds `bare` as "fleet.git"; a server's root.
  const std::string& root() const { return root_; }
  std::string bare() const { return root_ + "/fleet.git"; }
  std::string work() const { return root_ + "/work"; }
  /// file:///…/fleet.git
  std::string FileUrl() const { return "file://" + bare(); }

 private:
  const std::string root_;
};

}  // namespace lockstep
