#include "hub/cli/render_tree.h"

#include <algorithm>
#include <atomic>
#include <unistd.h>

#include <absl/strings/str_cat.h>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/base/thread.h"
#include "common/base/wakeup.h"

namespace lockstep {
namespace {

constexpr size_t kEntriesMax = 1'000'000;
constexpr absl::Duration kProgressEvery = absl::Milliseconds(100);

std::string Join(absl::string_view folder, absl::string_view name) {
  return folder.empty() ? std::string(name) : absl::StrCat(folder, "/", name);
}

bool IsKustomization(const Snapshot::Entry& entry) {
  return entry.kind == Snapshot::Kind::kFile &&
         (entry.name == "kustomization.yaml" || entry.name == "kustomization.yml" ||
          entry.name == "Kustomization");
}

/// How many are done, for a thread that waits.
class Count {
 public:
  explicit Count(size_t all) : all_(all) {
    if (all == 0) all_done_.Wake();
  }

  void Add() ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(&mutex_);
    if (++done_ == all_) all_done_.Wake();
  }
  /// Waits until all are done, or a while. Returns how many are.
  size_t Wait() ABSL_LOCKS_EXCLUDED(mutex_) {
    all_done_.Wait(kProgressEvery);
    const MutexLock lock(&mutex_);
    return done_;
  }

 private:
  const size_t all_;
  Wakeup all_done_;
  Mutex mutex_;
  size_t done_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> FindKustomizations(const Snapshot& snapshot,
                                                            absl::string_view root) {
  std::vector<std::string> found;
  std::vector<std::string> waiting = {""};
  size_t entries_seen = 0;
  while (!waiting.empty()) {
    const std::string folder = std::move(waiting.back());
    waiting.pop_back();
    const std::string path = folder.empty() ? std::string(root) : Join(root, folder);
    LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Snapshot::Entry> entries,
                              snapshot.List(path, kEntriesMax - entries_seen));
    entries_seen += entries.size();
    bool holds_one = false;
    for (const Snapshot::Entry& entry : entries) {
      holds_one = holds_one || IsKustomization(entry);
      if (entry.kind == Snapshot::Kind::kDirectory && entry.name != ".git") {
        waiting.push_back(Join(folder, entry.name));
      }
    }
    if (holds_one) found.push_back(folder);
  }
  std::sort(found.begin(), found.end());
  return found;
}

TreeRenderer::TreeRenderer(const Snapshot* snapshot, std::string root,
                           kustomize::BuildOptions options)
    : snapshot_(*snapshot), root_(std::move(root)), options_(std::move(options)) {}

absl::Status TreeRenderer::RenderOne(const std::string& folder, const Sink& sink) {
  const std::string path = folder.empty() ? root_ : Join(root_, folder);
  LOCKSTEP_ASSIGN_OR_RETURN(const kustomize::BuildResult built,
                            kustomize::Build(snapshot_, path, options_, &cache_));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string text, kustomize::WriteResources(built.resources));
  return sink(folder, text);
}

std::vector<TreeRenderer::Refused> TreeRenderer::Render(const std::vector<std::string>& folders,
                                                        const Sink& sink, Progress progress) {
  std::vector<absl::Status> outcomes(folders.size());
  std::atomic<size_t> next = 0;
  Count count(folders.size());
  const auto work = [&] {
    for (size_t i = next++; i < folders.size(); i = next++) {
      outcomes[i] = RenderOne(folders[i], sink);
      count.Add();
    }
  };
  const long cores = std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  std::vector<Thread> threads;
  for (long i = 0; i < cores; ++i) threads.emplace_back("render", work);
  while (true) {
    const size_t done = count.Wait();
    progress(done);
    if (done == folders.size()) break;
  }
  threads.clear();
  std::vector<Refused> refused;
  for (size_t i = 0; i < folders.size(); ++i) {
    if (!outcomes[i].ok()) refused.push_back({folders[i], outcomes[i]});
  }
  return refused;
}

}  // namespace lockstep
