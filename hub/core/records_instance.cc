#include <utility>

#include "lockstep/store/v1/records.pb.h"

#include "common/base/status.h"
#include "hub/core/record_fields.h"
#include "hub/core/records.h"

namespace lockstep {
namespace {

using record::FromDigest;
using record::ReadDigest;
using record::ReadTime;
using record::SetTime;
using StoredAssignment = store::v1::AssignmentRecord;

Digest DigestOf(const OriginsPtr& origins) {
  return origins == nullptr ? Digest() : origins->digest();
}

absl::Status ReadManifest(absl::string_view bytes, const ContentReader& content,
                          ManifestPtr* manifest) {
  Digest digest;
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest(bytes, &digest));
  if (digest.IsZero()) {
    *manifest = EmptyManifest();
    return absl::OkStatus();
  }
  LOCKSTEP_ASSIGN_OR_RETURN(*manifest, content.manifest(digest));
  return absl::OkStatus();
}

// Origins serve messages only: without them a clash names applications instead of files.
absl::Status ReadOrigins(absl::string_view bytes, const ContentReader& content,
                         OriginsPtr* origins) {
  Digest digest;
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest(bytes, &digest));
  if (digest.IsZero()) return absl::OkStatus();
  absl::StatusOr<OriginsPtr> read = content.origins(digest);
  if (read.ok()) *origins = *std::move(read);
  return absl::OkStatus();
}

StoredAssignment::Release ToStored(const std::optional<ReleaseObjects>& release) {
  if (!release.has_value()) return StoredAssignment::NONE;
  return *release == ReleaseObjects::kOrphan ? StoredAssignment::ORPHAN_OBJECTS
                                             : StoredAssignment::DELETE_OBJECTS;
}

absl::Status ReadTarget(const StoredAssignment& record, const ContentReader& content,
                        Assignment* to) {
  to->generation = record.generation();
  LOCKSTEP_RETURN_IF_ERROR(ReadManifest(record.manifest(), content, &to->manifest));
  LOCKSTEP_RETURN_IF_ERROR(ReadOrigins(record.origins(), content, &to->origins));
  if (!record.options().empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(to->options, DecodeOptions(record.options()));
    to->options_digest = Digest::Of(record.options());
  }
  to->revision = record.revision();
  to->time = ReadTime(record.has_time(), record.time());
  if (record.release() == StoredAssignment::ORPHAN_OBJECTS) to->release = ReleaseObjects::kOrphan;
  if (record.release() == StoredAssignment::DELETE_OBJECTS) to->release = ReleaseObjects::kDelete;
  if (!record.approved().empty()) {
    LOCKSTEP_RETURN_IF_ERROR(ReadDigest(record.approved(), &to->approved.emplace()));
  }
  to->tombstones = record::ReadKeys(record.tombstones());
  to->accept_foreign = record.accept_foreign();
  to->missing_path = record.missing_path();
  to->unconfirmed = record.unconfirmed();
  return absl::OkStatus();
}

void SetReport(const ApplicationReport& report, store::v1::StatusRecord::Report* to) {
  to->set_generation(report.generation);
  to->set_manifest(FromDigest(report.manifest));
  to->set_state(static_cast<uint32_t>(report.state) + 1);
  to->set_reason(report.reason);
  to->set_message(report.message);
  SetTime(report.since, to->mutable_since());
  to->set_objects(report.objects);
  record::SetKeys(report.held, to->mutable_held());
  record::SetKeys(report.orphans, to->mutable_orphans());
  for (const ObjectProblem& problem : report.problems) {
    store::v1::StatusRecord::Problem* added = to->add_problems();
    record::SetKey(problem.key, added->mutable_object());
    added->set_state(problem.state);
    added->set_message(problem.message);
  }
  to->set_problem_count(report.problem_count);
  to->set_writes(report.writes);
  to->set_deletes(report.deletes);
  if (report.last_compared != absl::InfinitePast()) {
    SetTime(report.last_compared, to->mutable_last_compared());
  }
}

