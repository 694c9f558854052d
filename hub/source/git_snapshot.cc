#include "hub/source/git_snapshot.h"

#include <algorithm>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"
#include "common/text/utf8.h"
#include "hub/remote/git_url.h"

namespace lockstep {
namespace {

constexpr size_t kPathBytesMax = 4096;
constexpr size_t kPathPartsMax = 64;
constexpr size_t kListedMax = 20'000;  // Entries that are remembered, over all directories.

// Code points that HFS+ leaves out when it compares names: U+200C-200F, U+202A-202E, U+206A-206F,
// U+FEFF.
bool IsIgnorable(absl::string_view three) {
  if (three == "\xef\xbb\xbf") return true;
  if (three.substr(0, 2) == "\xe2\x80") {
    const auto last = static_cast<unsigned char>(three[2]);
    return (last >= 0x8c && last <= 0x8f) || (last >= 0xaa && last <= 0xae);
  }
  if (three.substr(0, 2) == "\xe2\x81") {
    const auto last = static_cast<unsigned char>(three[2]);
    return last >= 0xaa && last <= 0xaf;
  }
  return false;
}

// Whether some file system takes `name` for ".git". Nothing is ever checked out here;
// whoever names an entry so means harm to a reader further down.
bool IsDotGit(absl::string_view name) {
  std::string folded;
  for (size_t i = 0; i < name.size(); ++i) {
    if (i + 2 < name.size() && IsIgnorable(name.substr(i, 3))) {
      i += 2;
    } else if (name[i] == ':') {
      break;  // NTFS: a stream of the file before the colon.
    } else {
      folded.push_back(absl::ascii_tolower(name[i]));
    }
  }
  absl::string_view rest = folded;
  while (absl::ConsumeSuffix(&rest, ".") || absl::ConsumeSuffix(&rest, " ")) {
  }
  return rest == ".git" || rest == "git~1";
}

bool IsHonestName(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." && !IsDotGit(name) && IsUtf8(name) &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return absl::ascii_iscntrl(c) || c == '/'; });
}

absl::Status CheckPath(absl::string_view path) {
  if (path.empty()) return absl::OkStatus();
  const auto refuse = [path](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("the path \"",
                                                   EscapeControl(path.substr(0, 200)), "\" ", why,
                                                   "; write it relative to the repository's root"));
  };
  if (path.size() > kPathBytesMax)
    return refuse(absl::StrCat("is over ", kPathBytesMax, " bytes long"));
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  if (parts.size() > kPathPartsMax)
    return refuse(absl::StrCat("has over ", kPathPartsMax, " parts"));
  for (const absl::string_view part : parts) {
    if (part.empty()) return refuse("has an empty part");
    if (part == "." || part == "..") return refuse("holds \".\" or \"..\"");
    if (absl::StrContains(part, '\\')) return refuse("holds a backslash");
    if (!IsHonestName(part)) return refuse("holds a control character, or a spelling of \".git\"");
  }
  return absl::OkStatus();
}

Snapshot::Kind KindOf(const git_tree_entry* entry) {
  switch (git_tree_entry_filemode_raw(entry)) {
    case GIT_FILEMODE_TREE:
      return Snapshot::Kind::kDirectory;
    case GIT_FILEMODE_LINK:
      return Snapshot::Kind::kSymlink;
    case GIT_FILEMODE_COMMIT:
      return Snapshot::Kind::kSubmodule;
    default:
      return Snapshot::Kind::kFile;
  }
}

std::string RawId(const git_oid& id) {
  return std::string(reinterpret_cast<const char*>(id.id), sizeof id.id);
}

git_oid FromRaw(const std::string& raw) {
  git_oid id;
  git_oid_fromraw(&id, reinterpret_cast<const unsigned char*>(raw.data()));
  return id;
}

Snapshot::Entry EntryOf(const git_tree_entry* entry) {
  return {.name = git_tree_entry_name(entry),
          .kind = KindOf(entry),
          .id = RawId(*git_tree_entry_id(entry))};
}

absl::Status NotHeld() { return absl::NotFoundError("the commit does not hold it"); }

absl::StatusOr<OdbHandle> OdbOf(git_repository* repository) {
  git_odb* odb = nullptr;
  if (const int code = git_repository_odb(&odb, repository); code != 0)
    return GitError(code, "opening the objects");
  return OdbHandle(odb);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const GitSnapshot>> GitSnapshot::Open(
    std::shared_ptr<const RepositoryPool> pool, absl::string_view commit,
    int64_t object_bytes_max) {
  LOCKSTEP_ASSIGN_OR_RETURN(const git_oid id, ParseOid(commit));
  LOCKSTEP_ASSIGN_OR_RETURN(const RepositoryPool::Lease lease, pool->Take());
  git_commit* raw = nullptr;
  if (const int code = git_commit_lookup(&raw, lease.get(), &id); code != 0) {
    return GitError(code, absl::StrCat("reading commit ", commit));
  }
  const CommitHandle handle(raw);
  return std::shared_ptr<const GitSnapshot>(new GitSnapshot(
      std::move(pool), std::string(commit), *git_commit_tree_id(raw), object_bytes_max));
}

absl::Status GitSnapshot::At(const absl::Status& status, absl::string_view path) const {
  return Annotate(status, absl::StrCat("reading \"", EscapeControl(path.substr(0, 200)), "\" at ",
                                       commit_.substr(0, 7)));
}

absl::Status GitSnapshot::Damaged(int code, const git_oid& id) const {
  pool_->ReportDamage();
  const absl::Status why =
      GitError(code, absl::StrCat("object ", OidText(id), " of the mirror is lacking or damaged"));
  return absl::DataLossError(
      absl::StrCat(why.message(), "; the next fetch has the mirror made anew"));
}

absl::StatusOr<uint64_t> GitSnapshot::SizeOf(git_odb* odb, const git_oid& id,
                                             git_object_t want) const {
  size_t bytes = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (const int code = git_odb_read_header(&bytes, &type, odb, &id); code != 0)
    return Damaged(code, id);
  if (type != want) {
    return absl::DataLossError(
        absl::StrCat("object ", OidText(id), " is not of the type its directory says"));
  }
  if (bytes > static_cast<uint64_t>(object_bytes_max_)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("it has ", bytes, " bytes; one object may have ", object_bytes_max_,
                     " (--fetch-object-bytes-max)"));
  }
  return bytes;
}

absl::StatusOr<TreeHandle> GitSnapshot::ReadTree(git_repository* repository,
                                                 const git_oid& id) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const OdbHandle odb, OdbOf(repository));
  LOCKSTEP_RETURN_IF_ERROR(SizeOf(odb.get(), id, GIT_OBJECT_TREE).status());
  git_tree* tree = nullptr;
  if (const int code = git_tree_lookup(&tree, repository, &id); code != 0) return Damaged(code, id);
  return TreeHandle(tree);
}

