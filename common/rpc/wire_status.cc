#include <algorithm>

#include "common/rpc/wire_fields.h"

// What an agent reports of its applications.
namespace lockstep::wire {
namespace {

v1::ApplicationState State(ApplicationState state) {
  switch (state) {
    case ApplicationState::kProgressing:
      return v1::PROGRESSING;
    case ApplicationState::kSynced:
      return v1::SYNCED;
    case ApplicationState::kHeld:
      return v1::HELD;
    case ApplicationState::kStalled:
      return v1::STALLED;
    case ApplicationState::kSuspended:
      return v1::SUSPENDED;
    case ApplicationState::kDegraded:
      return v1::DEGRADED;
    case ApplicationState::kReleased:
      return v1::RELEASED;
    case ApplicationState::kDeleting:
      return v1::DELETING;
  }
  return v1::APPLICATION_STATE_UNSPECIFIED;
}

// Else it goes before, in parts.
bool StandsInReport(const std::vector<ObjectKey>& keys) {
  return KeyListBytes(keys) <= kInlineListBytesMax;
}

void WriteReport(const ApplicationReport& own, v1::ApplicationStatusReport* wire) {
  wire->set_name(own.name);
  wire->set_generation(own.generation);
  wire->set_manifest(FromDigest(own.manifest));
  wire->set_state(State(own.state));
  wire->set_reason(CleanText(own.reason, kMessageBytesMax));
  wire->set_message(CleanText(own.message, kMessageBytesMax));
  FromTime(own.since, wire->mutable_since());
  wire->set_objects(own.objects);
  if (StandsInReport(own.held)) {
    for (const ObjectKey& key : own.held) FromKey(key, wire->add_held());
  }
  if (!own.held.empty()) wire->set_held_digest(FromDigest(KeyListDigest(own.held)));
  if (StandsInReport(own.orphans)) {
    for (const ObjectKey& key : own.orphans) FromKey(key, wire->add_orphans());
  } else {
    wire->set_orphans_digest(FromDigest(KeyListDigest(own.orphans)));
  }
  for (const ObjectProblem& problem : own.problems) {
    if (static_cast<size_t>(wire->problems_size()) == kProblemsMax) break;
    v1::ObjectStatus* status = wire->add_problems();
    FromKey(problem.key, status->mutable_key());
    status->set_state(CleanText(problem.state, kMessageBytesMax));
    status->set_message(CleanText(problem.message, kMessageBytesMax));
  }
  wire->set_problem_count(own.problem_count);
  wire->set_writes(own.writes);
  wire->set_deletes(own.deletes);
  if (own.last_compared != absl::InfinitePast())
    FromTime(own.last_compared, wire->mutable_last_compared());
}

void WriteDrift(const DriftReport& own, v1::Drift* wire) {
  wire->set_application(own.application);
  FromKey(own.key, wire->mutable_key());
  wire->set_kind(own.kind == DriftReport::Kind::kDeleted ? v1::Drift::DELETED
                                                         : v1::Drift::MODIFIED);
  for (const std::string& field : own.fields) {
    if (wire->fields_size() == 16) break;
    wire->add_fields(CleanText(field, kTextBytesMax));
  }
  FromTime(own.time, wire->mutable_time());
  const int64_t restored_in_us = absl::ToInt64Microseconds(own.restored_in);
  wire->set_restored_in_us(static_cast<uint64_t>(std::max<int64_t>(restored_in_us, 0)));
}

absl::Status ReadState(v1::ApplicationState wire, ApplicationState* own) {
  switch (wire) {
    case v1::APPLICATION_STATE_UNSPECIFIED:
      return Wrong("state", "unspecified");
    case v1::SYNCED:
      *own = ApplicationState::kSynced;
      break;
    case v1::HELD:
      *own = ApplicationState::kHeld;
      break;
    case v1::STALLED:
      *own = ApplicationState::kStalled;
      break;
    case v1::SUSPENDED:
      *own = ApplicationState::kSuspended;
      break;
    case v1::DEGRADED:
      *own = ApplicationState::kDegraded;
      break;
    case v1::RELEASED:
      *own = ApplicationState::kReleased;
      break;
    case v1::DELETING:
      *own = ApplicationState::kDeleting;
      break;
    default:
      *own = ApplicationState::kProgressing;  // A newer agent's state: never shown as done.
  }
  return absl::OkStatus();
}

absl::Status ReadProblem(const v1::ObjectStatus& wire, ObjectProblem* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadKey("key", wire.key(), &own->key));
  LOCKSTEP_RETURN_IF_ERROR(ReadText("state", wire.state(), kMessageBytesMax, &own->state));
  return ReadText("message", wire.message(), kMessageBytesMax, &own->message);
}

// A list that came before.
absl::Status FindList(absl::string_view field, const std::string& wire, const KeyLists& lists,
                      std::vector<ObjectKey>* keys) {
  Digest digest;
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest(field, wire, Absent::kRefused, &digest));
  const std::vector<ObjectKey>* list = lists.Find(digest);
  if (list == nullptr) return Wrong(field, "names a list that did not come before the status");
  *keys = *list;
  return absl::OkStatus();
}