absl::StatusOr<ApplicationReport> ReadReport(const store::v1::StatusRecord::Report& from,
                                             absl::string_view application) {
  ApplicationReport report;
  report.name = std::string(application);
  report.generation = from.generation();
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest(from.manifest(), &report.manifest));
  if (from.state() == 0 || from.state() > static_cast<uint32_t>(ApplicationState::kDeleting) + 1) {
    return absl::DataLossError("reading a status: it has an unknown state");
  }
  report.state = static_cast<ApplicationState>(from.state() - 1);
  report.reason = from.reason();
  report.message = from.message();
  report.since = ReadTime(from.has_since(), from.since());
  report.objects = from.objects();
  report.held = record::ReadKeys(from.held());
  report.orphans = record::ReadKeys(from.orphans());
  for (const store::v1::StatusRecord::Problem& problem : from.problems()) {
    report.problems.push_back(
        {record::ReadKey(problem.object()), problem.state(), problem.message()});
  }
  report.problem_count = from.problem_count();
  report.writes = from.writes();
  report.deletes = from.deletes();
  report.last_compared = ReadTime(from.has_last_compared(), from.last_compared());
  return report;
}

}  // namespace

std::string EncodeAssignment(const Instance& instance) {
  const Assignment& from = instance.assignment;
  StoredAssignment record;
  record.set_placed(instance.placed);
  record.set_generation(from.generation);
  record.set_manifest(FromDigest(from.manifest->digest()));
  record.set_origins(FromDigest(DigestOf(from.origins)));
  if (from.generation > 0) record.set_options(EncodeOptions(from.options));
  record.set_revision(from.revision);
  SetTime(from.time, record.mutable_time());
  record.set_release(ToStored(from.release));
  if (from.approved.has_value()) record.set_approved(FromDigest(*from.approved));
  record::SetKeys(from.tombstones, record.mutable_tombstones());
  record.set_accept_foreign(from.accept_foreign);
  record.set_missing_path(from.missing_path);
  record.set_unconfirmed(from.unconfirmed);
  if (instance.waiting.has_value()) {
    StoredAssignment::Waiting* waiting = record.mutable_waiting();
    waiting->set_manifest(FromDigest(instance.waiting->manifest->digest()));
    waiting->set_origins(FromDigest(DigestOf(instance.waiting->origins)));
    waiting->set_revision(instance.waiting->revision);
    waiting->set_missing_path(instance.waiting->missing_path);
    waiting->set_unconfirmed(instance.waiting->unconfirmed);
  }
  record.set_refused(instance.refused);
  record.set_input(FromDigest(instance.input));
  record.set_rendered_revision(instance.rendered_revision);
  record.set_error(instance.error);
  record.set_outcome_missing_path(instance.missing_path);
  for (const std::string& warning : instance.warnings) record.add_warnings(warning);
  for (const uint64_t sequence : instance.history) record.add_history(sequence);
  record.set_before(FromDigest(instance.before->digest()));
  record.set_before_revision(instance.before_revision);
  return record::Serialize(record);
}

absl::Status DecodeAssignment(absl::string_view bytes, const ContentReader& content,
                              Instance* instance) {
  StoredAssignment record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  Instance read;
  read.placed = record.placed();
  LOCKSTEP_RETURN_IF_ERROR(ReadTarget(record, content, &read.assignment));
  if (record.has_waiting()) {
    Candidate& waiting = read.waiting.emplace();
    LOCKSTEP_RETURN_IF_ERROR(ReadManifest(record.waiting().manifest(), content, &waiting.manifest));
    LOCKSTEP_RETURN_IF_ERROR(ReadOrigins(record.waiting().origins(), content, &waiting.origins));
    waiting.revision = record.waiting().revision();
    waiting.missing_path = record.waiting().missing_path();
    waiting.unconfirmed = record.waiting().unconfirmed();
  }
  read.refused = record.refused();
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest(record.input(), &read.input));
  read.rendered_revision = record.rendered_revision();
  read.error = record.error();
  read.missing_path = record.outcome_missing_path();
  read.warnings = {record.warnings().begin(), record.warnings().end()};
  read.history = {record.history().begin(), record.history().end()};
  LOCKSTEP_RETURN_IF_ERROR(ReadManifest(record.before(), content, &read.before));
  read.before_revision = record.before_revision();
  *instance = std::move(read);
  return absl::OkStatus();
}

uint64_t GenerationOf(absl::string_view bytes) {
  StoredAssignment record;
  return record::Parse(bytes, &record).ok() ? record.generation() : 0;
}

