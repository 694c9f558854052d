#include <algorithm>
#include <memory>
#include <type_traits>

#include "common/rpc/delta_encoder.h"
#include "common/rpc/wire_fields.h"

// Hub to agent.
namespace lockstep {
namespace {

using namespace wire;  // This file and its sibling are the two halves of one thing.

// ---- own types to wire

v1::Verdict WireVerdict(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNoop:
      return v1::VERDICT_NOOP;
    case Verdict::kDelta:
      return v1::VERDICT_DELTA;
    case Verdict::kProbe:
      return v1::VERDICT_PROBE;
    case Verdict::kHubBehind:
      return v1::VERDICT_HUB_BEHIND;
    case Verdict::kNotAccepted:
      return v1::VERDICT_NOT_ACCEPTED;
  }
  return v1::VERDICT_UNSPECIFIED;
}

uint32_t Milliseconds(absl::Duration duration) {
  return static_cast<uint32_t>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 0, UINT32_MAX));
}

void Write(const Welcome& own, v1::HubMessage* message) {
  v1::Welcome* wire = message->mutable_welcome();
  wire->set_session(own.session);
  wire->set_hub_incarnation(own.hub_incarnation);
  wire->set_epoch(own.epoch);
  wire->set_commit_counter(own.at.counter);
  wire->set_chain_hash(FromDigest(own.at.chain));
  wire->set_verdict(WireVerdict(own.verdict));
  wire->set_beat_ms(Milliseconds(own.beat));
  wire->set_spread_ms(Milliseconds(own.spread));
  FromTime(own.server_time, wire->mutable_server_time());
  for (const Digest& key : own.revoked) wire->add_revoked(FromDigest(key));
  wire->set_status_credit(kStatusBytesMax);
}

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

void Write(const Desired& own, DeltaEncoder* deltas, v1::HubMessage* message) {
  v1::Desired* wire = message->mutable_desired();
  wire->set_seq(own.seq);
  wire->set_epoch(own.epoch);
  wire->set_commit_counter(own.at.counter);
  wire->set_chain_hash(FromDigest(own.at.chain));
  wire->set_target_cluster_root(FromDigest(own.cluster_root));
  for (const ApplicationTarget& target : own.applications)
    WriteTarget(target, deltas, wire->add_applications());
}

void Write(const StatusAck& own, v1::HubMessage* message) {
  message->mutable_status_ack()->set_through(own.through);
}

void Write(const Command& own, v1::HubMessage* message) {
  v1::Command* wire = message->mutable_command();
  wire->set_id(own.id);
  if (const auto* sync = std::get_if<Command::Sync>(&own.action)) {
    wire->mutable_sync();
    for (const std::string& application : sync->applications)
      wire->mutable_sync()->add_applications(application);
  } else {
    wire->set_report(true);
  }
}

v1::Goodbye::Reason Reason(Goodbye::Reason reason) {
  switch (reason) {
    case Goodbye::Reason::kShutdown:
      return v1::Goodbye::SHUTDOWN;
    case Goodbye::Reason::kReplaced:
      return v1::Goodbye::REPLACED;
    case Goodbye::Reason::kRemoved:
      return v1::Goodbye::REMOVED;
    case Goodbye::Reason::kRevoked:
      return v1::Goodbye::REVOKED;
    case Goodbye::Reason::kBusy:
      return v1::Goodbye::BUSY;
    case Goodbye::Reason::kVersion:
      return v1::Goodbye::VERSION;
  }
  return v1::Goodbye::REASON_UNSPECIFIED;
}

void Write(const Goodbye& own, v1::HubMessage* message) {
  v1::Goodbye* wire = message->mutable_goodbye();
  wire->set_reason(Reason(own.reason));
  wire->set_retry_after_ms(Milliseconds(own.retry_after));
  wire->set_message(CleanText(own.message, kMessageBytesMax));
}

void Write(const CertificateIssued& own, v1::HubMessage* message) {
  v1::CertificateIssued* wire = message->mutable_certificate_issued();
  for (const std::string& certificate : own.chain) wire->add_chain(certificate);
  FromTime(own.not_after, wire->mutable_not_after());
}

// ---- wire to own types

absl::Status ReadCommitPoint(uint64_t counter, const std::string& chain, CommitPoint* own) {
  own->counter = counter;
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest("chain_hash", chain, Absent::kAllowed, &own->chain));
  if ((counter == 0) != own->chain.IsZero()) {
    return Wrong("chain_hash", "stands exactly where commit_counter is not 0");
  }
  return absl::OkStatus();
}

