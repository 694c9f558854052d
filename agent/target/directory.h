#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "agent/target/directory_watch.h"
#include "agent/target/object_path.h"
#include "agent/target/target.h"
#include "common/base/file.h"
#include "common/base/mutex.h"

namespace lockstep {

/// One YAML file per object below a root directory: for machines without Kubernetes, for trying
/// Lockstep and for tests. docs/agent.md "The directory target" says what lies where.
///
/// A file is replaced whole: temporary name, fdatasync, rename. A batch is written by a few threads
/// and each directory is synced once per batch. No link is followed below the root: folders are
/// opened one by one from the root's descriptor. Nothing is written below a root that does not
/// carry this target's marker: it is another one (FAULTS F-56). A file counts as changed when its
/// parsed value differs or it cannot be read; another layout of the same value is left alone.
class DirectoryTarget : public Target {
 public:
  struct Options {
    std::string root;
    int writers = 4;  // Threads of one batch, at most; they end with it.
  };

  /// Makes the root if it is not there, takes its lock and removes temporary files that a killed
  /// agent left. A root that was used before and cannot be written to now opens as well: what fails
  /// is told of every object. FAILED_PRECONDITION if another agent has the directory.
  static absl::StatusOr<std::unique_ptr<DirectoryTarget>> Open(Options options);
  ~DirectoryTarget() override { Stop(); }

  TargetKind kind() const override { return TargetKind::kDirectory; }
  Capabilities capabilities() const override { return {}; }
  absl::StatusOr<std::string> Uid() override { return uid_; }
  std::vector<absl::StatusOr<ObjectKey>> Settle(const ActingAs& as,
                                                const std::vector<ObjectKey>& keys,
                                                absl::string_view default_namespace) override;
  std::vector<absl::StatusOr<Observation>> Observe(const ActingAs& as,
                                                   const std::vector<LookAt>& objects,
                                                   const Cancellation& cancel) override;
  std::vector<absl::Status> Validate(const ActingAs& as, const std::vector<WantedObject>& stage,
                                     const Cancellation& cancel) override;
  std::vector<absl::StatusOr<Written>> Apply(const ActingAs& as,
                                             const std::vector<WantedObject>& objects,
                                             const Cancellation& cancel) override;
  std::vector<absl::Status> Delete(const ActingAs& as, const std::vector<DeleteRequest>& objects,
                                   const Cancellation& cancel) override;
  absl::Status Watch(const ActingAs& as, const std::vector<ObjectKey>& keys,
                     Changed changed) override;
  void Stop() override;

 private:
  // Folders that one batch has open, by their path below the root.
  using Folders = std::map<std::string, absl::StatusOr<OwnedFd>>;

  explicit DirectoryTarget(Options options) : options_(std::move(options)) {}

  absl::Status Prepare();
  // The root, as this target knows it: made again if it is gone. FAILED_PRECONDITION where another
  // target's lies in its place.
  absl::StatusOr<OwnedFd> OpenRoot() ABSL_LOCKS_EXCLUDED(root_mutex_, mutex_);
  // Opens the marker, made if it is not there, and takes the lock on it.
  absl::StatusOr<OwnedFd> LockMarker(const OwnedFd& root) const;
  absl::StatusOr<std::string> ReadMarker(const OwnedFd& root) const;
  absl::Status WriteMarker(const OwnedFd& root, const OwnedFd& marker) const;
  absl::Status CheckMarker(const OwnedFd& root) const;
  bool IsKnownRoot(const OwnedFd& root) ABSL_LOCKS_EXCLUDED(mutex_);
  // Where it is another folder than before, its files are watched from now on.
  void NoteRoot(const OwnedFd& root) ABSL_LOCKS_EXCLUDED(mutex_);
  // The folder's descriptor, opened once per batch; adds what it had to make to `made`.
  const absl::StatusOr<OwnedFd>& OpenFolder(const OwnedFd& root, const ObjectPath& path, bool make,
                                            Folders* folders, std::vector<std::string>* made);
  // The object's path, if no other object's path is the same but for upper and lower case.
  absl::StatusOr<ObjectPath> Claim(const ObjectKey& key);
  std::string Shown(const ObjectPath& path) const;

  // Fixed when open.
  const Options options_;
  std::string uid_;
  std::string temporary_prefix_;  // See TemporaryPrefixOf.
  std::unique_ptr<DirectoryWatch> watch_;

  // Held while the root is made or looked at anew. Taken before mutex_.
  Mutex root_mutex_;
  OwnedFd lock_ ABSL_GUARDED_BY(root_mutex_);

  // Guarded by mutex_.
  Mutex mutex_;
  // Lower-case path → the path that an object was given.
  std::map<std::string, std::string> claims_ ABSL_GUARDED_BY(mutex_);
  // Open, so that no other folder gets its inode.
  OwnedFd known_root_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lockstep
