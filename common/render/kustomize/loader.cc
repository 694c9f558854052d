#include "common/render/kustomize/loader.h"

#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/object/yaml.h"
#include "common/render/kustomize/remote.h"
#include "common/render/kustomize/schema_comment.h"
#include "common/text/nearest.h"

namespace lockstep::kustomize {
namespace {

constexpr absl::string_view kNames[] = {"kustomization.yaml", "kustomization.yml", "Kustomization"};
constexpr size_t kPathBytesMax = 4096;

// Whether `path` is `folder` or below it.
bool IsWithin(absl::string_view path, absl::string_view folder) {
  return folder.empty() || path == folder ||
         (absl::StartsWith(path, folder) && path[folder.size()] == '/');
}

absl::string_view Folder(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? absl::string_view() : path.substr(0, slash);
}

FileCache::Documents ReadOneDocument(const std::string& content, const std::string& file,
                                     uint32_t line_base) {
  return ReadYamlWith(content, file,
                      {.last_key_wins = true, .first_document_only = true, .line_base = line_base});
}

absl::Status Needs(const NeededRepository& repository) {
  absl::Status status = absl::FailedPreconditionError(
      absl::StrCat("this needs the repository ", repository.url,
                   repository.ref.empty() ? "" : absl::StrCat(" at ", repository.ref),
                   ", which is not here; rendering opens no connection"));
  status.SetPayload(
      "lockstep/needs-repository",
      absl::Cord(absl::StrCat(repository.url, "\n", repository.ref, "\n", repository.path)));
  return status;
}

}  // namespace

std::optional<NeededRepository> NeededBy(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload("lockstep/needs-repository");
  if (!payload) return std::nullopt;
  const std::vector<std::string> parts = absl::StrSplit(std::string(*payload), '\n');
  return NeededRepository{parts[0], parts[1], parts[2]};
}

absl::StatusOr<std::string> JoinPath(absl::string_view folder, absl::string_view path) {
  if (path.size() > kPathBytesMax || absl::StrContains(path, '\0')) {
    return absl::InvalidArgumentError("this is no path");
  }
  std::vector<absl::string_view> parts;
  for (const absl::string_view text : {folder, path}) {
    for (const absl::string_view part : absl::StrSplit(text, '/')) {
      if (part.empty() || part == ".") continue;
      if (part != "..") {
        parts.push_back(part);
      } else if (parts.empty()) {
        return absl::InvalidArgumentError("the path leads out of the repository");
      } else {
        parts.pop_back();
      }
    }
  }
  return absl::StrJoin(parts, "/");
}

absl::StatusOr<std::string> Loader::Resolve(absl::string_view path) const {
  if (path.empty()) return absl::InvalidArgumentError("the path is empty");
  std::string joined;
  if (absl::StartsWith(path, "/")) {
    if (session_.options().path_prefix != "/") {
      return absl::InvalidArgumentError("the path is absolute; make it relative to this file");
    }
    LOCKSTEP_ASSIGN_OR_RETURN(joined, JoinPath("", path));
  } else {
    LOCKSTEP_ASSIGN_OR_RETURN(joined, JoinPath(root_, path));
  }
  const bool restricted =
      session_.options().load_restrictor == BuildOptions::LoadRestrictor::kRootOnly;
  if (restricted && !IsWithin(Folder(joined), root_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the file ", session_.Shown(joined), " is not in or below ",
                     session_.Shown(root_), "; move it there, or lift the load restriction"));
  }
  return joined;
}

absl::Status Loader::Missing(const Text& path, absl::string_view resolved,
                             const absl::Status& status) const {
  if (!absl::IsNotFound(status)) {
    return session_.At(path.place,
                       Annotate(status, absl::StrCat("reading ", session_.Shown(resolved))));
  }
  std::string near;
  if (auto entries = session_.snapshot().List(Folder(resolved), 1000); entries.ok()) {
    std::vector<std::string> names;
    for (const Snapshot::Entry& entry : *entries) names.push_back(entry.name);
    near = NearestWord(resolved.substr(resolved.rfind('/') + 1), names);
  }
  return session_.Error(path.place,
                        absl::StrCat("\"", path.text, "\" names ", session_.Shown(resolved),
                                     ", which does not exist; ",
                                     near.empty() ? "add it or correct the path"
                                                  : absl::StrCat("did you mean \"", near, "\"?")));
}

absl::StatusOr<std::shared_ptr<const std::string>> Loader::Read(const Text& path) const {
  if (IsHttp(path.text)) {
    return session_.Error(path.place, absl::StrCat("\"", path.text,
                                                   "\" is a file over HTTP; rendering opens "
                                                   "no connection: copy it into the tree"));
  }
  absl::StatusOr<std::string> resolved = Resolve(path.text);
  if (!resolved.ok()) {
    return session_.Error(path.place,
                          absl::StrCat("\"", path.text, "\": ", resolved.status().message()));
  }
  auto content = session_.snapshot().ReadFile(*resolved, session_.options().limits.file_bytes);
  if (!content.ok()) return Missing(path, *resolved, content.status());
  LOCKSTEP_RETURN_IF_ERROR(session_.CountBytes(*resolved, (*content)->size()));
  return *std::move(content);
}

