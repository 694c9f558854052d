#include "common/render/map_snapshot.h"

#include <utility>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/base/digest.h"

namespace lockstep {
namespace {

absl::Status NotFound(absl::string_view path) {
  return absl::NotFoundError(absl::StrCat("\"", path, "\" is not in the repository"));
}

}  // namespace

MapSnapshot::MapSnapshot(std::string commit, const std::map<std::string, std::string>& files)
    : commit_(std::move(commit)) {
  ComputeId(root_);
  for (const auto& [path, content] : files) AddFile(path, content);
}

void MapSnapshot::AddFile(absl::string_view path, absl::string_view content) {
  Add(path, Kind::kFile, content);
}
void MapSnapshot::AddSymlink(absl::string_view path, absl::string_view target) {
  Add(path, Kind::kSymlink, target);
}
void MapSnapshot::AddSubmodule(absl::string_view path, absl::string_view id) {
  Add(path, Kind::kSubmodule, id);
}

void MapSnapshot::Add(absl::string_view path, Kind kind, absl::string_view content) {
  std::vector<Node*> way = {&root_};
  for (const absl::string_view part : absl::StrSplit(path, '/'))
    way.push_back(&way.back()->children[std::string(part)]);
  Node& leaf = *way.back();
  leaf.kind = kind;
  leaf.content = std::make_shared<const std::string>(content);
  leaf.children.clear();
  for (auto node = way.rbegin(); node != way.rend(); ++node) ComputeId(**node);
}

void MapSnapshot::ComputeId(Node& node) {
  Hasher hasher;
  hasher.AddInteger(static_cast<uint64_t>(node.kind));
  if (node.content != nullptr) hasher.AddSized(*node.content);
  for (const auto& [name, child] : node.children) {
    hasher.AddSized(name);
    hasher.AddSized(child.id);
  }
  node.id = std::string(hasher.Finish().bytes().substr(0, 20));
}

const MapSnapshot::Node* MapSnapshot::Locate(absl::string_view path) const {
  const Node* node = &root_;
  if (path.empty()) return node;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    const auto found = node->children.find(std::string(part));
    if (found == node->children.end()) return nullptr;
    node = &found->second;
  }
  return node;
}

Snapshot::Entry MapSnapshot::ToEntry(absl::string_view name, const Node& node) {
  Entry entry{.name = std::string(name), .kind = node.kind, .id = node.id};
  if (node.kind == Kind::kFile) entry.bytes = node.content->size();
  return entry;
}

absl::StatusOr<Snapshot::Entry> MapSnapshot::Find(absl::string_view path) const {
  const Node* node = Locate(path);
  if (node == nullptr) return NotFound(path);
  return ToEntry(path.substr(path.rfind('/') + 1), *node);
}

absl::StatusOr<std::vector<Snapshot::Entry>> MapSnapshot::List(absl::string_view path,
                                                               size_t entries_max) const {
  const Node* node = Locate(path);
  if (node == nullptr) return NotFound(path);
  if (node->kind != Kind::kDirectory) {
    return absl::FailedPreconditionError(absl::StrCat("\"", path, "\" is no directory"));
  }
  if (node->children.size() > entries_max) {
    return absl::ResourceExhaustedError(absl::StrCat("\"", path, "\" has ", node->children.size(),
                                                     " entries; the limit is ", entries_max));
  }
  std::vector<Entry> entries;
  entries.reserve(node->children.size());
  for (const auto& [name, child] : node->children) entries.push_back(ToEntry(name, child));
  return entries;
}

absl::StatusOr<std::shared_ptr<const std::string>> MapSnapshot::ReadFile(absl::string_view path,
                                                                         uint64_t bytes_max) const {
  const Node* node = Locate(path);
  if (node == nullptr) return NotFound(path);
  if (node->kind != Kind::kFile) {
    return absl::FailedPreconditionError(absl::StrCat("\"", path, "\" is no file"));
  }
  if (node->content->size() > bytes_max) {
    return absl::ResourceExhaustedError(absl::StrCat("\"", path, "\" has ", node->content->size(),
                                                     " bytes; the limit is ", bytes_max));
  }
  return node->content;
}

}  // namespace lockstep
