#include <algorithm>
#include <functional>
#include <memory>

#include "common/rpc/delta_encoder.h"
#include "common/rpc/wire_fields.h"

// What an agent is to have.
namespace lockstep::wire {
namespace {

void WriteTarget(const ApplicationTarget& own, DeltaEncoder* deltas, v1::ApplicationTarget* wire) {
  wire->set_name(own.name);
  wire->set_generation(own.generation);
  if (const auto* delta = std::get_if<std::shared_ptr<const DeltaMessage>>(&own.content)) {
    wire->set_delta(*deltas->Encode(*delta));
  } else if (const auto* document = std::get_if<DocumentReference>(&own.content)) {
    wire->mutable_document()->set_digest(FromDigest(document->digest));
    wire->mutable_document()->set_bytes(document->bytes);
    wire->mutable_document()->set_base(FromDigest(document->base));
    wire->mutable_document()->set_target(FromDigest(document->target));
  } else {
    wire->mutable_release()->set_objects(std::get<ReleaseObjects>(own.content) ==
                                                 ReleaseObjects::kDelete
                                             ? v1::Release::OBJECTS_DELETE
                                             : v1::Release::OBJECTS_ORPHAN);
  }
  wire->set_options_digest(FromDigest(own.options_digest));
  if (own.options) wire->set_options(*own.options);
  if (own.approved) wire->set_approved(FromDigest(*own.approved));
  wire->set_complete(own.complete);
  wire->set_revision(CleanText(own.revision, kTextBytesMax));
  for (const ObjectKey& key : own.tombstones) FromKey(key, wire->add_tombstones());
  wire->set_accept_foreign(own.accept_foreign);
}

absl::Status ReadChange(const v1::Change& wire, BundleDelta::Change* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest("digest", wire.digest(), Absent::kRefused, &own->blob));
  switch (wire.place_case()) {
    case v1::Change::kPosition:
      own->position = wire.position();
      return absl::OkStatus();
    case v1::Change::kKey:
      return ReadKey("key", wire.key(), &own->key);
    case v1::Change::PLACE_NOT_SET:
      break;
  }
  return Wrong("place", "neither position nor key");
}

absl::Status ReadDelta(const std::string& bytes, DeltaMessage* own) {
  v1::Delta wire;
  if (!wire.ParseFromString(bytes)) return absl::InvalidArgumentError("no serialised Delta");
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest("base", wire.base(), Absent::kAllowed, &own->delta.base));
  LOCKSTEP_RETURN_IF_ERROR(
      ReadDigest("target", wire.target(), Absent::kAllowed, &own->delta.target));
  LOCKSTEP_RETURN_IF_ERROR(
      ReadList("changes", wire.changes(), kWireObjectsMax, &own->delta.changes, ReadChange));
  for (int i = 0; i < wire.changes_size(); ++i) {
    if (!wire.changes(i).has_data()) continue;
    const Digest& blob = own->delta.changes[static_cast<size_t>(i)].blob;
    if (Digest::Of(wire.changes(i).data()) != blob) {
      return Wrong(Element("changes", i), "data: its digest is not ", blob.Short());
    }
    own->data[blob] = wire.changes(i).data();
  }
  LOCKSTEP_RETURN_IF_ERROR(
      CheckCount("removed", static_cast<size_t>(wire.removed_size()), kWireObjectsMax));
  own->delta.removed.assign(wire.removed().begin(), wire.removed().end());
  const auto& removed = own->delta.removed;
  if (std::adjacent_find(removed.begin(), removed.end(), std::greater_equal<>()) != removed.end()) {
    return Wrong("removed", "positions are not strictly ascending");
  }
  return absl::OkStatus();
}

absl::Status ReadDocument(const v1::DeltaDocument& wire, DocumentReference* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest("digest", wire.digest(), Absent::kRefused, &own->digest));
  own->bytes = wire.bytes();
  if (own->bytes == 0) return Wrong("bytes", "must not be 0");
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest("base", wire.base(), Absent::kAllowed, &own->base));
  return ReadDigest("target", wire.target(), Absent::kAllowed, &own->target);
}

