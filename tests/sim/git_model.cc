#include "tests/sim/git_model.h"

#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

namespace lockstep::sim {

std::string GitModel::Blob(const ObjectKey& key, const std::string& text) {
  const std::string version = key.group.empty() ? "v1" : absl::StrCat(key.group, "/v1");
  const std::string place =
      key.namespace_.empty() ? "" : absl::StrCat(R"(,"namespace":")", key.namespace_, R"(")");
  return absl::StrCat(R"({"apiVersion":")", version, R"(","data":{"text":")", text,
                      R"("},"kind":")", key.kind, R"(","metadata":{"name":")", key.name, R"(")",
                      place, "}}");
}

void GitModel::Add(const std::string& parent) {
  const std::string id = absl::StrFormat("%08x%032x", number_, commits_.size() + 1);
  commits_[id] = {tree, parent};
  heads_.push_back(id);
}

void GitModel::Commit() { Add(heads_.empty() ? "" : head()); }

void GitModel::Rewrite(Rng* rng) {
  const std::string to = SomeHead(rng);
  const Stored& stored = commits_.at(to);
  tree = stored.tree;
  if (rng->Below(2) == 0) {
    heads_.push_back(to);
  } else {
    Add(stored.parent);
  }
}

bool GitModel::Descends(std::string commit, const std::string& ancestor) const {
  while (!commit.empty() && commit != ancestor) commit = commits_.at(commit).parent;
  return commit == ancestor;
}

std::optional<size_t> GitModel::WasHead(const std::string& commit, size_t from) const {
  for (size_t i = from; i < heads_.size(); ++i) {
    if (heads_[i] == commit) return i;
  }
  return std::nullopt;
}

const GitModel::Expected& GitModel::Expect(const std::string& commit, const std::string& path) {
  const auto [at, added] = expected_.try_emplace(absl::StrCat(commit, " ", path));
  if (!added) return at->second;
  Expected& expected = at->second;
  const auto at_commit = commits_.find(commit);
  if (at_commit == commits_.end()) {
    expected.kind = Expected::Kind::kUnknown;
    return expected;
  }
  const auto folder = at_commit->second.tree.find(path);
  if (folder == at_commit->second.tree.end()) return expected;
  expected.kind = folder->second.broken ? Expected::Kind::kError : Expected::Kind::kObjects;
  std::vector<ManifestEntry> entries;
  for (const auto& [key, text] : folder->second.objects) {
    entries.push_back({key, Digest::Of(Blob(key, text))});
  }
  if (!entries.empty()) expected.manifest = *Manifest::Make(std::move(entries));
  return expected;
}

absl::StatusOr<std::shared_ptr<const Snapshot>> GitModel::Open(const NamespacedName&,
                                                               absl::string_view commit) {
  if (opened_ != nullptr && opened_->commit() == commit) return opened_;
  const auto at = commits_.find(std::string(commit));
  if (at == commits_.end()) return absl::NotFoundError("no such commit");
  auto snapshot = std::make_shared<MapSnapshot>(std::string(commit));
  snapshot->AddFile("README.md", "A repository of the simulation.");
  for (const auto& [path, folder] : at->second.tree) {
    snapshot->AddFile(absl::StrCat(path, "/empty.yaml"), "");
    if (folder.broken) snapshot->AddFile(absl::StrCat(path, "/broken.yaml"), "a: [");
    for (const auto& [key, text] : folder.objects) {
      snapshot->AddFile(absl::StrCat(path, "/", key.kind, "-", key.name, ".json"), Blob(key, text));
    }
  }
  opened_ = snapshot;
  return opened_;
}

}  // namespace lockstep::sim
