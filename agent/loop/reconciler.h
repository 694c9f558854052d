#pragma once

#include "agent/core/reconcile.h"
#include "agent/store/storage.h"
#include "agent/target/target.h"

namespace lockstep {

/// Carries out one task: observe, plan, validate, write stage by stage, delete. Blocks; everything
/// is borrowed for the call. Memory is bounded by kChunkBytes of object text at a time.
///
/// A stage of which one object fails its validation is not written, nor is any later one. Deletes
/// come last and only where nothing failed. Once `cancel` is set no further object is begun.
ReconcileOutcome RunReconcile(const ReconcileTask& task, Target& target,
                              const AgentStorage& storage, const Cancellation& cancel);

}  // namespace lockstep
