#include "hub/core/records.h"

#include <utility>

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "lockstep/store/v1/records.pb.h"

#include "common/base/status.h"
#include "hub/core/record_fields.h"
#include "hub/fleet/convert.h"
#include "hub/record/key.h"

namespace lockstep {
namespace {

using record::FromDigest;
using record::ReadDigest;
using record::ReadTime;
using record::SetTime;

constexpr uint32_t kFormat = 1;

void SetSecret(const SealedSecret& secret, store::v1::SealedSecretRecord* field) {
  field->set_sealed(secret.sealed);
  field->set_content(FromDigest(secret.content));
  for (const SealedSecret::Key& key : secret.keys) {
    store::v1::SealedSecretRecord::Key* added = field->add_keys();
    added->set_name(key.name);
    added->set_bytes(key.bytes);
  }
}

absl::StatusOr<SealedSecret> ReadSecret(const store::v1::SealedSecretRecord& field) {
  SealedSecret secret;
  secret.sealed = field.sealed();
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest(field.content(), &secret.content));
  for (const store::v1::SealedSecretRecord::Key& key : field.keys()) {
    secret.keys.push_back({key.name(), key.bytes()});
  }
  return secret;
}

// What was stored was validated; a program that has grown stricter must not lose it for that.
absl::StatusOr<Resource> ReadSpecification(const store::v1::ResourceRecord& record) {
  const auto taken = [](auto result) -> absl::StatusOr<Resource> {
    if (!result.ok()) return absl::DataLossError(result.status().message());
    return Resource(*std::move(result));
  };
  switch (record.resource_case()) {
    case store::v1::ResourceRecord::kGitRepository:
      return taken(FromProto(record.git_repository()));
    case store::v1::ResourceRecord::kApplication:
      return taken(FromProto(record.application()));
    case store::v1::ResourceRecord::kCluster:
      return taken(FromProto(record.cluster()));
    case store::v1::ResourceRecord::kSecret: {
      // Its values are in `sealed`; FromProto would miss them.
      Secret secret;
      const v1::ObjectMeta& meta = record.secret().metadata();
      v1::Cluster carrier;  // Any kind reads the metadata alike, but for the namespace.
      *carrier.mutable_metadata() = meta;
      carrier.mutable_metadata()->clear_namespace_();
      LOCKSTEP_ASSIGN_OR_RETURN(const Cluster read, FromProto(carrier));
      secret.meta = read.meta;
      secret.meta.namespace_ = meta.namespace_();
      return Resource(std::move(secret));
    }
    case store::v1::ResourceRecord::RESOURCE_NOT_SET:
      break;
  }
  return absl::DataLossError("reading a resource: it is of an unknown kind");
}

// FromProto looks over what the hub sets.
void ReadHubMeta(const v1::ObjectMeta& from, Meta* to) {
  to->uid = from.uid();
  to->generation = from.generation();
  to->creation_time = ReadTime(from.has_creation_timestamp(), from.creation_timestamp());
  to->deletion_time = ReadTime(from.has_deletion_timestamp(), from.deletion_timestamp());
}

const v1::ObjectMeta& MetadataOf(const store::v1::ResourceRecord& record) {
  switch (record.resource_case()) {
    case store::v1::ResourceRecord::kGitRepository:
      return record.git_repository().metadata();
    case store::v1::ResourceRecord::kApplication:
      return record.application().metadata();
    case store::v1::ResourceRecord::kCluster:
      return record.cluster().metadata();
    default:
      return record.secret().metadata();
  }
}

constexpr absl::string_view kBehind = "behind/";
constexpr absl::string_view kForgiven = "forgiven/";

}  // namespace

std::string EncodeHub(const HubState& state) {
  store::v1::Meta record;
  record.set_format(kFormat);
  record.set_incarnation(state.incarnation);
  record.set_epoch(state.epoch);
  record.set_event_sequence(state.event_sequence);
  record.set_release_sequence(state.release_sequence);
  return record::Serialize(record);
}

absl::Status DecodeHub(absl::string_view bytes, HubState* state) {
  store::v1::Meta record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  if (record.format() > kFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat("opening the store: it is of format ", record.format(),
                     " and this lockstep-hub ", LOCKSTEP_VERSION, " knows formats up to ", kFormat,
                     "; use the newer program that wrote it"));
  }
  state->incarnation = record.incarnation();
  state->epoch = record.epoch();
  state->event_sequence = record.event_sequence();
  state->release_sequence = record.release_sequence();
  return absl::OkStatus();
}