absl::Status Read(const v1::Welcome& wire, Welcome* own) {
  LOCKSTEP_RETURN_IF_ERROR(
      ReadBytes("session", wire.session(), 16, Absent::kRefused, &own->session));
  LOCKSTEP_RETURN_IF_ERROR(ReadBytes("hub_incarnation", wire.hub_incarnation(), 16,
                                     Absent::kRefused, &own->hub_incarnation));
  own->epoch = wire.epoch();
  LOCKSTEP_RETURN_IF_ERROR(ReadCommitPoint(wire.commit_counter(), wire.chain_hash(), &own->at));
  switch (wire.verdict()) {
    case v1::VERDICT_NOOP:
      own->verdict = Verdict::kNoop;
      break;
    case v1::VERDICT_DELTA:
      own->verdict = Verdict::kDelta;
      break;
    case v1::VERDICT_PROBE:
      own->verdict = Verdict::kProbe;
      break;
    case v1::VERDICT_HUB_BEHIND:
      own->verdict = Verdict::kHubBehind;
      break;
    case v1::VERDICT_NOT_ACCEPTED:
      own->verdict = Verdict::kNotAccepted;
      break;
    default:
      return Wrong("verdict", wire.verdict(), " is not known here");
  }
  if (wire.beat_ms() == 0) return Wrong("beat_ms", "must not be 0");
  own->beat = absl::Milliseconds(wire.beat_ms());
  own->spread = absl::Milliseconds(wire.spread_ms());
  LOCKSTEP_RETURN_IF_ERROR(ReadTime("server_time", wire.server_time(), &own->server_time));
  return ReadDigests("revoked", wire.revoked(), kRevokedMax, &own->revoked);
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

absl::Status Read(const v1::Desired& wire, Desired* own) {
  own->seq = wire.seq();
  if (own->seq == 0) return Wrong("seq", "must not be 0");
  own->epoch = wire.epoch();
  LOCKSTEP_RETURN_IF_ERROR(ReadCommitPoint(wire.commit_counter(), wire.chain_hash(), &own->at));
  LOCKSTEP_RETURN_IF_ERROR(ReadDigest("target_cluster_root", wire.target_cluster_root(),
                                      Absent::kAllowed, &own->cluster_root));
  return ReadList("applications", wire.applications(), kApplicationsMax, &own->applications,
                  ReadTarget);
}

absl::Status Read(const v1::StatusAck& wire, StatusAck* own) {
  own->through = wire.through();
  return absl::OkStatus();
}

absl::Status Read(const v1::Command& wire, Command* own) {
  own->id = wire.id();
  switch (wire.action_case()) {
    case v1::Command::kReport:
      own->action = Command::Report{};
      return absl::OkStatus();
    case v1::Command::kSync: {
      Command::Sync sync;
      LOCKSTEP_RETURN_IF_ERROR(ReadList("sync.applications", wire.sync().applications(),
                                        kApplicationsMax, &sync.applications,
                                        [](const std::string& name, std::string* text) {
                                          return ReadApplicationName("name", name, text);
                                        }));
      own->action = std::move(sync);
      return absl::OkStatus();
    }
    case v1::Command::ACTION_NOT_SET:
      break;
  }
  return absl::UnimplementedError("a command that this agent does not know");
}

absl::Status Read(const v1::Goodbye& wire, Goodbye* own) {
  switch (wire.reason()) {
    case v1::Goodbye::REASON_UNSPECIFIED:
      return Wrong("reason", "unspecified");
    case v1::Goodbye::SHUTDOWN:
      own->reason = Goodbye::Reason::kShutdown;
      break;
    case v1::Goodbye::REPLACED:
      own->reason = Goodbye::Reason::kReplaced;
      break;
    case v1::Goodbye::REMOVED:
      own->reason = Goodbye::Reason::kRemoved;
      break;
    case v1::Goodbye::REVOKED:
      own->reason = Goodbye::Reason::kRevoked;
      break;
    case v1::Goodbye::VERSION:
      own->reason = Goodbye::Reason::kVersion;
      break;
    default:
      own->reason =
          Goodbye::Reason::kBusy;  // A newer hub's reason: come back later, which harms nothing.
  }
  own->retry_after = absl::Milliseconds(wire.retry_after_ms());
  return ReadText("message", wire.message(), kMessageBytesMax, &own->message);
}

absl::Status Read(const v1::CertificateIssued& wire, CertificateIssued* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadList("chain", wire.chain(), 8, &own->chain,
                                    [](const std::string& der, std::string* bytes) {
                                      return ReadUpTo("certificate", der, 16 << 10, bytes);
                                    }));
  if (own->chain.empty()) return Wrong("chain", "empty");
  return ReadTime("not_after", wire.not_after(), &own->not_after);
}

template <typename Own, typename Wire>
absl::StatusOr<HubMessage> Convert(absl::string_view field, const Wire& wire) {
  Own own;
  if (absl::Status status = Read(wire, &own); !status.ok()) return Annotate(status, field);
  return HubMessage(std::move(own));
}

}  // namespace

void ToWire(const HubMessage& message, DeltaEncoder* deltas, v1::HubMessage* wire) {
  wire->Clear();
  std::visit(
      [&](const auto& own) {
        if constexpr (std::is_same_v<std::decay_t<decltype(own)>, Desired>) {
          Write(own, deltas, wire);
        } else {
          Write(own, wire);
        }
      },
      message);
}

void ToWire(const HubMessage& message, v1::HubMessage* wire) {
  DeltaEncoder alone;
  ToWire(message, &alone, wire);
}

absl::StatusOr<HubMessage> FromWire(const v1::HubMessage& wire) {
  switch (wire.kind_case()) {
    case v1::HubMessage::kWelcome:
      return Convert<Welcome>("welcome", wire.welcome());
    case v1::HubMessage::kDesired:
      return Convert<Desired>("desired", wire.desired());
    case v1::HubMessage::kStatusAck:
      return Convert<StatusAck>("status_ack", wire.status_ack());
    case v1::HubMessage::kCommand:
      return Convert<Command>("command", wire.command());
    case v1::HubMessage::kGoodbye:
      return Convert<Goodbye>("goodbye", wire.goodbye());
    case v1::HubMessage::kCertificateIssued:
      return Convert<CertificateIssued>("certificate_issued", wire.certificate_issued());
    case v1::HubMessage::KIND_NOT_SET:
      break;
  }
  return absl::UnimplementedError("a message of a kind that this agent does not know");
}

}  // namespace lockstep
