#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/bundle/manifest.h"
#include "common/object/object_key.h"
#include "common/render/map_snapshot.h"
#include "hub/loop/ports.h"

namespace lockstep::sim {

/// One folder of a repository, as people think of it.
struct Folder {
  std::map<ObjectKey, std::string> objects;  // Key → text.
  bool broken = false;                       // A file in it is no YAML.
};

using Tree = std::map<std::string, Folder>;  // By path.

/// A repository: commits, each a tree, and a branch that goes from one to the next, or to another
/// history. What rendering makes of them is known here without a renderer: that is what the oracle
/// compares with.
class GitModel : public SnapshotProvider {
 public:
  /// Commits of repositories with different numbers have different ids.
  explicit GitModel(int number) : number_(number) {}

  /// The folder's object with this text, in canonical JSON: the blob.
  static std::string Blob(const ObjectKey& key, const std::string& text);

  struct Expected {
    enum class Kind : uint8_t { kObjects, kError, kMissing, kUnknown };
    Kind kind = Kind::kMissing;
    ManifestPtr manifest = EmptyManifest();
  };

  /// What the next commit holds; changed in place.
  Tree tree;

  void Commit();
  /// Forces the branch to a commit that it was at before, or to a new one beside it, and `tree` to
  /// what that holds.
  void Rewrite(Rng* rng);
  const std::string& head() const { return heads_.back(); }
  /// Where the branch was, one after another.
  const std::vector<std::string>& heads() const { return heads_; }
  /// Where the branch is or was.
  const std::string& SomeHead(Rng* rng) const { return heads_[rng->Below(heads_.size())]; }
  bool Knows(const std::string& commit) const { return commits_.contains(commit); }
  /// Whether `commit` has `ancestor` in its history, or is it.
  bool Descends(std::string commit, const std::string& ancestor) const;
  /// The first time, from the `from`-th head on, that the branch was at `commit`.
  std::optional<size_t> WasHead(const std::string& commit, size_t from) const;
  /// What `path` renders to at `commit`.
  const Expected& Expect(const std::string& commit, const std::string& path);
  absl::StatusOr<std::shared_ptr<const Snapshot>> Open(const NamespacedName& repository,
                                                       absl::string_view commit) override;

 private:
  struct Stored {
    Tree tree;
    std::string parent;
  };
  void Add(const std::string& parent);

  const int number_;
  std::vector<std::string> heads_;  // Where the branch was, one after another.
  std::map<std::string, Stored> commits_;
  std::map<std::string, Expected> expected_;  // By commit and path.
  std::shared_ptr<const Snapshot> opened_;    // The last one.
};

}  // namespace lockstep::sim
