#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "common/base/mutex.h"
#include "common/base/thread.h"
#include "hub/loop/loop.h"
#include "hub/loop/ports.h"
#include "hub/metrics/hub_metrics.h"
#include "hub/source/git_source.h"
#include "hub/store/secret_box.h"

namespace lockstep {

/// The mirrors that the repositories of `state` use, by MirrorName; those of URLs that are none are
/// left out.
std::set<std::string> MirrorsOf(const HubState& state);

/// The loop's way to Git: fetches on a pool, with the credentials opened for just that call, and
/// opens what was fetched.
///
/// Everything borrowed outlives this; Start is called on the loop thread, Open on any.
class SourcePort : public FetchPort, public SnapshotProvider {
 public:
  struct Parts {
    GitSource* source = nullptr;
    const SecretBox* box = nullptr;
    TaskRunner* pool = nullptr;
    HubMetrics* metrics = nullptr;
    Clock* clock = nullptr;
  };

  explicit SourcePort(Parts parts) : parts_(parts) {}

  /// What was fetched before this start can be opened before the next fetch. Call before the loop
  /// starts.
  void Remember(const HubState& state);

  /// Where results go; set before the loop starts.
  void set_loop(Loop* loop) { loop_ = loop; }

  void Start(effect::StartFetch fetch) override;

  absl::StatusOr<std::shared_ptr<const Snapshot>> Open(const NamespacedName& repository,
                                                       absl::string_view commit) override;

  /// Fetches `revision`, a commit's 40 hex digits, a branch or a tag, and says which commit it is.
  /// Blocks; any thread.
  absl::StatusOr<event::Fetched> FindRevision(const effect::StartFetch& fetch,
                                              absl::string_view revision);

 private:
  absl::StatusOr<FetchResult> Fetch(const effect::StartFetch& fetch, const GitRef& ref);

  // Fixed before the loop starts.
  const Parts parts_;
  Loop* loop_ = nullptr;

  // Guarded by mutex_.
  Mutex mutex_;
  std::map<NamespacedName, std::string> mirrors_ ABSL_GUARDED_BY(mutex_);  // Of the last fetch.
};

}  // namespace lockstep
