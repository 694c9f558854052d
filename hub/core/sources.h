#pragma once

#include <absl/time/time.h>

#include "hub/core/turn.h"

/// Repositories: when they are fetched, and what becomes of what a fetch or a rendering brought.
namespace lockstep {

inline constexpr absl::Duration kBackoffFirst = absl::Seconds(5);
inline constexpr absl::Duration kBackoffMax = absl::Minutes(10);
inline constexpr double kIntervalJitter = 0.1;  // Either way.
inline constexpr size_t kSyncWaitersMax = 1'000;

/// lockstep-system/config.
const NamespacedName& ConfigRepositoryName();

/// The repository's specification; null where there is none (any more).
const GitRepository* FindRepository(const HubState& state, const NamespacedName& name);

/// Whether rendering makes the same of both, wherever they are placed and however they are applied.
bool RendersAlike(const ApplicationSpec& a, const ApplicationSpec& b);

/// Starts the fetches that were asked for or are due.
void StartFetches(Turn& turn);

/// Starts the renderings that were asked for and can go.
void StartRenders(Turn& turn);

void OnFetchDone(Turn& turn, const event::FetchDone& done);
void OnRenderDone(Turn& turn, const event::RenderDone& done);

/// The next time at which a repository is due.
absl::Time NextFetch(const HubState& state);

}  // namespace lockstep
