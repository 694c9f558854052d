#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/render/snapshot.h"

namespace lockstep {

/// A snapshot in memory: for simulation and tests.
///
/// Ids are made from content as Git's are, though not with Git's function: equal content, equal id.
/// Filled by one thread, then read by any.
class MapSnapshot : public Snapshot {
 public:
  /// `commit` is 40 hex digits.
  explicit MapSnapshot(std::string commit, const std::map<std::string, std::string>& files = {});

  /// Adds or replaces; directories appear with their first entry. `path` is a relative path of a
  /// repository.
  void AddFile(absl::string_view path, absl::string_view content);
  void AddSymlink(absl::string_view path, absl::string_view target);
  void AddSubmodule(absl::string_view path, absl::string_view id);

  const std::string& commit() const override { return commit_; }
  absl::StatusOr<Entry> Find(absl::string_view path) const override;
  absl::StatusOr<std::vector<Entry>> List(absl::string_view path,
                                          size_t entries_max) const override;
  absl::StatusOr<std::shared_ptr<const std::string>> ReadFile(absl::string_view path,
                                                              uint64_t bytes_max) const override;

 private:
  struct Node {
    Kind kind = Kind::kDirectory;
    std::shared_ptr<const std::string> content;  // Of a file or link; the id of a submodule.
    std::map<std::string, Node> children;        // Of a directory.
    std::string id;
  };

  void Add(absl::string_view path, Kind kind, absl::string_view content);
  /// Null where nothing stands there.
  const Node* Locate(absl::string_view path) const;
  static Entry ToEntry(absl::string_view name, const Node& node);
  static void ComputeId(Node& node);

  const std::string commit_;
  Node root_;
};

}  // namespace lockstep