std::string BehindKey(absl::string_view cluster) { return MetaKey(absl::StrCat(kBehind, cluster)); }

std::string ForgivenKey(absl::string_view cluster) {
  return MetaKey(absl::StrCat(kForgiven, cluster));
}

std::string EncodePoint(const CommitPoint& point) {
  store::v1::AgentPoint record;
  record.set_counter(point.counter);
  record.set_chain(FromDigest(point.chain));
  return record::Serialize(record);
}

absl::StatusOr<CommitPoint> DecodePoint(absl::string_view bytes) {
  store::v1::AgentPoint record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  CommitPoint point;
  point.counter = record.counter();
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest(record.chain(), &point.chain));
  return point;
}

absl::Status ReadPoint(absl::string_view key, absl::string_view bytes, BehindState* behind) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string name, ParseMetaKey(key));
  absl::string_view cluster = name;
  std::map<std::string, CommitPoint>* points = nullptr;
  if (absl::ConsumePrefix(&cluster, kBehind)) {
    points = &behind->agents;
  } else if (absl::ConsumePrefix(&cluster, kForgiven)) {
    points = &behind->forgiven;
  } else {
    return absl::OkStatus();
  }
  LOCKSTEP_ASSIGN_OR_RETURN((*points)[std::string(cluster)], DecodePoint(bytes));
  return absl::OkStatus();
}

std::string EncodeConfig(const ConfigState& config) {
  store::v1::ConfigRecord record;
  record.set_revision(config.revision);
  for (const std::string& error : config.errors) record.add_errors(error);
  for (const ResourceKey& key : config.vanished) record::SetName(key, record.add_vanished());
  return record::Serialize(record);
}

absl::Status DecodeConfig(absl::string_view bytes, ConfigState* config) {
  store::v1::ConfigRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  ConfigState read;
  read.revision = record.revision();
  read.errors = {record.errors().begin(), record.errors().end()};
  for (const store::v1::ResourceName& name : record.vanished()) {
    LOCKSTEP_ASSIGN_OR_RETURN(ResourceKey key, record::ReadName(name));
    read.vanished.push_back(std::move(key));
  }
  *config = std::move(read);
  return absl::OkStatus();
}

std::string EncodeResource(const ResourceState& resource) {
  store::v1::ResourceRecord record;
  if (const auto* repository = std::get_if<GitRepository>(resource.resource.get())) {
    *record.mutable_git_repository() = ToProto(*repository);
  } else if (const auto* application = std::get_if<Application>(resource.resource.get())) {
    *record.mutable_application() = ToProto(*application);
  } else if (const auto* cluster = std::get_if<Cluster>(resource.resource.get())) {
    *record.mutable_cluster() = ToProto(*cluster);
  } else {
    *record.mutable_secret()->mutable_metadata() = ToProto(resource.meta());
  }
  record.set_author(resource.author);
  record.set_from_git(resource.from_git);
  record.set_file(resource.file);
  if (resource.suspension.has_value()) {
    record.mutable_suspension()->set_by(resource.suspension->by);
    SetTime(resource.suspension->since, record.mutable_suspension()->mutable_since());
    record.mutable_suspension()->set_reason(resource.suspension->reason);
  }
  if (resource.secret.has_value()) SetSecret(*resource.secret, record.mutable_sealed());
  SetTime(resource.changed, record.mutable_changed());
  record.set_going(resource.going);
  record.set_going_objects(
      static_cast<store::v1::ResourceRecord::GoingObjects>(resource.going_objects));
  return record::Serialize(record);
}

absl::StatusOr<ResourceState> DecodeResource(absl::string_view bytes) {
  store::v1::ResourceRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  LOCKSTEP_ASSIGN_OR_RETURN(Resource resource, ReadSpecification(record));
  ReadHubMeta(MetadataOf(record), &MetaOf(resource));
  ResourceState state;
  state.resource = std::make_shared<const Resource>(std::move(resource));
  state.author = record.author();
  state.from_git = record.from_git();
  state.file = record.file();
  if (record.has_suspension()) {
    state.suspension =
        SuspensionRecord{record.suspension().by(), ReadTime(true, record.suspension().since()),
                         record.suspension().reason()};
  }
  if (record.has_sealed()) {
    LOCKSTEP_ASSIGN_OR_RETURN(SealedSecret secret, ReadSecret(record.sealed()));
    state.secret = std::move(secret);
  }
  state.changed = ReadTime(record.has_changed(), record.changed());
  state.going = record.going();
  if (record.going_objects() > store::v1::ResourceRecord::DELETE) {
    return absl::DataLossError("reading a resource: it goes in an unknown way");
  }
  state.going_objects = static_cast<command::Delete::Objects>(record.going_objects());
  return state;
}

