#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/record.h"
#include "common/bundle/link.h"

namespace lockstep {

/// What becomes of a Desired.
struct Acceptance {
  /// Documents that have to be read before anything can be said of the rest: all of it waits.
  std::vector<DocumentReference> documents;

  /// Blobs that the accepted applications need and that are nowhere: not empty means that all of
  /// it waits for them.
  std::vector<Digest> missing;

  std::vector<Record> records;
  std::vector<std::pair<Digest, std::string>> blobs;      // Those that travelled in it.
  std::map<std::string, std::vector<ObjectKey>> changed;  // Accepted: keys to look at.
  std::vector<ApplicationAck> refused;
};

/// Judges every application of `desired` against what is held (docs/agent.md "What is accepted").
/// Pure; the caller has checked seq, epoch and the commit point.
///
/// `fetched` are blobs in the store that no manifest names yet, `documents` what was fetched of
/// those that `desired` refers to. The records also hold what changes
/// for applications that `desired` does not name: tombstones and inventory of objects that another
/// application takes over.
Acceptance Judge(const DurableState& held, const Desired& desired, const std::set<Digest>& fetched,
                 const std::map<Digest, std::string>& documents);

}  // namespace lockstep
