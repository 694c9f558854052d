#include "hub/source/mirror_objects.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr int kTreeDepthMax = 128;

absl::Status Lacking(const git_oid& id, absl::string_view in) {
  return absl::DataLossError(absl::StrCat("the server left out object ", OidText(id), " of ", in,
                                          "; repair the repository there (git fsck --full)"));
}

TreeHandle LookupTree(git_repository* repository, const git_oid& id) {
  git_tree* tree = nullptr;
  git_tree_lookup(&tree, repository, &id);
  return TreeHandle(tree);
}

// Walks `id`, leaving out what `known` (may be null) has at the same place.
absl::Status CheckTree(git_repository* repository, git_odb* odb, const git_oid& id, git_tree* known,
                       int depth, absl::string_view commit) {
  if (depth > kTreeDepthMax) {
    return absl::ResourceExhaustedError(absl::StrCat("the directories of commit ", commit,
                                                     " are more than ", kTreeDepthMax, " deep"));
  }
  const TreeHandle tree = LookupTree(repository, id);
  if (tree == nullptr) return Lacking(id, absl::StrCat("commit ", commit));
  const size_t count = git_tree_entrycount(tree.get());
  for (size_t i = 0; i < count; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
    const git_oid& child = *git_tree_entry_id(entry);
    const git_tree_entry* old =
        known == nullptr ? nullptr : git_tree_entry_byname(known, git_tree_entry_name(entry));
    if (old != nullptr && git_oid_equal(git_tree_entry_id(old), &child)) continue;
    const git_filemode_t mode = git_tree_entry_filemode_raw(entry);
    if (mode == GIT_FILEMODE_COMMIT) continue;  // A submodule: never fetched.
    if (mode != GIT_FILEMODE_TREE) {
      if (git_odb_exists(odb, &child) == 0) return Lacking(child, absl::StrCat("commit ", commit));
      continue;
    }
    const bool both = old != nullptr && git_tree_entry_filemode_raw(old) == GIT_FILEMODE_TREE;
    const TreeHandle known_child = both ? LookupTree(repository, *git_tree_entry_id(old)) : nullptr;
    LOCKSTEP_RETURN_IF_ERROR(
        CheckTree(repository, odb, child, known_child.get(), depth + 1, commit));
  }
  return absl::OkStatus();
}

absl::StatusOr<CommitHandle> LookupCommit(git_repository* repository, const std::string& id) {
  LOCKSTEP_ASSIGN_OR_RETURN(const git_oid oid, ParseOid(id));
  git_commit* commit = nullptr;
  if (git_commit_lookup(&commit, repository, &oid) != 0) return Lacking(oid, "the branch");
  return CommitHandle(commit);
}

// Removes the refs that stand in the way of `name` in the directory of loose refs.
void RemoveConflicting(git_repository* repository, const std::string& name) {
  for (size_t slash = name.rfind('/'); slash != std::string::npos && slash > 5;
       slash = name.rfind('/', slash - 1)) {
    git_reference_remove(repository, name.substr(0, slash).c_str());
  }
  git_reference_iterator* iterator = nullptr;
  if (git_reference_iterator_glob_new(&iterator, repository, absl::StrCat(name, "/*").c_str()) != 0)
    return;
  std::vector<std::string> below;
  const char* found = nullptr;
  while (git_reference_next_name(&found, iterator) == 0) below.emplace_back(found);
  git_reference_iterator_free(iterator);
  for (const std::string& ref : below) git_reference_remove(repository, ref.c_str());
}

}  // namespace

std::string PinName(absl::string_view commit) {
  return absl::StrCat("refs/lockstep/commits/", commit);
}

bool HasObject(git_repository* repository, const git_oid& id) {
  git_odb* odb = nullptr;
  if (git_repository_odb(&odb, repository) != 0) return false;
  const OdbHandle handle(odb);
  return git_odb_exists(odb, &id) != 0;
}