absl::StatusOr<std::shared_ptr<const FileCache::Documents>> Loader::ReadDocuments(
    const Text& path, absl::string_view how,
    absl::FunctionRef<FileCache::Documents(const std::string&, const std::string&, uint32_t)> read)
    const {
  absl::StatusOr<std::string> resolved = Resolve(path.text);
  if (!resolved.ok()) {
    return session_.Error(path.place,
                          absl::StrCat("\"", path.text, "\": ", resolved.status().message()));
  }
  absl::StatusOr<Snapshot::Entry> entry = session_.snapshot().Find(*resolved);
  if (!entry.ok()) return Missing(path, *resolved, entry.status());
  std::shared_ptr<const FileCache::Documents> documents =
      session_.cache().Find(*resolved, entry->id, how);
  if (documents == nullptr) {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> content, Read(path));
    documents = session_.cache().Get(*resolved, entry->id, how, *content, [&](uint32_t line_base) {
      return read(*content, session_.Shown(*resolved), line_base);
    });
  }
  if (!documents->ok()) return documents->status();
  return documents;
}

absl::StatusOr<std::shared_ptr<const FileCache::Documents>> Loader::ReadObjects(
    const Text& path, FileKind kind) const {
  if (IsHttp(path.text)) return Read(path).status();
  return ReadDocuments(
      path, kind == FileKind::kPatches ? "patches" : "resources",
      [this, kind](const std::string& content, const std::string& file, uint32_t base) {
        for (auto& [line, text] : FindSchemaComments(content)) {
          session_.cache().AddNote(base + line, std::move(text));
        }
        return ReadResources(content, file, base, kind);
      });
}

absl::StatusOr<std::shared_ptr<const FileCache::Documents>> Loader::ReadConfiguration(
    const Text& path) const {
  if (IsHttp(path.text)) return Read(path).status();
  return ReadDocuments(path, "configuration", ReadOneDocument);
}

absl::StatusOr<Loader::KustomizationFile> Loader::ReadKustomization(Place from) const {
  const auto error = [this, from](absl::string_view message) {
    if (from.line != 0) return session_.Error(from, message);
    return absl::InvalidArgumentError(absl::StrCat(session_.Shown(root_), ": ", message));
  };
  KustomizationFile found;
  for (const absl::string_view name : kNames) {
    const std::string path = root_.empty() ? std::string(name) : absl::StrCat(root_, "/", name);
    absl::StatusOr<Snapshot::Entry> entry = session_.snapshot().Find(path);
    if (!entry.ok() || entry->kind == Snapshot::Kind::kDirectory) continue;
    if (!found.path.empty()) {
      return error(absl::StrCat("there is both ", session_.Shown(found.path), " and ", name,
                                "; remove one of the two"));
    }
    found.path = path;
  }
  if (found.path.empty()) {
    return error(absl::StrCat("there is no ", session_.Shown(root_), root_.empty() ? "" : "/",
                              kNames[0], "; add one or name the files"));
  }
  LOCKSTEP_RETURN_IF_ERROR(session_.CountKustomization(found.path));
  Text name;
  name.text = found.path.substr(root_.empty() ? 0 : root_.size() + 1);
  name.place = from;
  LOCKSTEP_ASSIGN_OR_RETURN(found.documents, ReadConfiguration(name));
  if ((*found.documents)->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(session_.Shown(found.path), ":1:1: the kustomization is empty"));
  }
  return found;
}

bool Loader::IsFile(absl::string_view path) const {
  absl::StatusOr<std::string> joined = JoinPath(absl::StartsWith(path, "/") ? "" : root_, path);
  if (!joined.ok()) return false;
  absl::StatusOr<Snapshot::Entry> entry = session_.snapshot().Find(*joined);
  return entry.ok() && entry->kind != Snapshot::Kind::kDirectory;
}

absl::StatusOr<std::unique_ptr<Loader>> Loader::Enter(const Text& path) const {
  const auto error = [this, &path](absl::string_view message) {
    return session_.Error(path.place, absl::StrCat("\"", path.text, "\": ", message));
  };
  if (path.text.empty()) return error("the path is empty");
  if (const std::optional<NeededRepository> needed = ParseRepository(path.text)) {
    return session_.At(path.place, Needs(*needed));
  }
  if (IsHttp(path.text)) return Read(path).status();
  if (absl::StartsWith(path.text, "/")) return error("a folder must not be absolute");
  absl::StatusOr<std::string> joined = JoinPath(root_, path.text);
  if (!joined.ok()) return error(joined.status().message());
  absl::StatusOr<Snapshot::Entry> entry = session_.snapshot().Find(*joined);
  if (!entry.ok()) return Missing(path, *joined, entry.status());
  if (entry->kind != Snapshot::Kind::kDirectory) {
    return error("this is a symbolic link or a submodule, which is not followed");
  }
  for (const Loader* each = this; each != nullptr; each = each->parent_) {
    if (IsWithin(each->root_, *joined)) {
      return error(absl::StrCat("a cycle: ", session_.Shown(*joined), " contains ",
                                session_.Shown(each->root_), ", which leads here"));
    }
  }
  if (Depth() >= session_.options().limits.depth) {
    return session_.At(path.place, absl::ResourceExhaustedError(absl::StrCat(
                                       "more than ", session_.options().limits.depth,
                                       " kustomizations inside one another; flatten them")));
  }
  return std::make_unique<Loader>(&session_, *std::move(joined), this);
}

}  // namespace lockstep::kustomize
