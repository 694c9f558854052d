#include "hub/identity/enrolment_service.h"

#include <optional>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/credentials/join_token.h"
#include "common/credentials/proof.h"
#include "common/object/json.h"

namespace lockstep {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kTargetUidBytes = 16;
constexpr JsonLimits kJsonLimits = {.bytes = 64 * 1024, .depth = 4};

// One text for every reason, so that nothing can be learned about tokens.
absl::Status TokenRefused() {
  return absl::PermissionDeniedError(
      "the join token is unknown, used, expired or for another cluster; make a new one with "
      "`lockstep cluster join-token NAME`");
}

absl::Status LateRenewalRefused() {
  return absl::PermissionDeniedError(
      "this key is not (any more) the one that the cluster joined with, or was revoked; join again "
      "with a new token");
}

absl::StatusOr<std::string> Text(const Value& body, absl::string_view field) {
  const Value* member = body.Find(field);
  if (member != nullptr && member->IsString()) return member->AsString();
  return absl::InvalidArgumentError(
      absl::StrCat("the request's \"", field, "\" is missing or no text"));
}

absl::StatusOr<std::string> Bytes(const Value& body, absl::string_view field) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string text, Text(body, field));
  std::string bytes;
  if (absl::Base64Unescape(text, &bytes)) return bytes;
  return absl::InvalidArgumentError(absl::StrCat("the request's \"", field, "\" is no base64"));
}

int HttpStatus(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kOutOfRange:
      return 413;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

// What the asker did wrong, as opposed to what is wrong here.
bool IsTheirs(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsUnauthenticated(status) ||
         absl::IsPermissionDenied(status);
}

// As often as the limit on failures lets one address ask.
void LogRefused(absl::string_view cluster, absl::string_view address, const absl::Status& why) {
  Log(LogLevel::kWarning, "certificate refused",
      {{"cluster", cluster}, {"address", address}, {"error", why}});
}

}  // namespace

// What an asker wants and has proved to hold the key for; the backend has yet to agree.
struct EnrolmentService::Claim {
  std::string cluster;
  std::string public_der;
  std::optional<Redemption> redemption;  // Otherwise a late renewal.
};

HttpReply ErrorReply(const absl::Status& status) {
  const bool ours = HttpStatus(status.code()) == 500;
  Object object;
  object.Set("error", Value::String(ours ? absl::string_view("the hub failed; its log says why")
                                         : status.message()));
  return {HttpStatus(status.code()), WriteJson(Value::MakeObject(std::move(object)), 0)};
}

void EnrolmentService::Handle(const HttpRequest& request, Done done) {
  if (request.method == "GET" && request.target == "/v1/nonce") {
    Object object;
    object.Set("nonce", Value::String(absl::Base64Escape(nonces_.Make(clock_->Monotonic()))));
    done({200, WriteJson(Value::MakeObject(std::move(object)), 0)});
    return;
  }
  const bool enrol = request.target == "/v1/enrol";
  if (request.method != "POST" || (!enrol && request.target != "/v1/renew")) {
    done(ErrorReply(absl::NotFoundError(
        "there is nothing here; agents join with `lockstep-agent run --join TOKEN`")));
    return;
  }
  if (failures_.Exceeded(request.address, clock_->Monotonic())) {
    done(ErrorReply(absl::ResourceExhaustedError(
        "too many refused requests from this address; wait a minute, then try again")));
    return;
  }
  Answer(request.address, enrol ? ReadEnrolment(request.body) : ReadLateRenewal(request.body),
         std::move(done));
}

absl::StatusOr<EnrolmentService::Claim> EnrolmentService::ReadEnrolment(
    const std::string& body) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const Value json, ReadJson(body, "request", kJsonLimits));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string cluster, Text(json, "cluster"));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string secret, Bytes(json, "secret"));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string public_der, Bytes(json, "publicKey"));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string target_uid, Bytes(json, "targetUid"));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string nonce, Bytes(json, "nonce"));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string proof, Bytes(json, "proof"));
  LOCKSTEP_RETURN_IF_ERROR(CheckIdentityName("cluster", cluster));
  if (secret.size() != kSecretBytes) return TokenRefused();
  if (target_uid.size() != kTargetUidBytes) {
    return absl::InvalidArgumentError("the request's \"targetUid\" is not of 16 bytes");
  }
  if (!nonces_.IsFresh(nonce, clock_->Monotonic())) {
    return absl::UnauthenticatedError("the nonce is not this hub's or too old; try again");
  }
  const Digest token_hash = HashTokenSecret(secret);
  LOCKSTEP_RETURN_IF_ERROR(VerifySignature(
      public_der, EnrolmentProofMessage(token_hash, nonce, public_der, target_uid), proof));
  return Claim{.cluster = cluster,
               .public_der = public_der,
               .redemption = Redemption{.token_hash = token_hash,
                                        .cluster = cluster,
                                        .fingerprint = KeyFingerprint(public_der),
                                        .target_uid = target_uid}};
}