std::string RefTarget(git_repository* repository, const std::string& name) {
  git_oid id;
  return git_reference_name_to_id(&id, repository, name.c_str()) == 0 ? OidText(id) : "";
}

absl::Status CheckRefs(git_repository* repository) {
  git_reference_iterator* iterator = nullptr;
  if (const int code = git_reference_iterator_new(&iterator, repository); code != 0) {
    return absl::DataLossError(GitError(code, "reading the mirror's refs").message());
  }
  absl::Status status;
  git_reference* reference = nullptr;
  while (status.ok() && git_reference_next(&reference, iterator) == 0) {
    const ReferenceHandle handle(reference);
    const git_oid* id = git_reference_target(reference);
    if (id == nullptr || HasObject(repository, *id)) continue;
    status =
        absl::DataLossError(absl::StrCat("the mirror lacks object ", OidText(*id), ", which its ",
                                         git_reference_name(reference), " names"));
  }
  git_reference_iterator_free(iterator);
  return status;
}

absl::Status WriteRef(git_repository* repository, const std::string& name,
                      const std::string& target) {
  LOCKSTEP_ASSIGN_OR_RETURN(const git_oid id, ParseOid(target));
  int code = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    git_reference* reference = nullptr;
    code = git_reference_create(&reference, repository, name.c_str(), &id, 1, nullptr);
    const ReferenceHandle handle(reference);
    if (code == 0) return absl::OkStatus();
    RemoveConflicting(repository, name);
  }
  return GitError(code, absl::StrCat("writing ", name, " of the mirror"));
}

absl::StatusOr<std::string> PeelToCommit(git_repository* repository, const std::string& id) {
  LOCKSTEP_ASSIGN_OR_RETURN(const git_oid oid, ParseOid(id));
  git_object* object = nullptr;
  if (git_object_lookup(&object, repository, &oid, GIT_OBJECT_ANY) != 0)
    return Lacking(oid, "the branch or tag");
  const ObjectHandle handle(object);
  git_object* peeled = nullptr;
  const int code = git_object_peel(&peeled, object, GIT_OBJECT_COMMIT);
  const ObjectHandle commit(peeled);
  if (code == GIT_ENOTFOUND) return Lacking(oid, "the tag");
  if (code != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the ref names no commit but object ", id, " of another kind"));
  }
  return OidText(*git_object_id(peeled));
}

absl::StatusOr<bool> IsReachable(git_repository* repository, const std::string& commit,
                                 const std::vector<std::string>& heads) {
  LOCKSTEP_ASSIGN_OR_RETURN(const git_oid id, ParseOid(commit));
  if (!HasObject(repository, id) || heads.empty()) return false;
  std::vector<git_oid> ids;
  for (const std::string& head : heads) {
    LOCKSTEP_ASSIGN_OR_RETURN(ids.emplace_back(), ParseOid(head));
    if (git_oid_equal(&ids.back(), &id)) return true;
  }
  const int code = git_graph_reachable_from_any(repository, &id, ids.data(), ids.size());
  if (code < 0) {
    const absl::Status why =
        GitError(code, absl::StrCat("looking for commit ", commit, " in the history"));
    return absl::DataLossError(why.message());
  }
  return code == 1;
}

absl::Status CheckWhole(git_repository* repository, const std::string& commit,
                        const std::string& known) {
  LOCKSTEP_ASSIGN_OR_RETURN(const CommitHandle head, LookupCommit(repository, commit));
  TreeHandle known_tree;
  if (!known.empty()) {
    if (absl::StatusOr<CommitHandle> old = LookupCommit(repository, known); old.ok()) {
      known_tree = LookupTree(repository, *git_commit_tree_id(old->get()));
    }
  }
  git_odb* odb = nullptr;
  if (const int code = git_repository_odb(&odb, repository); code != 0)
    return GitError(code, "opening the objects");
  const OdbHandle handle(odb);
  return CheckTree(repository, odb, *git_commit_tree_id(head.get()), known_tree.get(), 0, commit);
}

}  // namespace lockstep
