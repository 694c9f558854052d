#include "agent/identity/enrol.h"

#include <functional>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include "agent/identity/https_client.h"
#include "common/base/status.h"
#include "common/credentials/proof.h"
#include "common/object/json.h"

namespace lockstep {
namespace {

constexpr size_t kTargetUidBytes = 16;
constexpr JsonLimits kAnswerLimits = {.bytes = 256 * 1024, .depth = 4};

std::string ShowTime(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}

// That `leaf` is the hub's and good now.
absl::Status CheckHub(const Certificate& leaf, absl::Span<const Certificate> roots,
                      absl::Time now) {
  if (absl::Status issued = VerifyIssued(leaf, roots, CertificateUse::kServer, now); !issued.ok()) {
    return absl::UnauthenticatedError(absl::StrCat("the server's ", issued.message(),
                                                   "; this machine's clock says ", ShowTime(now)));
  }
  const absl::StatusOr<Identity> identity = leaf.ReadIdentity();
  if (identity.ok() && identity->kind == IdentityKind::kHub) return absl::OkStatus();
  return absl::UnauthenticatedError("the server is not the hub");
}

// That the hub's authority is the one that the token names; keeps it in `root`.
absl::Status CheckPinned(absl::Span<const Certificate> shown, const Digest& pin, absl::Time now,
                         std::vector<Certificate>* roots) {
  for (const Certificate& certificate : shown) {
    if (certificate.Fingerprint() != pin) continue;
    *roots = {certificate};
    return CheckHub(shown.front(), *roots, now);
  }
  return absl::UnauthenticatedError(
      "the server shows another authority than the join token names: it is another hub, or someone "
      "stands in between; make a new token on the hub that is meant");
}

Value Base64Value(absl::string_view bytes) { return Value::String(absl::Base64Escape(bytes)); }

absl::Status AnswerError(const HttpsAnswer& answer) {
  const absl::StatusOr<Value> json = ReadJson(answer.body, "answer", kAnswerLimits);
  const std::string text = json.ok() ? std::string(json->StringAt("error")) : "";
  const std::string message =
      text.empty() ? absl::StrCat("the server answered with HTTP ", answer.status) : text;
  switch (answer.status) {
    case 400:
    case 401:
    case 403:
      return absl::PermissionDeniedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::StatusOr<Value> Ask(absl::StatusOr<HttpsAnswer> answer) {
  if (!answer.ok()) return answer.status();
  if (answer->status != 200) return AnswerError(*answer);
  absl::StatusOr<Value> json = ReadJson(answer->body, "answer", kAnswerLimits);
  if (!json.ok()) return absl::UnavailableError(json.status().message());
  return json;
}

absl::StatusOr<std::string> AskNonce(HttpsClient& client) {
  LOCKSTEP_ASSIGN_OR_RETURN(const Value json, Ask(client.Get("/v1/nonce")));
  std::string nonce;
  if (!absl::Base64Unescape(json.StringAt("nonce"), &nonce) || nonce.empty()) {
    return absl::UnavailableError("the server's answer holds no nonce");
  }
  return nonce;
}

absl::StatusOr<Certificate> AskCertificate(HttpsClient& client, absl::string_view path,
                                           Object request) {
  LOCKSTEP_ASSIGN_OR_RETURN(
      const Value json,
      Ask(client.Post(path, WriteJson(Value::MakeObject(std::move(request)), /*indent=*/0))));
  const Value* chain = json.Find("certificates");
  std::string der;
  if (chain == nullptr || !chain->IsArray() || chain->AsArray().empty() ||
      !chain->AsArray()[0].IsString() ||
      !absl::Base64Unescape(chain->AsArray()[0].AsString(), &der)) {
    return absl::UnavailableError("the server's answer holds no certificate");
  }
  return Certificate::FromDer(der);
}

// Asks one hub after the other until one answers, be it with a refusal.
absl::StatusOr<Certificate> AskHubs(
    const std::vector<HubAddress>& hubs, absl::string_view what, const ServerCheck& check,
    const std::function<absl::StatusOr<Certificate>(HttpsClient&)>& ask) {
  absl::StatusOr<Certificate> answer = absl::UnavailableError("no hub is known");
  for (const HubAddress& hub : hubs) {
    HttpsClient client(hub.EnrolmentTarget(), check);
    answer = ask(client);
    if (answer.ok()) return answer;
    answer = Annotate(answer.status(), absl::StrCat(what, " at ", hub.EnrolmentTarget()));
    if (!absl::IsUnavailable(answer.status())) break;
  }
  return answer;
}

}  // namespace

absl::StatusOr<AgentIdentity> Enrol(absl::string_view token_text, const IdentityPlace& place,
                                    absl::string_view target_uid, absl::Time now) {
  LOCKSTEP_ASSIGN_OR_RETURN(const JoinToken token, ParseJoinToken(token_text));
  if (target_uid.size() != kTargetUidBytes)
    return absl::InternalError("the target's id is not of 16 bytes");
  const PrivateKey key = PrivateKey::Generate();
  std::vector<Certificate> roots;
  const auto check = [&](absl::Span<const Certificate> shown) {
    return CheckPinned(shown, token.ca_fingerprint, now, &roots);
  };
  const auto ask = [&](HttpsClient& client) -> absl::StatusOr<Certificate> {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string nonce, AskNonce(client));
    const std::string public_der = key.PublicDer();
    Object request;
    request.Set("cluster", Value::String(token.cluster));
    request.Set("secret", Base64Value(token.secret));
    request.Set("publicKey", Base64Value(public_der));
    request.Set("targetUid", Base64Value(target_uid));
    request.Set("nonce", Base64Value(nonce));
    request.Set("proof", Base64Value(key.Sign(EnrolmentProofMessage(
                             HashTokenSecret(token.secret), nonce, public_der, target_uid))));
    return AskCertificate(client, "/v1/enrol", std::move(request));
  };
  const std::string what = absl::StrCat("joining as cluster ", token.cluster);
  LOCKSTEP_ASSIGN_OR_RETURN(Certificate certificate, AskHubs(token.hubs, what, check, ask));
  AgentIdentity identity = {.cluster = token.cluster,
                            .key = key,
                            .certificate = certificate,
                            .roots = std::move(roots),
                            .hubs = token.hubs,
                            .joined_with = HashTokenSecret(token.secret).ToHex()};
  const CertificateIssued issued = {.chain = {certificate.ToDer()},
                                    .not_after = certificate.not_after()};
  return AcceptCertificate(place, identity, issued, now);
}

absl::StatusOr<AgentIdentity> RenewAfterExpiry(const IdentityPlace& place,
                                               const AgentIdentity& identity, absl::Time now) {
  const auto check = [&](absl::Span<const Certificate> shown) {
    return CheckHub(shown.front(), identity.roots, now);
  };
  const auto ask = [&](HttpsClient& client) -> absl::StatusOr<Certificate> {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string nonce, AskNonce(client));
    const std::string der = identity.certificate.ToDer();
    Object request;
    request.Set("certificate", Base64Value(der));
    request.Set("nonce", Base64Value(nonce));
    request.Set("proof", Base64Value(identity.key.Sign(LateRenewalProofMessage(der, nonce))));
    return AskCertificate(client, "/v1/renew", std::move(request));
  };
  const std::string what =
      absl::StrCat("renewing the expired certificate of cluster ", identity.cluster);
  LOCKSTEP_ASSIGN_OR_RETURN(const Certificate certificate,
                            AskHubs(identity.hubs, what, check, ask));
  const CertificateIssued issued = {.chain = {certificate.ToDer()},
                                    .not_after = certificate.not_after()};
  return AcceptCertificate(place, identity, issued, now);
}

}  // namespace lockstep
