#include "agent/target/directory.h"

#include <algorithm>
#include <errno.h>
#include <fcntl.h>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "agent/target/directory_file.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/thread.h"
#include "common/object/diff.h"
#include "common/object/json.h"
#include "common/object/yaml.h"
#include "common/object/yaml_writer.h"

namespace lockstep {
namespace {

constexpr absl::string_view kIdFile = ".lockstep-id";
constexpr size_t kUidBytes = 16;
constexpr size_t kFieldsMax = 16;
// Of one writer, written together. Fewer are not worth a thread, more would hold too many open
// files and too much of the disk twice.
constexpr size_t kPortionMin = 8;
constexpr size_t kPortionMax = 32;

// What is read back may be longer than what a person may write: the writer's layout is not theirs.
constexpr YamlLimits kReadBack{.bytes = 64 << 20, .documents = 2, .depth = 128, .nodes = 4'000'000};

// Runs `work` for 0 … count - 1 on at most `threads` threads, this one included.
template <typename Work>
void ForEach(size_t count, int threads, const Work& work) {
  std::atomic<size_t> next{0};
  const auto run = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<Thread> helpers;
  while (helpers.size() + 1 < std::min<size_t>(threads, count)) helpers.emplace_back("write", run);
  run();
}

// How many of `count` objects one of `threads` writers takes at a time.
size_t PortionOf(size_t count, int threads) {
  return std::clamp((count + threads - 1) / threads, kPortionMin, kPortionMax);
}

std::string MarkerPath(absl::string_view root) { return absl::StrCat(root, "/", kIdFile); }

bool IsSameFile(const OwnedFd& a, const OwnedFd& b) {
  struct stat one;
  struct stat other;
  return fstat(a.get(), &one) == 0 && fstat(b.get(), &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

absl::Status Cancelled() { return absl::CancelledError("the work was interrupted"); }

// The file's one document; an error says why it is not the file of an object.
absl::StatusOr<Value> Parse(const std::string& bytes, absl::string_view place) {
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Value> documents, ReadYaml(bytes, place, kReadBack));
  if (documents.size() != 1) return absl::InvalidArgumentError("not one document");
  return std::move(documents.front());
}

void Compare(const absl::StatusOr<std::string>& bytes, const Value* wanted, Observation* seen) {
  seen->presence = Observation::Presence::kDifferent;
  if (!bytes.ok()) return;
  const absl::StatusOr<Value> live = Parse(*bytes, seen->place);
  if (!live.ok()) return;
  if (wanted != nullptr && *live == *wanted) {
    seen->presence = Observation::Presence::kEqual;
    return;
  }
  seen->content = Digest::Of(CanonicalJson(*live));
  if (wanted == nullptr) return;
  for (const FieldDifference& field : DiffValues(*wanted, *live, kFieldsMax)) {
    seen->fields.push_back(field.path);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryTarget>> DirectoryTarget::Open(Options options) {
  while (options.root.size() > 1 && options.root.back() == '/') options.root.pop_back();
  std::unique_ptr<DirectoryTarget> target(new DirectoryTarget(std::move(options)));
  LOCKSTEP_RETURN_IF_ERROR(target->Prepare());
  return target;
}

absl::Status DirectoryTarget::Prepare() {
  LOCKSTEP_ASSIGN_OR_RETURN(const OwnedFd root, OpenRoot());
  MutexLock lock(&root_mutex_);
  LOCKSTEP_ASSIGN_OR_RETURN(lock_, LockMarker(root));
  LOCKSTEP_ASSIGN_OR_RETURN(uid_, ReadMarker(root));
  if (uid_.size() != kUidBytes) {
    uid_ = RandomBytes(kUidBytes);
    LOCKSTEP_RETURN_IF_ERROR(WriteMarker(root, lock_));
  }
  temporary_prefix_ = TemporaryPrefixOf(uid_);
  RemoveTemporaries(options_.root, temporary_prefix_);
  LOCKSTEP_ASSIGN_OR_RETURN(watch_, DirectoryWatch::Start(options_.root));
  return absl::OkStatus();
}

absl::StatusOr<std::string> DirectoryTarget::ReadMarker(const OwnedFd& root) const {
  return ReadRegularFileAt(root.get(), std::string(kIdFile), MarkerPath(options_.root), kUidBytes);
}

absl::StatusOr<OwnedFd> DirectoryTarget::LockMarker(const OwnedFd& root) const {
  constexpr int kFlags = O_CLOEXEC | O_NOFOLLOW;
  OwnedFd marker(openat(root.get(), kIdFile.data(), O_RDWR | O_CREAT | kFlags, 0644));
  if (!marker.valid()) {
    // Not writable, or not any more: that is no reason not to say so in every status.
    const int error = errno;
    marker = OwnedFd(openat(root.get(), kIdFile.data(), O_RDONLY | kFlags));
    if (!marker.valid()) return FileError(error, "opening", MarkerPath(options_.root));
  }
  if (flock(marker.get(), LOCK_EX | LOCK_NB) == 0) return marker;
  return absl::FailedPreconditionError(absl::StrCat("opening the directory \"", options_.root,
                                                    "\": another agent has it; stop that one or "
                                                    "use another directory"));
}

absl::Status DirectoryTarget::WriteMarker(const OwnedFd& root, const OwnedFd& marker) const {
  if (pwrite(marker.get(), uid_.data(), kUidBytes, 0) != static_cast<ssize_t>(kUidBytes) ||
      ftruncate(marker.get(), kUidBytes) != 0 || fsync(marker.get()) != 0 ||
      fsync(root.get()) != 0) {
    return FileError(errno, "writing", MarkerPath(options_.root));
  }
  return absl::OkStatus();
}

void DirectoryTarget::Stop() {
  if (watch_ != nullptr) watch_->Stop();
}

absl::StatusOr<OwnedFd> DirectoryTarget::OpenRoot() {
  // By name every time: a root that was removed or moved away is made again.
  const auto open_by_name = [this] {
    return OwnedFd(open(options_.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  };
  OwnedFd fd = open_by_name();
  if (fd.valid() && IsKnownRoot(fd)) return fd;
  MutexLock lock(&root_mutex_);
  fd = open_by_name();
  if (!fd.valid() && errno == ENOENT) {
    LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(options_.root));
    LOCKSTEP_RETURN_IF_ERROR(SyncDirectory(DirName(options_.root)));
    if (watch_ != nullptr) watch_->FolderMade("");
    fd = open_by_name();
    if (fd.valid() && !uid_.empty()) {
      LOCKSTEP_ASSIGN_OR_RETURN(lock_, LockMarker(fd));
      LOCKSTEP_RETURN_IF_ERROR(WriteMarker(fd, lock_));
    }
  }
  if (!fd.valid()) return FileError(errno, "opening", options_.root);
  if (!uid_.empty()) LOCKSTEP_RETURN_IF_ERROR(CheckMarker(fd));
  NoteRoot(fd);
  return fd;
}

absl::Status DirectoryTarget::CheckMarker(const OwnedFd& root) const {
  const absl::StatusOr<std::string> uid = ReadMarker(root);
  if (uid.ok() && *uid == uid_) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "\"", options_.root, "\" is another directory than before, without this target's marker ",
      kIdFile,
      ": put the former one back, or start the agent again and run lockstep cluster accept"));
}

bool DirectoryTarget::IsKnownRoot(const OwnedFd& root) {
  MutexLock lock(&mutex_);
  return IsSameFile(root, known_root_);
}

void DirectoryTarget::NoteRoot(const OwnedFd& root) {
  {
    MutexLock lock(&mutex_);
    if (IsSameFile(root, known_root_)) return;
    known_root_ = OwnedFd(fcntl(root.get(), F_DUPFD_CLOEXEC, 0));
  }
  if (watch_ != nullptr) watch_->Rearm();
}

std::string DirectoryTarget::Shown(const ObjectPath& path) const {
  return absl::StrCat("file ", options_.root, "/", path.ToString());
}

absl::StatusOr<ObjectPath> DirectoryTarget::Claim(const ObjectKey& key) {
  LOCKSTEP_ASSIGN_OR_RETURN(ObjectPath path, PathOf(key));
  const std::string text = path.ToString();
  MutexLock lock(&mutex_);
  const auto [claim, fresh] = claims_.try_emplace(absl::AsciiStrToLower(text), text);
  if (fresh || claim->second == text) return path;
  if (!PathExists(absl::StrCat(options_.root, "/", claim->second))) {
    claim->second = text;
    return path;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "placing ", key.ToString(), ": its file \"", text, "\" and \"", claim->second,
      "\" differ only in upper and lower case, which is one file on some machines; rename one"));
}

const absl::StatusOr<OwnedFd>& DirectoryTarget::OpenFolder(const OwnedFd& root,
                                                           const ObjectPath& path, bool make,
                                                           Folders* folders,
                                                           std::vector<std::string>* made) {
  const std::string folder = path.Folder();
  const auto known = folders->find(folder);
  if (known != folders->end()) return known->second;
  const auto open_one = [&](int parent, const std::string& name,
                            const std::string& below) -> absl::StatusOr<OwnedFd> {
    // What is really made is told when all of the batch is.
    if (make) watch_->FolderMaking(below);
    absl::StatusOr<OpenedFolder> opened =
        OpenFolderAt(parent, name, make, absl::StrCat(options_.root, "/", below));
    if (make && (!opened.ok() || !opened->made)) watch_->FolderMade(below);
    LOCKSTEP_RETURN_IF_ERROR(opened.status());
    if (opened->made) made->push_back(below);
    return std::move(opened->fd);
  };
  auto outer = folders->find(path.namespace_folder);
  if (outer == folders->end()) {
    outer = folders
                ->emplace(path.namespace_folder,
                          open_one(root.get(), path.namespace_folder, path.namespace_folder))
                .first;
  }
  if (!outer->second.ok()) return outer->second;
  return folders->emplace(folder, open_one(outer->second->get(), path.kind_folder, folder))
      .first->second;
}

std::vector<absl::StatusOr<ObjectKey>> DirectoryTarget::Settle(const ActingAs&,
                                                               const std::vector<ObjectKey>& keys,
                                                               absl::string_view) {
  return {keys.begin(), keys.end()};
}

std::vector<absl::StatusOr<Observation>> DirectoryTarget::Observe(
    const ActingAs&, const std::vector<LookAt>& objects, const Cancellation& cancel) {
  std::vector<absl::StatusOr<Observation>> answers;
  answers.reserve(objects.size());
  const absl::StatusOr<OwnedFd> root = OpenRoot();
  Folders folders;
  for (const LookAt& object : objects) {
    const absl::StatusOr<ObjectPath> path = PathOf(object.key);
    if (cancel.cancelled() || !root.ok() || !path.ok()) {
      answers.emplace_back(!root.ok() ? root.status() : !path.ok() ? path.status() : Cancelled());
      continue;
    }
    Observation seen;
    seen.key = object.key;
    seen.place = Shown(*path);
    const auto& folder = OpenFolder(*root, *path, false, &folders, nullptr);
    if (!folder.ok() && !absl::IsNotFound(folder.status())) {
      answers.emplace_back(folder.status());
      continue;
    }
    if (folder.ok()) {
      const absl::StatusOr<std::string> bytes =
          ReadRegularFileAt(folder->get(), path->file, seen.place, kReadBack.bytes);
      if (!absl::IsNotFound(bytes.status())) Compare(bytes, object.wanted, &seen);
    }
    answers.emplace_back(std::move(seen));
  }
  return answers;
}

std::vector<absl::Status> DirectoryTarget::Validate(const ActingAs&,
                                                    const std::vector<WantedObject>& stage,
                                                    const Cancellation&) {
  std::vector<absl::Status> answers;
  answers.reserve(stage.size());
  for (const WantedObject& object : stage) answers.push_back(Claim(object.key).status());
  return answers;
}

std::vector<absl::StatusOr<Written>> DirectoryTarget::Apply(
    const ActingAs&, const std::vector<WantedObject>& objects, const Cancellation& cancel) {
  std::vector<absl::StatusOr<Written>> answers(objects.size(), Cancelled());
  const absl::StatusOr<OwnedFd> root = OpenRoot();
  Folders folders;
  std::vector<std::string> made;
  std::vector<std::pair<std::string, int>> places(objects.size(), {"", -1});  // File, folder.
  std::set<std::string> touched;
  for (size_t i = 0; i < objects.size(); ++i) {
    const absl::StatusOr<ObjectPath> path = Claim(objects[i].key);
    if (!root.ok() || !path.ok()) {
      answers[i] = root.ok() ? path.status() : root.status();
      continue;
    }
    const auto& folder = OpenFolder(*root, *path, true, &folders, &made);
    if (!folder.ok()) {
      answers[i] = folder.status();
      continue;
    }
    places[i] = {path->file, folder->get()};
    touched.insert(path->Folder());
  }
  for (const std::string& folder : made) {
    watch_->FolderMade(folder);
    touched.insert(absl::StrContains(folder, '/') ? DirName(folder) : "");
  }
  const auto write = [&](size_t i) -> absl::StatusOr<std::unique_ptr<Replacement>> {
    if (cancel.cancelled()) return Cancelled();
    std::string temporary = MakeTemporaryName(temporary_prefix_);
    watch_->Renaming(temporary);
    return Replacement::Write(places[i].second, std::move(temporary), WriteYaml(objects[i].value),
                              absl::StrCat(options_.root, "/", PathOf(objects[i].key)->ToString()));
  };
  const size_t portion = PortionOf(objects.size(), options_.writers);
  ForEach((objects.size() + portion - 1) / portion, options_.writers, [&](size_t number) {
    std::vector<std::pair<size_t, std::unique_ptr<Replacement>>> written;
    for (size_t i = number * portion; i < std::min((number + 1) * portion, objects.size()); ++i) {
      if (places[i].second < 0) continue;
      absl::StatusOr<std::unique_ptr<Replacement>> file = write(i);
      if (file.ok()) {
        written.emplace_back(i, *std::move(file));
      } else {
        answers[i] = file.status();
      }
    }
    for (const auto& [i, file] : written) {
      const absl::Status renamed = file->RenameTo(places[i].first);
      answers[i] = renamed.ok() ? absl::StatusOr<Written>(Written{}) : renamed;
    }
  });
  const std::vector<std::string> sync(touched.begin(), touched.end());
  std::vector<absl::Status> synced(sync.size());
  ForEach(sync.size(), options_.writers, [&](size_t i) {
    const std::string& folder = sync[i];
    const int fd = folder.empty() ? root->get() : folders.at(folder)->get();
    if (fsync(fd) != 0) synced[i] = FileError(errno, "syncing", options_.root + "/" + folder);
  });
  for (const absl::Status& status : synced) {
    if (status.ok()) continue;
    // Which names are on the disk is not known: none of them is promised.
    for (auto& answer : answers) {
      if (answer.ok()) answer = status;
    }
  }
  return answers;
}

std::vector<absl::Status> DirectoryTarget::Delete(const ActingAs&,
                                                  const std::vector<DeleteRequest>& objects,
                                                  const Cancellation& cancel) {
  std::vector<absl::Status> answers(objects.size(), absl::OkStatus());
  const absl::StatusOr<OwnedFd> root = OpenRoot();
  Folders folders;
  std::map<int, std::vector<size_t>> removed;  // By folder.
  for (size_t i = 0; i < objects.size(); ++i) {
    const absl::StatusOr<ObjectPath> path = PathOf(objects[i].key);
    if (cancel.cancelled() || !root.ok() || !path.ok()) {
      answers[i] = !root.ok() ? root.status() : !path.ok() ? path.status() : Cancelled();
      continue;
    }
    const auto& folder = OpenFolder(*root, *path, false, &folders, nullptr);
    if (!folder.ok()) {
      if (!absl::IsNotFound(folder.status())) answers[i] = folder.status();
      continue;
    }
    watch_->Forget(path->ToString());
    if (unlinkat(folder->get(), path->file.c_str(), 0) == 0) {
      removed[folder->get()].push_back(i);
    } else if (errno != ENOENT) {
      answers[i] = FileError(errno, "removing", absl::StrCat(options_.root, "/", path->ToString()));
    }
  }
  for (const auto& [fd, requests] : removed) {
    if (fsync(fd) == 0) continue;
    for (const size_t i : requests) answers[i] = FileError(errno, "syncing", options_.root);
  }
  return answers;
}

absl::Status DirectoryTarget::Watch(const ActingAs& as, const std::vector<ObjectKey>& keys,
                                    Changed changed) {
  std::vector<DirectoryWatch::File> files;
  files.reserve(keys.size());
  for (const ObjectKey& key : keys) {
    const absl::StatusOr<ObjectPath> path = PathOf(key);  // What has none is told by Validate.
    if (path.ok()) files.push_back({path->ToString(), key});
  }
  return watch_->Set(as.application, std::move(files), std::move(changed));
}

}  // namespace lockstep
