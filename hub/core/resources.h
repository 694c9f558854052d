#pragma once

#include <string>

#include <absl/status/status.h>

#include "hub/core/turn.h"

/// Resources: how they come, change and go, whoever asks.
namespace lockstep {

/// Whether `declared` differs from what is there.
enum class Change : uint8_t { kCreated, kConfigured, kUnchanged };
Change Compare(const ResourceState* present, const DeclaredResource& declared);

/// Makes the resource what `declared` says; `file` is set where it comes from the configuration
/// repository. Everything that depends on it follows.
Change Put(Turn& turn, const DeclaredResource& declared, const std::string& author,
           const std::string* file);

/// Lets a resource go: applications once their clusters have let go of them, others at once.
/// Clusters only go by `cluster remove`.
void BeginGoing(Turn& turn, const ResourceKey& key, command::Delete::Objects objects);

/// What a new or changed Cluster sets in motion.
void SetClusterLabels(Turn& turn, const std::string& cluster);

/// A resource of the configuration repository is not there any more: it goes; a Cluster stays.
void LeaveGit(Turn& turn, const ResourceKey& key);

/// Deals with what the configuration repository declares now. RESOURCES "From Git".
void OnConfigRead(Turn& turn, const event::ConfigRead& read);

/// Deletes of resources that pass without approval: as many as the deletion guard lets pass of
/// `count`.
bool PassesGuard(size_t vanished, size_t count);

}  // namespace lockstep
