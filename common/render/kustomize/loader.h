#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/render/kustomize/decode.h"
#include "common/render/kustomize/resource_file.h"
#include "common/render/kustomize/session.h"

namespace lockstep::kustomize {

/// The folder of one kustomization, and what may be read from there.
class Loader {
 public:
  /// `session` and `parent` (null for the folder that is built) are borrowed and outlive this.
  Loader(Session* session, std::string root, const Loader* parent)
      : session_(*session), root_(std::move(root)), parent_(parent) {}

  /// The folder's path in the snapshot.
  const std::string& root() const { return root_; }
  Session& session() const { return session_; }

  /// The path in the snapshot of what a kustomization calls `path`.
  ///
  /// INVALID_ARGUMENT where it leads out of the snapshot, or, unless the restriction is lifted, out
  /// of this folder.
  absl::StatusOr<std::string> Resolve(absl::string_view path) const;

  /// The bytes of a file. Errors begin with where `path` stands.
  absl::StatusOr<std::shared_ptr<const std::string>> Read(const Text& path) const;

  /// The objects of a file.
  absl::StatusOr<std::shared_ptr<const FileCache::Documents>> ReadObjects(const Text& path,
                                                                          FileKind kind) const;

  /// The one document of a configuration file, decoded as kustomize decodes those. Null where it is
  /// empty.
  absl::StatusOr<std::shared_ptr<const FileCache::Documents>> ReadConfiguration(
      const Text& path) const;

  /// The kustomization file in this folder and its document. `from` is where the folder is named,
  /// line 0 for the one that is built.
  struct KustomizationFile {
    std::string path;
    std::shared_ptr<const FileCache::Documents> documents;
  };
  absl::StatusOr<KustomizationFile> ReadKustomization(Place from) const;

  /// Whether `path` names a file (for what may name a file or a folder).
  bool IsFile(absl::string_view path) const;

  /// The folder `path` for a sub-build. Errors: FAILED_PRECONDITION where it is a repository that
  /// is needed; INVALID_ARGUMENT for none, one above or the same as any on the way here.
  absl::StatusOr<std::unique_ptr<Loader>> Enter(const Text& path) const;

 private:
  absl::Status Missing(const Text& path, absl::string_view resolved,
                       const absl::Status& status) const;
  absl::StatusOr<std::shared_ptr<const FileCache::Documents>> ReadDocuments(
      const Text& path, absl::string_view how,
      absl::FunctionRef<FileCache::Documents(const std::string& content, const std::string& file,
                                             uint32_t line_base)>
          read) const;
  size_t Depth() const { return parent_ == nullptr ? 1 : parent_->Depth() + 1; }

  Session& session_;
  const std::string root_;
  const Loader* const parent_;
};

/// `path` after `folder`, "." and ".." taken away; nothing where it leads above the snapshot's
/// root.
absl::StatusOr<std::string> JoinPath(absl::string_view folder, absl::string_view path);

}  // namespace lockstep::kustomize
