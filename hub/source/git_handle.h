#pragma once

#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <git2.h>

#include "common/base/free_with.h"

namespace lockstep {

using RepositoryHandle = std::unique_ptr<git_repository, FreeWith<git_repository_free>>;
using OdbHandle = std::unique_ptr<git_odb, FreeWith<git_odb_free>>;
using OdbObjectHandle = std::unique_ptr<git_odb_object, FreeWith<git_odb_object_free>>;
using ObjectHandle = std::unique_ptr<git_object, FreeWith<git_object_free>>;
using CommitHandle = std::unique_ptr<git_commit, FreeWith<git_commit_free>>;
using TreeHandle = std::unique_ptr<git_tree, FreeWith<git_tree_free>>;
using TreeEntryHandle = std::unique_ptr<git_tree_entry, FreeWith<git_tree_entry_free>>;
using ReferenceHandle = std::unique_ptr<git_reference, FreeWith<git_reference_free>>;
using RemoteHandle = std::unique_ptr<git_remote, FreeWith<git_remote_free>>;
using PackBuilderHandle = std::unique_ptr<git_packbuilder, FreeWith<git_packbuilder_free>>;

/// Starts libgit2 once for this process: no system's or user's configuration, no owner check (the
/// paths come from the operator), bounded mappings, writes synced. Takes about 10 ms (it reads the
/// system's certificates, which we do not use). Thread-safe.
void InitializeGit();

/// Starts libgit2 anew with `home` as the home directory, which it asks for only when it starts and
/// where its ssh looks for known_hosts. For a process with one thread that holds no handle.
void RestartGitAt(const std::string& home);

/// The failure of a libgit2 call that returned `code`, as "`what`: libgit2's reason".
///
/// NOT_FOUND, DATA_LOSS for what is damaged, else INTERNAL.
absl::Status GitError(int code, absl::string_view what);

/// Opens the bare repository at `path`, looking nowhere else.
absl::StatusOr<RepositoryHandle> OpenRepository(const std::string& path);

/// From 40 hex digits; INVALID_ARGUMENT otherwise.
absl::StatusOr<git_oid> ParseOid(absl::string_view hex);
/// 40 hex digits.
std::string OidText(const git_oid& id);

}  // namespace lockstep
