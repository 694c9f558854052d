#include "hub/source/local_copy.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <zlib.h>

#include <absl/strings/string_view.h>
#include <git2/sys/odb_backend.h>
#include <openssl/evp.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr int kTreeDepthMax = 128;
// All their ids are held in memory; a history of more is libgit2's.
constexpr size_t kObjectsMax = 1'000'000;
// As far as this objects are packed as they are.
constexpr uint64_t kStoredBytesMax = 4 << 20;
// libgit2 maps and unmaps the pack for each piece that it is given.
constexpr size_t kPieceBytes = 256 << 10;
constexpr size_t kObjectBytesMax = size_t{1} << 30;  // Twice that is held at a time.

struct OidLess {
  bool operator()(const git_oid& a, const git_oid& b) const { return git_oid_cmp(&a, &b) < 0; }
};

using RevwalkHandle = std::unique_ptr<git_revwalk, FreeWith<git_revwalk_free>>;

absl::StatusOr<OdbHandle> OdbOf(git_repository* repository) {
  git_odb* odb = nullptr;
  if (const int code = git_repository_odb(&odb, repository); code != 0)
    return GitError(code, "opening the objects");
  return OdbHandle(odb);
}

absl::StatusOr<CommitHandle> LookupCommit(git_repository* repository, const git_oid& id) {
  git_commit* commit = nullptr;
  if (const int code = git_commit_lookup(&commit, repository, &id); code != 0)
    return GitError(code, "reading a commit");
  return CommitHandle(commit);
}

absl::StatusOr<TreeHandle> LookupTree(git_repository* repository, const git_oid& id) {
  git_tree* tree = nullptr;
  if (const int code = git_tree_lookup(&tree, repository, &id); code != 0)
    return GitError(code, "reading a directory");
  return TreeHandle(tree);
}

// Finds what the mirror lacks: of each new commit what its first parent has not at the same place.
// The parent is either new as well, or one that the mirror has with all it reaches. That the mirror
// has a directory says nothing of what lies in it: a fetch may have failed in between.
class Search {
 public:
  Search(git_repository* source, git_odb* mirror) : source_(source), mirror_(mirror) {}

  // Not of a tag, which is an object beside what it names.
  absl::Status Run(const git_oid& wanted, const git_oid& known) {
    LOCKSTEP_RETURN_IF_ERROR(LookupCommit(source_, wanted).status());
    git_revwalk* raw = nullptr;
    if (const int code = git_revwalk_new(&raw, source_); code != 0)
      return GitError(code, "walking the history");
    const RevwalkHandle walk(raw);
    if (git_revwalk_push(raw, &wanted) != 0 || git_revwalk_hide(raw, &known) != 0)
      return GitError(GIT_ERROR, "walking the history");
    git_oid id;
    int code = 0;
    while ((code = git_revwalk_next(&id, raw)) == 0) LOCKSTEP_RETURN_IF_ERROR(AddCommit(id));
    return code == GIT_ITEROVER ? absl::OkStatus() : GitError(code, "walking the history");
  }

  const std::vector<git_oid>& lacking() const { return lacking_; }

 private:
  absl::Status AddCommit(const git_oid& id) {
    LOCKSTEP_ASSIGN_OR_RETURN(const CommitHandle commit, LookupCommit(source_, id));
    TreeHandle before;
    if (git_commit_parentcount(commit.get()) > 0) {
      LOCKSTEP_ASSIGN_OR_RETURN(const CommitHandle parent,
                                LookupCommit(source_, *git_commit_parent_id(commit.get(), 0)));
      LOCKSTEP_ASSIGN_OR_RETURN(before, LookupTree(source_, *git_commit_tree_id(parent.get())));
    }
    Add(id);
    const git_oid& tree = *git_commit_tree_id(commit.get());
    if (before != nullptr && git_oid_equal(git_tree_id(before.get()), &tree)) return CheckRoom();
    return AddTree(tree, before.get(), 0);
  }

