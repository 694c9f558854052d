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

void Write(const Desired& own, DeltaEncoder* deltas, v1::HubMessage* message) {
  WriteDesired(own, deltas, message->mutable_desired());
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

absl::Status Read(const v1::Desired& wire, Desired* own) { return ReadDesired(wire, own); }

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