std::string EncodeSource(const SourceState& source) {
  store::v1::SourceRecord record;
  record.set_revision(source.revision);
  record.set_commit(source.commit);
  record.set_rendered(source.rendered);
  if (source.last_fetch != absl::InfinitePast())
    SetTime(source.last_fetch, record.mutable_last_fetch());
  record.set_error_code(static_cast<int32_t>(source.error.code()));
  record.set_error_message(std::string(source.error.message()));
  record.set_failures(source.failures);
  record.set_unconfirmed(source.unconfirmed);
  return record::Serialize(record);
}

absl::Status DecodeSource(absl::string_view bytes, SourceState* source) {
  store::v1::SourceRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  source->revision = record.revision();
  source->commit = record.commit();
  source->rendered = record.rendered();
  source->last_fetch = ReadTime(record.has_last_fetch(), record.last_fetch());
  source->error =
      absl::Status(static_cast<absl::StatusCode>(record.error_code()), record.error_message());
  source->failures = record.failures();
  source->unconfirmed = record.unconfirmed();
  return absl::OkStatus();
}

std::string EncodeToken(const IssuedToken& token) {
  store::v1::JoinTokenRecord record;
  record.set_cluster(token.cluster);
  SetTime(token.expires, record.mutable_expires());
  record.set_by(token.by);
  return record::Serialize(record);
}

absl::StatusOr<IssuedToken> DecodeToken(absl::string_view bytes) {
  store::v1::JoinTokenRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  if (record.cluster().empty())
    return absl::DataLossError("reading a join token: it is of no cluster");
  return IssuedToken{record.cluster(), ReadTime(record.has_expires(), record.expires()),
                     record.by()};
}

std::string EncodeRevoked(absl::Time time) {
  store::v1::RevokedRecord record;
  SetTime(time, record.mutable_time());
  return record::Serialize(record);
}

absl::StatusOr<absl::Time> DecodeRevoked(absl::string_view bytes) {
  store::v1::RevokedRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  return ReadTime(record.has_time(), record.time());
}

std::string EncodeHistory(const HistoryEntry& entry) {
  store::v1::ReleaseRecord record;
  SetTime(entry.time, record.mutable_time());
  record.set_revision(entry.revision);
  record.set_generation(entry.generation);
  record.set_manifest(FromDigest(entry.manifest));
  record.set_added(entry.added);
  record.set_changed(entry.changed);
  record.set_removed(entry.removed);
  record.set_cause(entry.cause);
  record.set_by(entry.by);
  return record::Serialize(record);
}

absl::StatusOr<HistoryEntry> DecodeHistory(absl::string_view bytes) {
  store::v1::ReleaseRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  HistoryEntry entry;
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest(record.manifest(), &entry.manifest));
  entry.time = ReadTime(record.has_time(), record.time());
  entry.revision = record.revision();
  entry.generation = record.generation();
  entry.added = record.added();
  entry.changed = record.changed();
  entry.removed = record.removed();
  entry.cause = record.cause();
  entry.by = record.by();
  return entry;
}

std::string EncodeEvent(const AuditEvent& event) {
  store::v1::EventRecord record;
  SetTime(event.time, record.mutable_time());
  record.set_warning(event.warning);
  record.set_reason(event.reason);
  record.set_message(event.message);
  if (event.about.has_value()) record::SetName(*event.about, record.mutable_about());
  record.set_cluster(event.cluster);
  record.set_by(event.by);
  return record::Serialize(record);
}

absl::StatusOr<AuditEvent> DecodeEvent(absl::string_view bytes) {
  store::v1::EventRecord record;
  LOCKSTEP_RETURN_IF_ERROR(record::Parse(bytes, &record));
  AuditEvent event;
  if (record.has_about()) {
    LOCKSTEP_ASSIGN_OR_RETURN(event.about, record::ReadName(record.about()));
  }
  event.time = ReadTime(record.has_time(), record.time());
  event.warning = record.warning();
  event.reason = record.reason();
  event.message = record.message();
  event.cluster = record.cluster();
  event.by = record.by();
  return event;
}

}  // namespace lockstep
