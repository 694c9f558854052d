#pragma once

#include <memory>
#include <string>

#include "common/base/thread.h"
#include "common/render/parse_cache.h"
#include "hub/fleet/parse.h"
#include "hub/loop/loop.h"
#include "hub/loop/ports.h"
#include "hub/metrics/hub_metrics.h"
#include "hub/store/store.h"

namespace lockstep {

/// Renders one commit for all applications and clusters of `render` (docs/decisions/0002). Equal
/// inputs are rendered once; an outcome whose input is the job's `previous_input` costs no file.
/// Blobs that `store` holds are left out.
///
/// Blocks; for pools. An error of the snapshot as a whole is each job's error.
event::RenderDone RenderCommit(const effect::StartRender& render, SnapshotProvider* snapshots,
                               ParseCache* cache, const Store& store);

/// The loop's way to rendering, on a pool. Everything borrowed outlives this.
class PoolRenderPort : public RenderPort {
 public:
  struct Parts {
    SnapshotProvider* snapshots = nullptr;
    ParseCache* cache = nullptr;
    const Store* store = nullptr;
    TaskRunner* pool = nullptr;
    HubMetrics* metrics = nullptr;
    Clock* clock = nullptr;
    std::string config_path;  // Of the configuration repository; "" its root.
  };

  explicit PoolRenderPort(Parts parts) : parts_(std::move(parts)) {}

  /// Where results go; set before the loop starts.
  void set_loop(Loop* loop) { loop_ = loop; }

  void Start(effect::StartRender render) override;
  void ReadConfig(effect::ReadConfig read) override;

 private:
  const Parts parts_;
  Loop* loop_ = nullptr;
};

}  // namespace lockstep
