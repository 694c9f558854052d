#include "common/rpc/wire_fields.h"

// Agent to hub.
namespace lockstep {
namespace {

using namespace wire;  // This file and its sibling are the two halves of one thing.

// ---- own types to wire

v1::TargetKind Kind(TargetKind kind) {
  return kind == TargetKind::kDirectory ? v1::TARGET_KIND_DIRECTORY : v1::TARGET_KIND_KUBERNETES;
}

void Write(const Hello& own, v1::AgentMessage* message) {
  v1::Hello* wire = message->mutable_hello();
  wire->set_proto_min(own.proto_min);
  wire->set_proto_max(own.proto_max);
  wire->set_version(CleanText(own.version, kTextBytesMax));
  wire->set_target_uid(own.target_uid);
  wire->set_start_counter(own.start_counter);
  wire->set_commit_counter(own.seen.counter);
  wire->set_chain_hash(FromDigest(own.seen.chain));
  for (const Digest& key : own.revoked) {
    if (static_cast<size_t>(wire->revoked_size()) == kRevokedMax) break;
    wire->add_revoked(FromDigest(key));
  }
  wire->set_hub_incarnation(own.hub_incarnation);
  wire->set_epoch(own.epoch);
  wire->set_desired_seq(own.desired_seq);
  wire->set_status_seq_acked(own.status_seq_acked);
  wire->set_cluster_root(FromDigest(own.cluster_root));
  wire->set_target(Kind(own.target));
  for (const auto& [name, value] : own.facts) {
    if (static_cast<size_t>(wire->facts_size()) == kFactsMax) break;
    (*wire->mutable_facts())[CleanText(name, kTextBytesMax)] = CleanText(value, kTextBytesMax);
  }
}

v1::ApplicationAck::Code Code(ApplicationAck::Code code) {
  switch (code) {
    case ApplicationAck::Code::kInvalid:
      return v1::ApplicationAck::INVALID;
    case ApplicationAck::Code::kStale:
      return v1::ApplicationAck::STALE;
    case ApplicationAck::Code::kDeleteGuard:
      return v1::ApplicationAck::DELETE_GUARD;
    case ApplicationAck::Code::kTooLarge:
      return v1::ApplicationAck::TOO_LARGE;
    case ApplicationAck::Code::kNoSpace:
      return v1::ApplicationAck::NO_SPACE;
    case ApplicationAck::Code::kTransient:
      return v1::ApplicationAck::TRANSIENT;
  }
  return v1::ApplicationAck::CODE_UNSPECIFIED;
}

void Write(const Ack& own, v1::AgentMessage* message) {
  v1::Ack* wire = message->mutable_ack();
  wire->set_received_through(own.received_through);
  wire->set_cluster_root(FromDigest(own.cluster_root));
  for (const ApplicationAck& refused : own.refused) {
    v1::ApplicationAck* application = wire->add_applications();
    application->set_name(refused.name);
    application->set_generation(refused.generation);
    application->set_code(Code(refused.code));
    application->set_message(CleanText(refused.message, kMessageBytesMax));
    application->set_retryable(refused.retryable);
  }
}

void Write(const StatusReport& own, v1::AgentMessage* message) {
  WriteStatus(own, message->mutable_status());
}

void Write(const Beat& own, v1::AgentMessage* message) {
  v1::Beat* wire = message->mutable_beat();
  wire->set_root_prefix(own.root_prefix);
  wire->set_status_seq(own.status_seq);
}

void Write(const Pages& own, v1::AgentMessage* message) {
  v1::Pages* wire = message->mutable_pages();
  for (const HeldApplication& held : own.applications) {
    v1::HeldApplication* application = wire->add_applications();
    application->set_name(held.name);
    application->set_generation(held.generation);
    application->set_manifest(FromDigest(held.manifest));
    application->set_options_digest(FromDigest(held.options_digest));
    application->set_releasing(held.releasing);
  }
}

void Write(const CertificateRequest& own, v1::AgentMessage* message) {
  message->mutable_certificate_request()->set_public_key(own.public_key);
  message->mutable_certificate_request()->set_proof(own.proof);
}

// ---- wire to own types

absl::Status Read(const v1::Hello& wire, Hello* own) {
  own->proto_min = wire.proto_min();
  own->proto_max = wire.proto_max();
  if (own->proto_min == 0 || own->proto_max < own->proto_min) {
    return Wrong("proto_min", own->proto_min, " to ", own->proto_max, " is no range of versions");
  }
  LOCKSTEP_RETURN_IF_ERROR(ReadText("version", wire.version(), kTextBytesMax, &own->version));
  LOCKSTEP_RETURN_IF_ERROR(
      ReadBytes("target_uid", wire.target_uid(), 16, Absent::kRefused, &own->target_uid));
  own->start_counter = wire.start_counter();
  own->seen.counter = wire.commit_counter();
  LOCKSTEP_RETURN_IF_ERROR(
      ReadDigest("chain_hash", wire.chain_hash(), Absent::kAllowed, &own->seen.chain));
  if ((own->seen.counter == 0) != own->seen.chain.IsZero()) {
    return Wrong("chain_hash", "stands exactly where commit_counter is not 0");
  }
  LOCKSTEP_RETURN_IF_ERROR(ReadDigests("revoked", wire.revoked(), kRevokedMax, &own->revoked));
  LOCKSTEP_RETURN_IF_ERROR(ReadBytes("hub_incarnation", wire.hub_incarnation(), 16,
                                     Absent::kAllowed, &own->hub_incarnation));
  own->epoch = wire.epoch();
  own->desired_seq = wire.desired_seq();
  own->status_seq_acked = wire.status_seq_acked();
  LOCKSTEP_RETURN_IF_ERROR(
      ReadDigest("cluster_root", wire.cluster_root(), Absent::kAllowed, &own->cluster_root));
  switch (wire.target()) {
    case v1::TARGET_KIND_DIRECTORY:
      own->target = TargetKind::kDirectory;
      break;
    case v1::TARGET_KIND_KUBERNETES:
      own->target = TargetKind::kKubernetes;
      break;
    default:
      return Wrong("target", "kind ", wire.target(),
                   " is not known here; upgrade the hub before its agents");
  }
  LOCKSTEP_RETURN_IF_ERROR(CheckCount("facts", wire.facts().size(), kFactsMax));
  for (const auto& [name, value] : wire.facts()) {
    std::string name_text;
    LOCKSTEP_RETURN_IF_ERROR(ReadText("facts", name, kTextBytesMax, &name_text));
    LOCKSTEP_RETURN_IF_ERROR(ReadText("facts", value, kTextBytesMax, &own->facts[name_text]));
  }
  return absl::OkStatus();
}

absl::Status ReadApplicationAck(const v1::ApplicationAck& wire, ApplicationAck* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadApplicationName("name", wire.name(), &own->name));
  own->generation = wire.generation();
  switch (wire.code()) {
    case v1::ApplicationAck::CODE_UNSPECIFIED:
      return Wrong("code", "unspecified");
    case v1::ApplicationAck::STALE:
      own->code = ApplicationAck::Code::kStale;
      break;
    case v1::ApplicationAck::DELETE_GUARD:
      own->code = ApplicationAck::Code::kDeleteGuard;
      break;
    case v1::ApplicationAck::TOO_LARGE:
      own->code = ApplicationAck::Code::kTooLarge;
      break;
    case v1::ApplicationAck::NO_SPACE:
      own->code = ApplicationAck::Code::kNoSpace;
      break;
    case v1::ApplicationAck::TRANSIENT:
      own->code = ApplicationAck::Code::kTransient;
      break;
    default:
      own->code = ApplicationAck::Code::kInvalid;  // A newer agent's code: refused all the same.
  }
  own->retryable = wire.retryable();
  return ReadText("message", wire.message(), kMessageBytesMax, &own->message);
}

absl::Status Read(const v1::Ack& wire, Ack* own) {
  own->received_through = wire.received_through();
  LOCKSTEP_RETURN_IF_ERROR(
      ReadDigest("cluster_root", wire.cluster_root(), Absent::kAllowed, &own->cluster_root));
  return ReadList("applications", wire.applications(), kApplicationsMax, &own->refused,
                  ReadApplicationAck);
}

absl::Status Read(const v1::Beat& wire, Beat* own) {
  own->status_seq = wire.status_seq();
  return ReadBytes("root_prefix", wire.root_prefix(), 8, Absent::kAllowed, &own->root_prefix);
}

absl::Status ReadHeld(const v1::HeldApplication& wire, HeldApplication* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadApplicationName("name", wire.name(), &own->name));
  own->generation = wire.generation();
  own->releasing = wire.releasing();
  LOCKSTEP_RETURN_IF_ERROR(
      ReadDigest("manifest", wire.manifest(), Absent::kAllowed, &own->manifest));
  return ReadDigest("options_digest", wire.options_digest(), Absent::kAllowed,
                    &own->options_digest);
}

