#pragma once

#include "hub/source/fetch_message.h"

namespace lockstep {

/// Does `order` in this process: connects, chooses among what the remote has, brings what lacks,
/// checks that the commit is whole, and only then moves the mirror's refs. For a fetch process: it
/// may hang, it may use much memory, and it may be killed at any moment; what that leaves is swept
/// by the next.
FetchReport RunFetchJob(const FetchOrder& order);

}  // namespace lockstep
