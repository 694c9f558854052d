#pragma once

#include <optional>
#include <string>

#include <absl/strings/string_view.h>

#include "hub/core/turn.h"

/// Applications on clusters: where they are, and the one way in which what they should be changes.
namespace lockstep {

/// How `application` is treated on `cluster`: its specification and all suspensions.
ApplicationOptions DesiredOptions(const HubState& state, const ResourceState& application,
                                  absl::string_view cluster);

/// Whether a suspension holds, by specification or verb, of the application or the cluster.
bool IsSuspended(const HubState& state, const ResourceState& application,
                 absl::string_view cluster);
bool IsSuspended(const ResourceState& resource);

/// Makes `next` what the instance should be: gives it the next generation, writes history, has it
/// delivered. The generation, time and digest of the options are filled in here; what of the
/// assignment before was not received yet and still holds (an approval, tombstones, acceptance)
/// goes along.
void Assign(Turn& turn, const std::string& cluster, const std::string& application,
            Instance& instance, Assignment next, absl::string_view cause);

/// Adds an instance, to be rendered.
Instance& AddInstance(Turn& turn, const std::string& cluster, const std::string& application);

/// Forgets an instance; its generations are never given again. What its agent said it left there
/// is kept.
void DropInstance(Turn& turn, const std::string& cluster, const std::string& application);

/// Takes an agent's word on an application that it let go of and that has no instance: what it left
/// there is remembered, until nothing is.
void NoteLeft(Turn& turn, const std::string& cluster, const ApplicationReport& report);

/// What an application left on a cluster at most; more agents cannot make the hub remember.
inline constexpr size_t kLeftPerClusterMax = 5'000;

/// Objects that nobody corrects and that may be deleted by name, sorted: what left Git and stays,
/// what was left by an application that went, and such of them as the guard holds.
std::vector<ObjectKey> OrphansOf(const Instance& instance);

/// Forgets the instances whose release the agent reported. A hub that lost state may hear of a
/// release before it decides it: the report waits for the decision.
void DropReleased(Turn& turn, const std::string& cluster);

/// Brings the instances of the application in line with its placement, and their options with its
/// specification. One that is new is rendered; one whose place is gone is planned for release.
void SyncInstances(Turn& turn, const std::string& application);

/// As SyncInstances, on this cluster alone.
void SyncPlace(Turn& turn, const std::string& application, const std::string& cluster);

/// As SyncInstances for all applications, after something about `cluster` changed.
void SyncCluster(Turn& turn, const std::string& cluster);

/// What was rendered for the instance is of another specification: it is no candidate any more, and
/// nothing of it is green until the present one is rendered. What is assigned goes on.
void ForgetRendering(Turn& turn, const std::string& cluster, const std::string& application,
                     Instance& instance);

/// Has every instance of the application rendered again, whatever was read.
void RenderAgain(Turn& turn, const std::string& application);

/// Removes the application if it is going and no cluster holds it any more.
void FinishGoing(Turn& turn, const std::string& application);

/// What is deleted where the application goes from the cluster with its objects: what the agent
/// will list.
std::vector<ObjectKey> ReleaseList(const Instance& instance);

/// The Application's key.
inline ResourceKey ApplicationKey(absl::string_view application) {
  const NamespacedName name = ParseNamespacedName(application);
  return {ResourceKind::kApplication, name.namespace_, name.name};
}
inline ResourceKey ClusterKey(absl::string_view cluster) {
  return {ResourceKind::kCluster, "", std::string(cluster)};
}

}  // namespace lockstep