  absl::Status AddTree(const git_oid& id, git_tree* before, int depth) {
    if (depth > kTreeDepthMax) return absl::ResourceExhaustedError("directories too deep");
    if (!trees_.insert(id).second) return absl::OkStatus();
    LOCKSTEP_ASSIGN_OR_RETURN(const TreeHandle tree, LookupTree(source_, id));
    Add(id);
    const size_t count = git_tree_entrycount(tree.get());
    for (size_t i = 0; i < count; ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
      const git_oid& child = *git_tree_entry_id(entry);
      const git_tree_entry* old =
          before == nullptr ? nullptr : git_tree_entry_byname(before, git_tree_entry_name(entry));
      if (old != nullptr && git_oid_equal(git_tree_entry_id(old), &child)) continue;
      const git_filemode_t mode = git_tree_entry_filemode_raw(entry);
      if (mode == GIT_FILEMODE_COMMIT) continue;  // A submodule: never fetched.
      if (mode != GIT_FILEMODE_TREE) {
        Add(child);
        continue;
      }
      TreeHandle old_child;
      if (old != nullptr && git_tree_entry_filemode_raw(old) == GIT_FILEMODE_TREE) {
        LOCKSTEP_ASSIGN_OR_RETURN(old_child, LookupTree(source_, *git_tree_entry_id(old)));
      }
      LOCKSTEP_RETURN_IF_ERROR(AddTree(child, old_child.get(), depth + 1));
    }
    return CheckRoom();
  }

  void Add(const git_oid& id) {
    if (git_odb_exists_ext(mirror_, &id, GIT_ODB_LOOKUP_NO_REFRESH) != 0) return;
    if (added_.insert(id).second) lacking_.push_back(id);
  }

  absl::Status CheckRoom() const {
    if (lacking_.size() <= kObjectsMax) return absl::OkStatus();
    return absl::ResourceExhaustedError("too many objects");
  }

  git_repository* const source_;
  git_odb* const mirror_;
  std::vector<git_oid> lacking_;
  std::set<git_oid, OidLess> added_;
  std::set<git_oid, OidLess> trees_;  // That were gone through.
};

