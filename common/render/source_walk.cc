#include "common/render/source_walk.h"

#include <cstddef>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/render/ignore.h"
#include "common/render/manifest_file.h"
#include "common/text/utf8.h"

namespace lockstep {
namespace {

using Entry = Snapshot::Entry;
using Kind = Snapshot::Kind;

constexpr absl::string_view kIgnoreFile = ".sourceignore";
constexpr uint64_t kIgnoreBytesMax = 64 << 10;
constexpr size_t kDepthMax = 100;
constexpr size_t kWarningsMax = 20;

std::string Join(absl::string_view directory, absl::string_view name) {
  return directory.empty() ? std::string(name) : absl::StrCat(directory, "/", name);
}

bool IsKustomization(absl::string_view name) {
  return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization";
}

// Names go into messages, logs and status; Git allows anything but '/' and NUL in them.
bool IsPrintable(absl::string_view name) {
  for (const unsigned char c : name) {
    if (absl::ascii_iscntrl(c) || c == '\\') return false;
  }
  return IsUtf8(name);
}

absl::Status Missing(const Snapshot& snapshot, absl::string_view path) {
  return absl::NotFoundError(absl::StrCat("path \"", path, "\" is not in the repository at ",
                                          snapshot.commit().substr(0, 7)));
}

// Every directory over `path`, from the root: "", "a" for "a/b".
std::vector<absl::string_view> Above(absl::string_view path) {
  std::vector<absl::string_view> result;
  if (path.empty()) return result;
  result.push_back("");
  for (size_t slash = path.find('/'); slash != absl::string_view::npos;
       slash = path.find('/', slash + 1)) {
    result.push_back(path.substr(0, slash));
  }
  return result;
}

// Looks through a source path.
class Walker {
 public:
  Walker(const Snapshot& snapshot, const RenderLimits& limits)
      : snapshot_(snapshot), limits_(limits), entries_left_(limits.files) {}

  absl::StatusOr<SourceTree> Walk(absl::string_view path,
                                  const std::optional<std::string>& ignore) {
    absl::StatusOr<IgnoreRules> rules = IgnoreRules::Make(ignore ? &*ignore : nullptr);
    if (!rules.ok()) return Annotate(rules.status(), "spec.ignore");
    IgnoreRules::Verdict verdict;
    LOCKSTEP_RETURN_IF_ERROR(Descend(path, &*rules, &verdict));
    const absl::Status excluded = absl::NotFoundError(absl::StrCat(
        "path \"", path, "\" is excluded by the source's ignore rules; take it back with \"!/",
        path, "\" there"));
    if (verdict.excluded && !rules->MayTakeBack()) return excluded;
    LOCKSTEP_RETURN_IF_ERROR(Directory(std::string(path), *rules, verdict, 1));
    if (verdict.excluded && tree_.files.empty()) return excluded;
    return std::move(tree_);
  }

 private:
  // Goes down from the root to `path`, taking up the ignore files over it.
  absl::Status Descend(absl::string_view path, IgnoreRules* rules, IgnoreRules::Verdict* verdict) {
    for (const absl::string_view directory : Above(path)) {
      const absl::StatusOr<Entry> file = snapshot_.Find(Join(directory, kIgnoreFile));
      if (file.ok()) {
        LOCKSTEP_RETURN_IF_ERROR(TakeUp(*file, directory, rules));
      } else if (!absl::IsNotFound(file.status())) {
        return file.status();
      }
      const size_t begin = directory.empty() ? 0 : directory.size() + 1;
      const absl::string_view next = path.substr(0, path.find('/', begin));
      const absl::StatusOr<Entry> entry = snapshot_.Find(next);
      if (absl::IsNotFound(entry.status())) return Missing(snapshot_, path);
      LOCKSTEP_RETURN_IF_ERROR(entry.status());
      if (entry->kind != Kind::kDirectory) return NoDirectory(*entry, next);
      *verdict = rules->Judge(*verdict, next, true);
    }
    return absl::OkStatus();
  }

  static absl::Status NoDirectory(const Entry& entry, absl::string_view path) {
    const absl::string_view what =
        entry.kind == Kind::kSymlink     ? "a symbolic link, which is not followed"
        : entry.kind == Kind::kSubmodule ? "a submodule, which is not read"
                                         : "a file";
    return absl::InvalidArgumentError(
        absl::StrCat("path \"", path, "\" is ", what, "; name a folder of the repository itself"));
  }

