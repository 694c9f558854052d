#pragma once

#include <map>
#include <memory>
#include <string>

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

/// A repository: a sequence of commits, each a tree. What rendering makes of them is known here
/// without a renderer: that is what the oracle compares with.
class GitModel : public SnapshotProvider {
 public:
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
  const std::string& head() const { return head_; }
  /// What `path` renders to at `commit`.
  const Expected& Expect(const std::string& commit, const std::string& path);
  absl::StatusOr<std::shared_ptr<const Snapshot>> Open(const NamespacedName& repository,
                                                       absl::string_view commit) override;

 private:
  std::string head_;
  std::map<std::string, Tree> commits_;
  std::map<std::string, Expected> expected_;  // By commit and path.
  std::shared_ptr<const Snapshot> opened_;    // The last one.
};

}  // namespace lockstep::sim