absl::Status ReadContent(const v1::ApplicationTarget& wire, ApplicationTarget* own) {
  switch (wire.content_case()) {
    case v1::ApplicationTarget::kDelta: {
      auto delta = std::make_shared<DeltaMessage>();
      if (absl::Status status = ReadDelta(wire.delta(), delta.get()); !status.ok())
        return Annotate(status, "delta");
      own->content = std::shared_ptr<const DeltaMessage>(std::move(delta));
      return absl::OkStatus();
    }
    case v1::ApplicationTarget::kRelease:
      if (wire.release().objects() == v1::Release::OBJECTS_ORPHAN) {
        own->content = ReleaseObjects::kOrphan;
      } else if (wire.release().objects() == v1::Release::OBJECTS_DELETE) {
        own->content = ReleaseObjects::kDelete;
      } else {
        return Wrong("release", "objects ", wire.release().objects(), " is not known here");
      }
      return absl::OkStatus();
    case v1::ApplicationTarget::kDocument:
      if (absl::Status status =
              ReadDocument(wire.document(), &own->content.emplace<DocumentReference>());
          !status.ok()) {
        return Annotate(status, "document");
      }
      return absl::OkStatus();
    case v1::ApplicationTarget::CONTENT_NOT_SET:
      break;
  }
  return Wrong("content", "neither delta nor document nor release");
}

absl::Status ReadTarget(const v1::ApplicationTarget& wire, ApplicationTarget* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadApplicationName("name", wire.name(), &own->name));
  own->generation = wire.generation();
  if (own->generation == 0) return Wrong("generation", "must not be 0");
  LOCKSTEP_RETURN_IF_ERROR(ReadContent(wire, own));
  LOCKSTEP_RETURN_IF_ERROR(
      ReadDigest("options_digest", wire.options_digest(), Absent::kAllowed, &own->options_digest));
  if (!wire.options().empty()) {
    LOCKSTEP_RETURN_IF_ERROR(
        ReadUpTo("options", wire.options(), kOptionsBytesMax, &own->options.emplace()));
    if (Digest::Of(*own->options) != own->options_digest)
      return Wrong("options", "their digest is not options_digest");
  }
  if (!wire.approved().empty()) {
    LOCKSTEP_RETURN_IF_ERROR(
        ReadDigest("approved", wire.approved(), Absent::kRefused, &own->approved.emplace()));
  }
  own->complete = wire.complete();
  LOCKSTEP_RETURN_IF_ERROR(ReadText("revision", wire.revision(), kTextBytesMax, &own->revision));
  own->accept_foreign = wire.accept_foreign();
  return ReadKeys("tombstones", wire.tombstones(), Order::kAny, &own->tombstones);
}

}  // namespace

absl::Status ReadCommitPoint(uint64_t counter, const std::string& chain, CommitPoint* own) {
  own->counter = counter;
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest("chain_hash", chain, Absent::kAllowed, &own->chain));
  if ((counter == 0) != own->chain.IsZero()) {
    return Wrong("chain_hash", "stands exactly where commit_counter is not 0");
  }
  return absl::OkStatus();
}

void WriteDesired(const Desired& own, DeltaEncoder* deltas, v1::Desired* wire) {
  wire->set_seq(own.seq);
  wire->set_epoch(own.epoch);
  wire->set_commit_counter(own.at.counter);
  wire->set_chain_hash(FromDigest(own.at.chain));
  wire->set_target_cluster_root(FromDigest(own.cluster_root));
  for (const ApplicationTarget& target : own.applications)
    WriteTarget(target, deltas, wire->add_applications());
}

absl::Status ReadDesired(const v1::Desired& wire, Desired* own) {
  own->seq = wire.seq();
  if (own->seq == 0) return Wrong("seq", "must not be 0");
  own->epoch = wire.epoch();
  LOCKSTEP_RETURN_IF_ERROR(ReadCommitPoint(wire.commit_counter(), wire.chain_hash(), &own->at));
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest("target_cluster_root", wire.target_cluster_root(),
                                      Absent::kAllowed, &own->cluster_root));
  return ReadList("applications", wire.applications(), kApplicationsMax, &own->applications,
                  ReadTarget);
}

}  // namespace lockstep::wire