std::string EncodeStatus(const Instance& instance) {
  store::v1::StatusRecord record;
  store::v1::StatusRecord::Received* received = record.mutable_received();
  received->set_generation(instance.received.generation);
  received->set_manifest(FromDigest(instance.received.manifest->digest()));
  received->set_options_digest(FromDigest(instance.received.options_digest));
  received->set_releasing(instance.received.releasing);
  if (instance.report.has_value()) SetReport(*instance.report, record.mutable_report());
  if (instance.observed_at != absl::InfinitePast()) {
    SetTime(instance.observed_at, record.mutable_observed_at());
  }
  return record::Serialize(record);
}

absl::Status DecodeStatus(absl::string_view bytes, absl::string_view application,
                          const ContentReader& content, Instance* instance) {
  store::v1::StatusRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  ReceivedTarget received;
  received.generation = record.received().generation();
  LOCKSTEP_RETURN_IF_ERROR(ReadManifest(record.received().manifest(), content, &received.manifest));
  LOCKSTEP_RETURN_IF_ERROR(
      ReadDigest(record.received().options_digest(), &received.options_digest));
  received.releasing = record.received().releasing();
  std::optional<ApplicationReport> report;
  if (record.has_report()) {
    LOCKSTEP_ASSIGN_OR_RETURN(report, ReadReport(record.report(), application));
  }
  instance->received = std::move(received);
  instance->report = std::move(report);
  instance->observed_at = ReadTime(record.has_observed_at(), record.observed_at());
  return absl::OkStatus();
}

std::string EncodeLeft(const ApplicationReport& report) {
  store::v1::StatusRecord record;
  SetReport(report, record.mutable_report());
  return record::Serialize(record);
}

absl::StatusOr<ApplicationReport> DecodeLeft(absl::string_view bytes,
                                             absl::string_view application) {
  store::v1::StatusRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  LOCKSTEP_ASSIGN_OR_RETURN(ApplicationReport report, ReadReport(record.report(), application));
  if (report.state != ApplicationState::kReleased) {
    return absl::DataLossError("its assignment is not there");
  }
  return report;
}

std::string EncodeAgent(const ClusterState& cluster) {
  store::v1::AgentRecord record;
  record.set_start_counter(cluster.start_counter);
  record.set_status_seq(cluster.status_seq);
  if (cluster.last_seen != absl::InfinitePast())
    SetTime(cluster.last_seen, record.mutable_last_seen());
  record.set_online(cluster.online);
  record.set_version(cluster.agent_version);
  record.set_target(static_cast<uint32_t>(cluster.target));
  for (const auto& [name, value] : cluster.facts) (*record.mutable_facts())[name] = value;
  return record::Serialize(record);
}

absl::Status DecodeAgent(absl::string_view bytes, ClusterState* cluster) {
  store::v1::AgentRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  cluster->start_counter = record.start_counter();
  cluster->status_seq = record.status_seq();
  cluster->last_seen = ReadTime(record.has_last_seen(), record.last_seen());
  cluster->online = record.online();
  cluster->agent_version = record.version();
  cluster->target = record.target() == 1 ? TargetKind::kKubernetes : TargetKind::kDirectory;
  cluster->facts = {record.facts().begin(), record.facts().end()};
  return absl::OkStatus();
}

std::string EncodeEnrolment(const ClusterState& cluster) {
  store::v1::EnrolmentRecord record;
  if (cluster.fingerprint.has_value()) record.set_fingerprint(FromDigest(*cluster.fingerprint));
  record.set_target_uid(cluster.target_uid);
  record.set_pending_uid(cluster.pending_uid);
  record.set_generation_floor(cluster.generation_floor);
  return record::Serialize(record);
}

absl::Status DecodeEnrolment(absl::string_view bytes, ClusterState* cluster) {
  store::v1::EnrolmentRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  Digest fingerprint;
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest(record.fingerprint(), &fingerprint));
  cluster->fingerprint = fingerprint.IsZero() ? std::nullopt : std::optional<Digest>(fingerprint);
  cluster->target_uid = record.target_uid();
  cluster->pending_uid = record.pending_uid();
  cluster->generation_floor = record.generation_floor();
  return absl::OkStatus();
}

}  // namespace lockstep