absl::Status Read(const v1::Pages& wire, Pages* own) {
  return ReadList("applications", wire.applications(), kApplicationsMax, &own->applications,
                  ReadHeld);
}

absl::Status Read(const v1::CertificateRequest& wire, CertificateRequest* own) {
  LOCKSTEP_RETURN_IF_ERROR(ReadUpTo("public_key", wire.public_key(), 4096, &own->public_key));
  return ReadUpTo("proof", wire.proof(), 4096, &own->proof);
}

absl::Status Read(const v1::Status& wire, const KeyLists& lists, StatusReport* own) {
  return ReadStatus(wire, lists, own);
}

template <typename Own, typename Wire, typename... Context>
absl::StatusOr<AgentMessage> Convert(absl::string_view field, const Wire& wire,
                                     const Context&... context) {
  Own own;
  if (absl::Status status = Read(wire, context..., &own); !status.ok())
    return Annotate(status, field);
  return AgentMessage(std::move(own));
}

}  // namespace

void ToWire(const AgentMessage& message, v1::AgentMessage* wire) {
  wire->Clear();
  std::visit([wire](const auto& own) { Write(own, wire); }, message);
}

absl::StatusOr<AgentMessage> FromWire(const v1::AgentMessage& wire, const KeyLists& lists) {
  const size_t most =
      wire.kind_case() == v1::AgentMessage::kStatus ? kStatusBytesMax : kControlBytesMax;
  if (const size_t bytes = wire.ByteSizeLong(); bytes > most) {
    return absl::InvalidArgumentError(absl::StrCat("a message of ", bytes, " bytes; at most ", most,
                                                   " are allowed for this kind"));
  }
  switch (wire.kind_case()) {
    case v1::AgentMessage::kHello:
      return Convert<Hello>("hello", wire.hello());
    case v1::AgentMessage::kAck:
      return Convert<Ack>("ack", wire.ack());
    case v1::AgentMessage::kStatus:
      return Convert<StatusReport>("status", wire.status(), lists);
    case v1::AgentMessage::kBeat:
      return Convert<Beat>("beat", wire.beat());
    case v1::AgentMessage::kPages:
      return Convert<Pages>("pages", wire.pages());
    case v1::AgentMessage::kCertificateRequest:
      return Convert<CertificateRequest>("certificate_request", wire.certificate_request());
    case v1::AgentMessage::kKeyListPart:
      return Wrong("key_list_part", "is no message of its own");
    case v1::AgentMessage::KIND_NOT_SET:
      break;
  }
  return absl::UnimplementedError("a message of a kind that this hub does not know");
}

}  // namespace lockstep
