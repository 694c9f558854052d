#include "hub/rpc/fleet_messages.h"

#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/text/names.h"
#include "hub/fleet/resource.h"

namespace lockstep {
namespace {

constexpr int kListsMax = 10000;
constexpr size_t kReasonBytesMax = 512;
constexpr size_t kHeldTextsMax = 8 << 20;  // Of one answer.

template <typename... Parts>
absl::Status Wrong(absl::string_view field, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", parts...));
}

absl::Status CheckName(absl::string_view field, absl::string_view name) {
  return Annotate(CheckDnsLabel(name), field);
}

absl::Status CheckCount(absl::string_view field, int count, int most) {
  return count <= most ? absl::OkStatus()
                       : Wrong(field, count, " elements, at most ", most, " are allowed");
}

absl::StatusOr<std::vector<command::ApprovedList>> ReadLists(
    absl::string_view field, const google::protobuf::RepeatedPtrField<v1::HeldList>& wire) {
  LOCKSTEP_RETURN_IF_ERROR(CheckCount(field, wire.size(), kListsMax));
  std::vector<command::ApprovedList> lists;
  for (const v1::HeldList& list : wire) {
    const absl::StatusOr<Digest> digest = Digest::FromBytes(list.digest());
    if (!digest.ok()) return Annotate(digest.status(), absl::StrCat(field, ".digest"));
    LOCKSTEP_RETURN_IF_ERROR(CheckName(absl::StrCat(field, ".cluster"), list.cluster()));
    lists.push_back({list.cluster(), *digest});
  }
  return lists;
}

enum class Texts : uint8_t { kNone, kOncePerDigest };

void Fill(const std::vector<reply::HeldList>& lists, Texts texts,
          google::protobuf::RepeatedPtrField<v1::HeldList>* messages) {
  std::set<Digest> told;
  size_t bytes = 0;
  for (const reply::HeldList& list : lists) {
    v1::HeldList* message = messages->Add();
    message->set_cluster(list.cluster);
    message->set_digest(std::string(list.digest.bytes()));
    message->set_object_count(static_cast<int32_t>(list.objects.size()));
    if (texts == Texts::kNone || !told.insert(list.digest).second) continue;
    for (const ObjectKey& key : list.objects) {
      message->add_objects(key.ToString());
      bytes += message->objects().rbegin()->size();
    }
    if (bytes <= kHeldTextsMax) continue;
    bytes -=
        std::accumulate(message->objects().begin(), message->objects().end(), size_t{0},
                        [](size_t sum, const std::string& object) { return sum + object.size(); });
    message->clear_objects();
  }
}

absl::Status CheckLabels(absl::string_view field,
                         const google::protobuf::Map<std::string, std::string>& labels) {
  for (const auto& [key, value] : labels) {
    LOCKSTEP_RETURN_IF_ERROR(Annotate(CheckLabelKey(key), field));
    LOCKSTEP_RETURN_IF_ERROR(Annotate(CheckLabelValue(value), absl::StrCat(field, "[", key, "]")));
  }
  return absl::OkStatus();
}

}  // namespace

void SetTime(absl::Time time, google::protobuf::Timestamp* field) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  field->set_seconds(seconds);
  field->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

v1::ResourceKey ToWire(const ResourceKey& key) {
  v1::ResourceKey wire;
  wire.set_kind(std::string(KindName(key.kind)));
  wire.set_namespace_(key.namespace_);
  wire.set_name(key.name);
  return wire;
}

absl::StatusOr<ResourceKey> ReadKey(absl::string_view field, const v1::ResourceKey& wire) {
  const std::optional<ResourceKind> kind = KindFromName(wire.kind());
  if (!kind) {
    return Wrong(absl::StrCat(field, ".kind"), "\"", wire.kind(),
                 "\" is none of GitRepository, Application, Cluster, Secret");
  }
  LOCKSTEP_RETURN_IF_ERROR(CheckName(absl::StrCat(field, ".name"), wire.name()));
  if (HasNamespace(*kind)) {
    LOCKSTEP_RETURN_IF_ERROR(CheckName(absl::StrCat(field, ".namespace"), wire.namespace_()));
  } else if (!wire.namespace_().empty()) {
    return Wrong(absl::StrCat(field, ".namespace"), "a ", wire.kind(), " has none");
  }
  return ResourceKey{*kind, wire.namespace_(), wire.name()};
}

absl::StatusOr<NamespacedName> ReadApplication(absl::string_view field,
                                               const v1::ResourceKey& wire) {
  LOCKSTEP_ASSIGN_OR_RETURN(const ResourceKey key, ReadKey(field, wire));
  if (key.kind != ResourceKind::kApplication)
    return Wrong(field, key.ToString(), " is no Application");
  return key.Name();
}

absl::StatusOr<ObjectKey> ReadObject(absl::string_view field, absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> halves =
      absl::StrSplit(text, absl::MaxSplits(' ', 1));
  const std::pair<absl::string_view, absl::string_view> kind =
      absl::StrSplit(halves.first, absl::MaxSplits('.', 1));
  ObjectKey key{std::string(kind.second), std::string(kind.first), "", std::string(halves.second)};
  if (absl::StrContains(halves.second, '/')) {
    const std::pair<std::string, std::string> name =
        absl::StrSplit(halves.second, absl::MaxSplits('/', 1));
    key.namespace_ = name.first;
    key.name = name.second;
  }
  LOCKSTEP_RETURN_IF_ERROR(Annotate(CheckObjectKey(key), field));
  return key;
}

absl::StatusOr<command::Delete> ReadCommand(const v1::DeleteRequest& request) {
  command::Delete command;
  LOCKSTEP_ASSIGN_OR_RETURN(command.key, ReadKey("key", request.key()));
  switch (request.objects()) {
    case v1::DeleteRequest::OBJECTS_UNSPECIFIED:
      break;
    case v1::DeleteRequest::ORPHAN:
      command.objects = command::Delete::Objects::kOrphan;
      break;
    case v1::DeleteRequest::DELETE:
      command.objects = command::Delete::Objects::kDelete;
      break;
    default:
      return Wrong("objects", request.objects(), " is not known here");
  }
  LOCKSTEP_ASSIGN_OR_RETURN(command.approved, ReadLists("approved", request.approved()));
  command.dry_run = request.dry_run();
  return command;
}

absl::StatusOr<command::Sync> ReadCommand(const v1::SyncRequest& request) {
  LOCKSTEP_ASSIGN_OR_RETURN(ResourceKey key, ReadKey("key", request.key()));
  return command::Sync{std::move(key)};
}

absl::StatusOr<command::Suspend> ReadCommand(const v1::SuspendRequest& request) {
  LOCKSTEP_ASSIGN_OR_RETURN(ResourceKey key, ReadKey("key", request.key()));
  if (request.reason().size() > kReasonBytesMax) {
    return Wrong("reason", request.reason().size(), " bytes, at most ", kReasonBytesMax,
                 " are allowed");
  }
  return command::Suspend{std::move(key), request.reason()};
}

absl::StatusOr<command::Resume> ReadCommand(const v1::ResumeRequest& request) {
  LOCKSTEP_ASSIGN_OR_RETURN(ResourceKey key, ReadKey("key", request.key()));
  return command::Resume{std::move(key)};
}

absl::StatusOr<Loop::Action> ReadCommand(const v1::ApproveRequest& request) {
  switch (request.what_case()) {
    case v1::ApproveRequest::kHub:
      return Loop::Action(command::ApproveHub{});
    case v1::ApproveRequest::kConfig:
      return Loop::Action(command::ApproveConfig{});
    case v1::ApproveRequest::WHAT_NOT_SET:
      return Wrong("what", "one of deletes, hub and config has to be there");
    case v1::ApproveRequest::kDeletes:
      break;
  }
  const v1::ApproveDeletes& wire = request.deletes();
  command::ApproveDeletes command;
  LOCKSTEP_ASSIGN_OR_RETURN(command.application,
                            ReadApplication("deletes.application", wire.application()));
  if (!wire.cluster().empty())
    LOCKSTEP_RETURN_IF_ERROR(CheckName("deletes.cluster", wire.cluster()));
  if (!wire.cluster().empty() && wire.all())
    return Wrong("deletes", "either cluster or all, not both");
  command.cluster = wire.cluster();
  command.all = wire.all();
  command.dry_run = wire.dry_run();
  LOCKSTEP_ASSIGN_OR_RETURN(command.expected, ReadLists("deletes.expected", wire.expected()));
  return Loop::Action(std::move(command));
}

absl::StatusOr<command::CreateJoinToken> ReadCommand(const v1::CreateJoinTokenRequest& request) {
  LOCKSTEP_RETURN_IF_ERROR(CheckName("cluster", request.cluster()));
  LOCKSTEP_RETURN_IF_ERROR(CheckLabels("labels", request.labels()));
  command::CreateJoinToken command;
  command.cluster = request.cluster();
  command.labels = {request.labels().begin(), request.labels().end()};
  return command;
}

absl::StatusOr<command::AcceptCluster> ReadCommand(const v1::AcceptClusterRequest& request) {
  LOCKSTEP_RETURN_IF_ERROR(CheckName("cluster", request.cluster()));
  command::AcceptCluster command{request.cluster(), ""};
  if (request.has_application()) {
    LOCKSTEP_ASSIGN_OR_RETURN(const NamespacedName application,
                              ReadApplication("application", request.application()));
    command.application = application.ToString();
  }
  return command;
}

absl::StatusOr<command::LabelCluster> ReadCommand(const v1::LabelClusterRequest& request) {
  LOCKSTEP_RETURN_IF_ERROR(CheckName("cluster", request.cluster()));
  LOCKSTEP_RETURN_IF_ERROR(CheckLabels("set", request.set()));
  command::LabelCluster command{
      request.cluster(), {request.set().begin(), request.set().end()}, {}};
  for (const std::string& key : request.remove()) {
    LOCKSTEP_RETURN_IF_ERROR(Annotate(CheckLabelKey(key), "remove"));
    command.remove.push_back(key);
  }
  return command;
}

absl::StatusOr<command::RemoveCluster> ReadCommand(const v1::RemoveClusterRequest& request) {
  LOCKSTEP_RETURN_IF_ERROR(CheckName("cluster", request.cluster()));
  return command::RemoveCluster{request.cluster()};
}

absl::StatusOr<command::DeleteOrphans> ReadCommand(const v1::DeleteOrphansRequest& request) {
  LOCKSTEP_RETURN_IF_ERROR(CheckCount("lists", request.lists_size(), kListsMax));
  command::DeleteOrphans command;
  for (const v1::OrphanList& list : request.lists()) {
    LOCKSTEP_RETURN_IF_ERROR(CheckName("lists.cluster", list.cluster()));
    LOCKSTEP_ASSIGN_OR_RETURN(const NamespacedName application,
                              ReadApplication("lists.application", list.application()));
    const absl::StatusOr<Digest> digest = Digest::FromBytes(list.digest());
    if (!digest.ok()) return Annotate(digest.status(), "lists.digest");
    command.lists.push_back({list.cluster(), application.ToString(), *digest});
  }
  return command;
}

void Fill(const reply::Applied& reply, v1::ApplyResponse* response) {
  for (const reply::Applied::Result& result : reply.results) {
    v1::ApplyResponse::Result* message = response->add_results();
    *message->mutable_key() = ToWire(result.key);
    switch (result.outcome) {
      case reply::Applied::Outcome::kCreated:
        message->set_outcome(v1::ApplyResponse::CREATED);
        break;
      case reply::Applied::Outcome::kConfigured:
        message->set_outcome(v1::ApplyResponse::CONFIGURED);
        break;
      case reply::Applied::Outcome::kUnchanged:
        message->set_outcome(v1::ApplyResponse::UNCHANGED);
        break;
    }
    for (const std::string& warning : result.warnings) message->add_warnings(warning);
    message->set_generation(result.generation);
  }
}

void Fill(const reply::Deleted& reply, v1::DeleteResponse* response) {
  Fill(reply.lists, Texts::kOncePerDigest, response->mutable_lists());
  for (const std::string& cluster : reply.waiting_for) response->add_waiting_for(cluster);
}

void Fill(const reply::Synced& reply, v1::SyncResponse* response) {
  response->set_revision(reply.revision);
  response->set_changed(reply.changed);
}

void Fill(const reply::Done&, v1::SuspendResponse*) {}

void Fill(const reply::Resumed& reply, v1::ResumeResponse* response) {
  response->set_still_suspended_by(reply.still_suspended_by);
}

void Fill(const reply::Approved& reply, v1::ApproveResponse* response) {
  Fill(reply.approved, Texts::kOncePerDigest, response->mutable_approved());
  Fill(reply.left, Texts::kNone, response->mutable_left());
}

void Fill(const reply::TokenMade& reply, v1::CreateJoinTokenResponse* response) {
  SetTime(reply.expires, response->mutable_expires());
  response->set_created_cluster(reply.created_cluster);
}

void Fill(const reply::Accepted& reply, v1::AcceptClusterResponse* response) {
  for (const std::string& application : reply.applications) response->add_applications(application);
}

void Fill(const reply::Labelled& reply, v1::LabelClusterResponse* response) {
  response->mutable_labels()->insert(reply.labels.begin(), reply.labels.end());
}

void Fill(const reply::Removed& reply, v1::RemoveClusterResponse* response) {
  response->set_told(reply.told);
}

void Fill(const reply::OrphansRequested& reply, v1::DeleteOrphansResponse* response) {
  response->set_requested(reply.requested);
}

void Fill(uint64_t sequence, const AuditEvent& event, v1::FleetEvent* message) {
  message->set_sequence(sequence);
  SetTime(event.time, message->mutable_time());
  message->set_type(event.warning ? "Warning" : "Normal");
  message->set_reason(event.reason);
  message->set_message(event.message);
  if (event.about) *message->mutable_about() = ToWire(*event.about);
  message->set_cluster(event.cluster);
  message->set_by(event.by);
}

void Fill(absl::string_view cluster, const HistoryEntry& entry, v1::ReleaseRecordView* message) {
  SetTime(entry.time, message->mutable_time());
  message->set_revision(entry.revision);
  message->set_cluster(std::string(cluster));
  message->set_generation(entry.generation);
  message->set_added(static_cast<int32_t>(entry.added));
  message->set_changed(static_cast<int32_t>(entry.changed));
  message->set_removed(static_cast<int32_t>(entry.removed));
  message->set_cause(entry.cause);
  message->set_by(entry.by);
}

}  // namespace lockstep