// A pack (gitformat-pack(5)) on its way into a mirror:
//
//   "PACK"  version (4 bytes, big-endian)  objects (the same)  object…  SHA-1 of all before
//   object: type and size (4 bits of it, then 7 in each byte)  zlib stream of its bytes
class PackStream {
 public:
  PackStream() : hash_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(hash_.get(), EVP_sha1(), nullptr); }
  ~PackStream() {
    if (writepack_ != nullptr) writepack_->free(writepack_);  // Of a pack not committed, all of it.
    if (level_.has_value()) deflateEnd(&zlib_);
  }
  PackStream(const PackStream&) = delete;
  PackStream& operator=(const PackStream&) = delete;

  absl::Status Begin(git_odb* mirror, uint32_t objects, const LocalCopy& copy) {
    const int code = git_odb_write_pack(&writepack_, mirror, copy.progress, copy.payload);
    if (code != 0) return GitError(code, "beginning a pack");
    piece_ = std::string("PACK\0\0\0\2", 8);
    for (int shift = 24; shift >= 0; shift -= 8)
      piece_.push_back(static_cast<char>(objects >> shift));
    return absl::OkStatus();
  }

  absl::Status Add(git_object_t type, absl::string_view bytes) {
    size_t size = bytes.size();
    unsigned head = static_cast<unsigned>(type) << 4 | (size & 0xf);
    for (size >>= 4; size > 0; size >>= 7) {
      piece_.push_back(static_cast<char>(head | 0x80));
      head = size & 0x7f;
    }
    piece_.push_back(static_cast<char>(head));
    LOCKSTEP_RETURN_IF_ERROR(Deflate(bytes));
    return piece_.size() < kPieceBytes ? absl::OkStatus() : HandOn();
  }

  absl::Status Finish() {
    LOCKSTEP_RETURN_IF_ERROR(HandOn());
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(hash_.get(), sum, &size);
    if (const int code = writepack_->append(writepack_, sum, size, &stats_); code != 0)
      return GitError(code, "ending a pack");
    const int code = writepack_->commit(writepack_, &stats_);
    return code == 0 ? absl::OkStatus() : GitError(code, "writing a pack");
  }

 private:
  absl::Status Deflate(absl::string_view bytes) {
    const int level = raw_bytes_ + bytes.size() <= kStoredBytesMax ? 0 : 1;
    raw_bytes_ += bytes.size();
    if (level_ != level) {
      if (level_.has_value()) deflateEnd(&zlib_);
      zlib_ = {};
      level_.reset();
      if (deflateInit(&zlib_, level) != Z_OK) return absl::ResourceExhaustedError("out of memory");
      level_ = level;
    } else {
      deflateReset(&zlib_);
    }
    const size_t at = piece_.size();
    const uLong bound = deflateBound(&zlib_, bytes.size());
    piece_.resize(at + bound);
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    zlib_.avail_in = static_cast<uInt>(bytes.size());
    zlib_.next_out = reinterpret_cast<Bytef*>(piece_.data() + at);
    zlib_.avail_out = static_cast<uInt>(bound);
    if (deflate(&zlib_, Z_FINISH) != Z_STREAM_END) return absl::InternalError("zlib failed");
    piece_.resize(at + zlib_.total_out);
    return absl::OkStatus();
  }

  absl::Status HandOn() {
    EVP_DigestUpdate(hash_.get(), piece_.data(), piece_.size());
    stats_.received_bytes += piece_.size();
    const int code = writepack_->append(writepack_, piece_.data(), piece_.size(), &stats_);
    piece_.clear();
    return code == 0 ? absl::OkStatus() : GitError(code, "writing a pack");
  }

  const std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>> hash_;
  git_odb_writepack* writepack_ = nullptr;
  git_indexer_progress stats_{};
  std::string piece_;  // Not handed on yet.
  z_stream zlib_{};
  std::optional<int> level_;  // Of zlib_; not set where that is not begun.
  uint64_t raw_bytes_ = 0;
};

}  // namespace

absl::Status CopyNew(const LocalCopy& copy) {
  LOCKSTEP_ASSIGN_OR_RETURN(const git_oid wanted, ParseOid(copy.wanted));
  LOCKSTEP_ASSIGN_OR_RETURN(const git_oid known, ParseOid(copy.known));
  git_repository* raw = nullptr;
  if (const int code = git_repository_open_ext(&raw, copy.source.c_str(),
                                               GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
      code != 0) {
    return GitError(code, "opening the repository");
  }
  const RepositoryHandle source(raw);
  LOCKSTEP_ASSIGN_OR_RETURN(const OdbHandle from, OdbOf(source.get()));
  LOCKSTEP_ASSIGN_OR_RETURN(const OdbHandle to, OdbOf(copy.mirror));
  Search search(source.get(), to.get());
  LOCKSTEP_RETURN_IF_ERROR(search.Run(wanted, known));
  if (search.lacking().empty()) return absl::OkStatus();
  PackStream pack;
  LOCKSTEP_RETURN_IF_ERROR(
      pack.Begin(to.get(), static_cast<uint32_t>(search.lacking().size()), copy));
  for (const git_oid& id : search.lacking()) {
    git_odb_object* read = nullptr;
    if (const int code = git_odb_read(&read, from.get(), &id); code != 0)
      return GitError(code, "reading an object");
    const OdbObjectHandle object(read);
    if (git_odb_object_size(read) > kObjectBytesMax)
      return absl::ResourceExhaustedError("an object is too large");
    LOCKSTEP_RETURN_IF_ERROR(
        pack.Add(git_odb_object_type(read),
                 {static_cast<const char*>(git_odb_object_data(read)), git_odb_object_size(read)}));
  }
  return pack.Finish();
}

}  // namespace lockstep
