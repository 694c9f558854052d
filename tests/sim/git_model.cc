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

void GitModel::Commit() {
  head_ = absl::StrFormat("%040x", commits_.size() + 1);
  commits_[head_] = tree;
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
  const auto folder = at_commit->second.find(path);
  if (folder == at_commit->second.end()) return expected;
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
  for (const auto& [path, folder] : at->second) {
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