absl::StatusOr<Snapshot::Entry> GitSnapshot::FindIn(git_repository* repository,
                                                    absl::string_view path) const {
  LOCKSTEP_RETURN_IF_ERROR(CheckPath(path));
  Entry found{.name = "", .kind = Kind::kDirectory, .id = RawId(tree_)};
  if (path.empty()) return found;
  if (auto listed = FindListed(path)) return *std::move(listed);
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    const git_tree_entry* entry = nullptr;
    TreeHandle tree;
    if (found.kind == Kind::kDirectory) {
      LOCKSTEP_ASSIGN_OR_RETURN(tree, ReadTree(repository, FromRaw(found.id)));
      entry = git_tree_entry_byname(tree.get(), std::string(part).c_str());
    }
    if (entry == nullptr) return NotHeld();
    found = EntryOf(entry);
  }
  return found;
}

std::optional<absl::StatusOr<Snapshot::Entry>> GitSnapshot::FindListed(
    absl::string_view path) const {
  const size_t slash = path.rfind('/');
  const bool at_root = slash == absl::string_view::npos;
  const absl::string_view name = at_root ? path : path.substr(slash + 1);
  MutexLock lock(&mutex_);
  const auto directory = listed_.find(at_root ? "" : path.substr(0, slash));
  if (directory == listed_.end()) return std::nullopt;
  const std::vector<Entry>& entries = directory->second;
  const auto found = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const Entry& entry, absl::string_view wanted) { return entry.name < wanted; });
  if (found == entries.end() || found->name != name) return NotHeld();
  return *found;
}