absl::Status ReadHeld(const v1::ApplicationStatusReport& wire, const KeyLists& lists,
                      ApplicationReport* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadKeys("held", wire.held(), Order::kAscending, &own->held));
  if (own->held.empty() && wire.held_digest().empty()) return absl::OkStatus();
  if (own->held.empty()) return FindList("held_digest", wire.held_digest(), lists, &own->held);
  Digest digest;
  LOCKSTEP_RETURN_IF_ERROR(
      ReadDigest("held_digest", wire.held_digest(), Absent::kAllowed, &digest));
  if (digest == KeyListDigest(own->held)) return absl::OkStatus();
  return Wrong("held_digest", "is not the digest of the keys in held");
}

absl::Status ReadReport(const v1::ApplicationStatusReport& wire, const KeyLists& lists,
                        ApplicationReport* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadApplicationName("name", wire.name(), &own->name));
  own->generation = wire.generation();
  LOCKSTEP_RETURN_IF_ERROR(
      ReadDigest("manifest", wire.manifest(), Absent::kAllowed, &own->manifest));
  LOCKSTEP_RETURN_IF_ERROR(ReadState(wire.state(), &own->state));
  LOCKSTEP_RETURN_IF_ERROR(ReadText("reason", wire.reason(), kMessageBytesMax, &own->reason));
  LOCKSTEP_RETURN_IF_ERROR(ReadText("message", wire.message(), kMessageBytesMax, &own->message));
  LOCKSTEP_RETURN_IF_ERROR(ReadTime("since", wire.since(), &own->since));
  own->objects = wire.objects();
  LOCKSTEP_RETURN_IF_ERROR(ReadHeld(wire, lists, own));
  LOCKSTEP_RETURN_IF_ERROR(ReadKeys("orphans", wire.orphans(), Order::kAscending, &own->orphans));
  if (!wire.orphans_digest().empty()) {
    if (!own->orphans.empty()) return Wrong("orphans_digest", "stands in place of orphans");
    LOCKSTEP_RETURN_IF_ERROR(
        FindList("orphans_digest", wire.orphans_digest(), lists, &own->orphans));
  }
  LOCKSTEP_RETURN_IF_ERROR(
      ReadList("problems", wire.problems(), kProblemsMax, &own->problems, ReadProblem));
  own->problem_count = wire.problem_count();
  own->writes = wire.writes();
  own->deletes = wire.deletes();
  if (!wire.has_last_compared()) return absl::OkStatus();
  return ReadTime("last_compared", wire.last_compared(), &own->last_compared);
}

absl::Status ReadDrift(const v1::Drift& wire, DriftReport* own) {
  LOCKSTEP_RETURN_IF_ERROR(
      ReadApplicationName("application", wire.application(), &own->application));
  LOCKSTEP_RETURN_IF_ERROR(ReadKey("key", wire.key(), &own->key));
  if (wire.kind() == v1::Drift::KIND_UNSPECIFIED) return Wrong("kind", "unspecified");
  own->kind = wire.kind() == v1::Drift::DELETED ? DriftReport::Kind::kDeleted
                                                : DriftReport::Kind::kModified;
  LOCKSTEP_RETURN_IF_ERROR(ReadList("fields", wire.fields(), 16, &own->fields,
                                    [](const std::string& field, std::string* text) {
                                      return ReadText("path", field, kTextBytesMax, text);
                                    }));
  LOCKSTEP_RETURN_IF_ERROR(ReadTime("time", wire.time(), &own->time));
  constexpr uint64_t kDayInUs = 86400ull * 1000 * 1000;
  own->restored_in =
      absl::Microseconds(static_cast<int64_t>(std::min(wire.restored_in_us(), kDayInUs)));
  return absl::OkStatus();
}

}  // namespace

void WriteStatus(const StatusReport& own, v1::Status* wire) {
  wire->set_seq(own.seq);
  wire->set_full(own.full);
  for (const ApplicationReport& report : own.applications)
    WriteReport(report, wire->add_applications());
  for (const DriftReport& drift : own.drifts) WriteDrift(drift, wire->add_drifts());
}

absl::Status ReadStatus(const v1::Status& wire, const KeyLists& lists, StatusReport* own) {
  own->seq = wire.seq();
  own->full = wire.full();
  LOCKSTEP_RETURN_IF_ERROR(
      ReadList("applications", wire.applications(), kApplicationsMax, &own->applications,
               [&](const v1::ApplicationStatusReport& report, ApplicationReport* read) {
                 return ReadReport(report, lists, read);
               }));
  return ReadList("drifts", wire.drifts(), kWireDriftsMax, &own->drifts, ReadDrift);
}

}  // namespace lockstep::wire