absl::StatusOr<EnrolmentService::Claim> EnrolmentService::ReadLateRenewal(
    const std::string& body) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const Value json, ReadJson(body, "request", kJsonLimits));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string der, Bytes(json, "certificate"));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string nonce, Bytes(json, "nonce"));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string proof, Bytes(json, "proof"));
  LOCKSTEP_ASSIGN_OR_RETURN(const Certificate certificate, Certificate::FromDer(der));
  // Good but for its end.
  LOCKSTEP_RETURN_IF_ERROR(VerifyIssued(certificate, {authority_.certificate()},
                                        CertificateUse::kClient,
                                        certificate.not_after() - absl::Seconds(1)));
  LOCKSTEP_ASSIGN_OR_RETURN(const PeerIdentity peer, certificate.ReadPeer());
  if (peer.kind != IdentityKind::kCluster) return LateRenewalRefused();
  if (clock_->Now() > peer.not_after + kLateRenewalGrace) {
    return absl::PermissionDeniedError(
        absl::StrCat("the certificate of cluster ", peer.name, " expired more than ",
                     absl::FormatDuration(kLateRenewalGrace), " ago; join again with a new token"));
  }
  if (!nonces_.IsFresh(nonce, clock_->Monotonic())) {
    return absl::UnauthenticatedError("the nonce is not this hub's or too old; try again");
  }
  LOCKSTEP_RETURN_IF_ERROR(
      VerifySignature(certificate.PublicDer(), LateRenewalProofMessage(der, nonce), proof));
  return Claim{.cluster = peer.name, .public_der = certificate.PublicDer()};
}

void EnrolmentService::Answer(const std::string& address, absl::StatusOr<Claim> claim, Done done) {
  const absl::Duration monotonic = clock_->Monotonic();
  if (!claim.ok()) {
    failures_.Add(address, monotonic);
    LogRefused("", address, claim.status());
    done(ErrorReply(claim.status()));
    return;
  }
  const absl::Status refused =
      claim->redemption.has_value() ? TokenRefused() : LateRenewalRefused();
  auto decided = [self = shared_from_this(), address, monotonic, refused, claim = *claim,
                  now = clock_->Now(), done = std::move(done)](const absl::Status& status) mutable {
    if (IsTheirs(status)) {
      self->failures_.Add(address, monotonic);
      LogRefused(claim.cluster, address, status);
    }
    if (status.ok()) {
      done(self->Sign(claim, now));
    } else {
      done(ErrorReply(IsTheirs(status) ? refused : status));
    }
  };
  if (claim->redemption.has_value()) {
    backend_->Redeem(*claim->redemption, std::move(decided));
  } else {
    backend_->AllowLateRenewal(
        {.cluster = claim->cluster, .fingerprint = KeyFingerprint(claim->public_der)},
        std::move(decided));
  }
}

HttpReply EnrolmentService::Sign(const Claim& claim, absl::Time now) const {
  const absl::StatusOr<Certificate> certificate =
      authority_.IssueAgent(claim.cluster, claim.public_der, now);
  if (!certificate.ok()) return ErrorReply(certificate.status());
  Log(LogLevel::kInfo, "agent's certificate issued",
      {{"cluster", claim.cluster},
       {"key", certificate->Fingerprint().Short()},
       {"by", claim.redemption.has_value() ? "join token" : "late renewal"}});
  Value::Array chain;
  chain.push_back(Value::String(absl::Base64Escape(certificate->ToDer())));
  chain.push_back(Value::String(absl::Base64Escape(authority_.certificate().ToDer())));
  Object object;
  object.Set("certificates", Value::MakeArray(std::move(chain)));
  return {200, WriteJson(Value::MakeObject(std::move(object)), 0)};
}

}  // namespace lockstep