  absl::Status TakeUp(const Entry& file, absl::string_view directory, IgnoreRules* rules) {
    const std::string path = Join(directory, kIgnoreFile);
    if (file.kind != Kind::kFile) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is no file; make it one"));
    }
    absl::StatusOr<std::shared_ptr<const std::string>> content =
        snapshot_.ReadFile(path, kIgnoreBytesMax);
    if (!content.ok()) return Annotate(content.status(), absl::StrCat("reading ", path));
    absl::StatusOr<IgnoreRules> with = rules->With(**content, directory);
    if (!with.ok()) return Annotate(with.status(), path);
    *rules = *std::move(with);
    return absl::OkStatus();
  }

  absl::Status Directory(const std::string& path, const IgnoreRules& outer,
                         IgnoreRules::Verdict verdict, size_t depth) {
    if (depth > kDepthMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path, ": folders lie more than ", kDepthMax, " deep, the limit"));
    }
    const absl::StatusOr<std::vector<Entry>> entries = snapshot_.List(path, entries_left_);
    if (absl::IsResourceExhausted(entries.status())) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "\"", path, "\": the source path holds more than ", limits_.files,
          " files, the limit; name a smaller folder or exclude files in .sourceignore"));
    }
    LOCKSTEP_RETURN_IF_ERROR(entries.status());
    entries_left_ -= entries->size();
    IgnoreRules rules = outer;
    for (const Entry& entry : *entries) {
      if (entry.name == kIgnoreFile) LOCKSTEP_RETURN_IF_ERROR(TakeUp(entry, path, &rules));
    }
    for (const Entry& entry : *entries) {
      LOCKSTEP_RETURN_IF_ERROR(Visit(entry, Join(path, entry.name), rules, verdict, depth));
    }
    return absl::OkStatus();
  }

  absl::Status Visit(const Entry& entry, std::string path, const IgnoreRules& rules,
                     IgnoreRules::Verdict parent, size_t depth) {
    const bool is_directory = entry.kind == Kind::kDirectory;
    const IgnoreRules::Verdict verdict = rules.Judge(parent, path, is_directory);
    if (verdict.excluded && !(is_directory && rules.MayTakeBack())) return absl::OkStatus();
    if (entry.kind == Kind::kFile && !IsManifestName(entry.name) && !IsKustomization(entry.name)) {
      return absl::OkStatus();
    }
    if (!IsPrintable(entry.name)) {
      tree_.faults.push_back(
          absl::StrCat(absl::CHexEscape(path),
                       ": the name holds a control character, a backslash or bytes that "
                       "are no UTF-8; rename it"));
      return absl::OkStatus();
    }
    switch (entry.kind) {
      case Kind::kDirectory:
        return Directory(path, rules, verdict, depth + 1);
      case Kind::kSymlink:
        tree_.faults.push_back(
            absl::StrCat(path,
                         ": is a symbolic link, which is not followed; put what it points to "
                         "in its place, or exclude it in .sourceignore"));
        break;
      case Kind::kSubmodule:
        if (tree_.warnings.size() < kWarningsMax) {
          tree_.warnings.push_back(absl::StrCat(path, " is a submodule, which is not read"));
        }
        break;
      case Kind::kFile:
        if (IsKustomization(entry.name)) {
          tree_.kustomizations.push_back(std::move(path));
        } else {
          tree_.files.push_back({std::move(path), entry.id});
        }
        break;
    }
    return absl::OkStatus();
  }

  const Snapshot& snapshot_;
  const RenderLimits& limits_;
  size_t entries_left_;
  SourceTree tree_;
};

}  // namespace

absl::StatusOr<SourceTree> WalkSource(const Snapshot& snapshot, absl::string_view path,
                                      const std::optional<std::string>& ignore,
                                      const RenderLimits& limits) {
  return Walker(snapshot, limits).Walk(path, ignore);
}

absl::Status HashSource(const Snapshot& snapshot, absl::string_view path, Hasher& hasher) {
  for (const absl::string_view directory : Above(path)) {
    const absl::StatusOr<Entry> file = snapshot.Find(Join(directory, kIgnoreFile));
    if (!file.ok() && !absl::IsNotFound(file.status())) return file.status();
    hasher.AddSized(file.ok() ? absl::string_view(file->id) : absl::string_view());
  }
  const absl::StatusOr<Entry> entry = snapshot.Find(path);
  if (absl::IsNotFound(entry.status())) return Missing(snapshot, path);
  LOCKSTEP_RETURN_IF_ERROR(entry.status());
  hasher.AddInteger(static_cast<uint64_t>(entry->kind));
  hasher.AddSized(entry->id);
  return absl::OkStatus();
}

}  // namespace lockstep