void GitSnapshot::KeepListed(absl::string_view path, const std::vector<Entry>& entries) const {
  MutexLock lock(&mutex_);
  if (listed_entries_ + entries.size() > kListedMax) {
    listed_.clear();
    listed_entries_ = 0;
  }
  if (entries.size() > kListedMax) return;
  if (listed_.emplace(path, entries).second) listed_entries_ += entries.size();
}

absl::StatusOr<Snapshot::Entry> GitSnapshot::Find(absl::string_view path) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const RepositoryPool::Lease lease, pool_->Take());
  absl::StatusOr<Entry> found = FindIn(lease.get(), path);
  if (!found.ok()) return At(found.status(), path);
  return found;
}

absl::StatusOr<std::vector<Snapshot::Entry>> GitSnapshot::List(absl::string_view path,
                                                               size_t entries_max) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const RepositoryPool::Lease lease, pool_->Take());
  const absl::StatusOr<Entry> directory = FindIn(lease.get(), path);
  if (!directory.ok()) return At(directory.status(), path);
  if (directory->kind != Kind::kDirectory)
    return At(absl::FailedPreconditionError("it is no directory"), path);
  const absl::StatusOr<TreeHandle> tree = ReadTree(lease.get(), FromRaw(directory->id));
  if (!tree.ok()) return At(tree.status(), path);
  const size_t count = git_tree_entrycount(tree->get());
  if (count > entries_max) {
    return At(absl::ResourceExhaustedError(
                  absl::StrCat("it has ", count, " entries; ", entries_max, " are read")),
              path);
  }
  std::vector<Entry> entries;
  entries.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    entries.push_back(EntryOf(git_tree_entry_byindex(tree->get(), i)));
    if (!IsHonestName(entries.back().name)) {
      return At(absl::FailedPreconditionError(absl::StrCat(
                    "its entry \"", absl::CHexEscape(entries.back().name),
                    "\" has a control character, is not UTF-8 or spells \".git\"; rename it")),
                path);
    }
  }
  // Git sorts a directory as if its name ended in '/'.
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  KeepListed(path, entries);
  return entries;
}

absl::StatusOr<std::shared_ptr<const std::string>> GitSnapshot::ReadFile(absl::string_view path,
                                                                         uint64_t bytes_max) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const RepositoryPool::Lease lease, pool_->Take());
  LOCKSTEP_ASSIGN_OR_RETURN(const OdbHandle odb, OdbOf(lease.get()));
  absl::StatusOr<Entry> entry = FindIn(lease.get(), path);
  if (!entry.ok()) return At(entry.status(), path);
  if (entry->kind != Kind::kFile) return At(absl::FailedPreconditionError("it is no file"), path);
  const git_oid id = FromRaw(entry->id);
  const absl::StatusOr<uint64_t> bytes = SizeOf(odb.get(), id, GIT_OBJECT_BLOB);
  if (!bytes.ok()) return At(bytes.status(), path);
  if (*bytes > bytes_max) {
    return At(absl::ResourceExhaustedError(
                  absl::StrCat("it has ", *bytes, " bytes; ", bytes_max, " are read")),
              path);
  }
  git_odb_object* raw = nullptr;
  if (const int code = git_odb_read(&raw, odb.get(), &id); code != 0)
    return At(Damaged(code, id), path);
  const OdbObjectHandle object(raw);
  return std::make_shared<const std::string>(static_cast<const char*>(git_odb_object_data(raw)),
                                             git_odb_object_size(raw));
}

}  // namespace lockstep
