#include "agent/kube/answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/object/json.h"

namespace lockstep {
namespace {

constexpr size_t kMessageBytes = 500;
constexpr size_t kEchoBytesMax = 64;  // An echoed value longer than this is cut out.
constexpr size_t kCausesMax = 16;

// How the server's validation says that a field cannot be changed in place.
constexpr std::array<absl::string_view, 6> kImmutableWords = {
    "field is immutable",
    "may not change once set",
    "cannot change roleRef",
    "pod updates may not change fields other than",
    "updates to statefulset spec for fields other than",
    "is immutable after creation",
};

bool SaysImmutable(absl::string_view message) {
  return std::any_of(kImmutableWords.begin(), kImmutableWords.end(),
                     [&](absl::string_view words) { return absl::StrContains(message, words); });
}

// "Invalid value: {…whole template…}: field is immutable" without the value, which may be long or
// secret.
std::string WithoutEcho(absl::string_view message, bool secret) {
  constexpr absl::string_view kEcho = "Invalid value: ";
  const size_t begin = message.find(kEcho);
  if (begin == absl::string_view::npos) return std::string(message);
  const size_t end = message.rfind(": ");
  const size_t value = begin + kEcho.size();
  if (end == absl::string_view::npos || end < value) {
    return secret ? std::string(message.substr(0, value - 2)) : std::string(message);
  }
  if (!secret && end - value <= kEchoBytesMax) return std::string(message);
  return absl::StrCat(message.substr(0, begin), message.substr(end + 2));
}

std::string Cut(std::string message) {
  if (message.size() <= kMessageBytes) return message;
  size_t end = kMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
  message.resize(end);
  return message + "…";
}

std::string MessageOf(const Value& status, const std::vector<KubeAnswer::Cause>& causes) {
  const absl::string_view message = status.StringAt("message");
  const Value* details = status.Find("details");
  const absl::string_view kind = details == nullptr ? "" : details->StringAt("kind");
  const bool secret = kind == "Secret" || kind == "secrets";
  const bool echoes = std::any_of(causes.begin(), causes.end(), [](const auto& cause) {
    return absl::StrContains(cause.message, "Invalid value: ");
  });
  if (!echoes || (!secret && message.size() <= kMessageBytes)) return std::string(message);
  const std::string all =
      absl::StrJoin(causes, "; ", [&](std::string* out, const KubeAnswer::Cause& cause) {
        absl::StrAppend(out, cause.field, ": ", WithoutEcho(cause.message, secret));
      });
  return absl::StrCat(kind, " \"", details->StringAt("name"), "\" is invalid: ", all);
}

std::vector<KubeAnswer::Cause> CausesOf(const Value& status) {
  std::vector<KubeAnswer::Cause> causes;
  const Value* details = status.Find("details");
  const Value* listed = details == nullptr ? nullptr : details->Find("causes");
  if (listed == nullptr || !listed->IsArray()) return causes;
  for (const Value& cause : listed->AsArray()) {
    if (causes.size() == kCausesMax) break;
    causes.push_back({std::string(cause.StringAt("reason")), std::string(cause.StringAt("field")),
                      std::string(cause.StringAt("message"))});
  }
  return causes;
}

bool HasCause(const KubeAnswer& answer, absl::string_view reason) {
  return std::any_of(answer.causes.begin(), answer.causes.end(),
                     [&](const auto& cause) { return cause.reason == reason; });
}

KubeOutcome OutcomeOfInvalid(const KubeAnswer& answer, const Value& status) {
  if (answer.causes.empty()) {
    return SaysImmutable(status.StringAt("message")) ? KubeOutcome::kImmutable : KubeOutcome::kFix;
  }
  const bool all = std::all_of(answer.causes.begin(), answer.causes.end(),
                               [](const auto& cause) { return SaysImmutable(cause.message); });
  return all ? KubeOutcome::kImmutable : KubeOutcome::kFix;
}

// A 500 may be the object's fault: server-side apply answers so to what its schema does not have.
KubeOutcome OutcomeOfInternal(const Value& status) {
  const absl::string_view message = status.StringAt("message");
  const bool object = absl::StartsWith(message, "failed to create typed patch object") ||
                      absl::StrContains(message, "etcdserver: request is too large");
  return object ? KubeOutcome::kFix : KubeOutcome::kRetry;
}

KubeOutcome OutcomeOfAbsent(const Value& status, absl::string_view resource) {
  const Value* details = status.Find("details");
  const absl::string_view kind = details == nullptr ? "" : details->StringAt("kind");
  // Without a kind it is the kind that is not served; with another one, the namespace.
  return !kind.empty() && (resource.empty() || kind == resource) ? KubeOutcome::kAbsent
                                                                 : KubeOutcome::kWait;
}

KubeOutcome OutcomeOf(int code, const KubeAnswer& answer, const Value& status,
                      absl::string_view resource) {
  switch (code) {
    case 401:
      return KubeOutcome::kUnknownUser;
    case 403:
      return HasCause(answer, "NamespaceTerminating") ? KubeOutcome::kWait
                                                      : KubeOutcome::kForbidden;
    case 404:
      return OutcomeOfAbsent(status, resource);
    case 409:
      return HasCause(answer, "FieldManagerConflict") ? KubeOutcome::kConflict
                                                      : KubeOutcome::kChanged;
    case 408:
    case 429:
      return KubeOutcome::kRetry;
    case 410:
      return KubeOutcome::kExpired;
    case 422:
      return OutcomeOfInvalid(answer, status);
    case 500:
      return OutcomeOfInternal(status);
    default:
      return code >= 500 || code < 400 ? KubeOutcome::kRetry : KubeOutcome::kFix;
  }
}

KubeAnswer Read(int code, const Value& status, absl::string_view resource) {
  KubeAnswer answer;
  answer.reason = std::string(status.StringAt("reason"));
  answer.causes = CausesOf(status);
  answer.outcome = OutcomeOf(code, answer, status, resource);
  answer.message = Cut(MessageOf(status, answer.causes));
  if (answer.message.empty()) answer.message = absl::StrCat("the API server answered ", code);
  const Value* details = status.Find("details");
  const Value* after = details == nullptr ? nullptr : details->Find("retryAfterSeconds");
  if (after != nullptr && after->IsInt()) {
    answer.retry_after = absl::Seconds(std::clamp<int64_t>(after->AsInt(), 0, 3600));
  }
  return answer;
}

}  // namespace

KubeAnswer ReadAnswer(const KubeResponse& response, absl::string_view resource) {
  if (response.code >= 200 && response.code < 300) return {};
  absl::StatusOr<Value> status = ReadJson(response.body, "answer");
  KubeAnswer answer;
  if (status.ok() && status->StringAt("kind") == "Status") {
    answer = Read(response.code, *status, resource);
  } else {
    answer = Read(response.code, Value::MakeObject(), resource);
    if (response.code == 404) answer.message = "the API server does not serve this kind";
  }
  if (response.retry_after.has_value()) answer.retry_after = *response.retry_after;
  return answer;
}

KubeAnswer ReadStatusObject(const Value& status) {
  const Value* code = status.Find("code");
  return Read(code != nullptr && code->IsInt() ? static_cast<int>(code->AsInt()) : 500, status, "");
}

absl::Status ToStatus(const KubeAnswer& answer) {
  switch (answer.outcome) {
    case KubeOutcome::kDone:
      return absl::OkStatus();
    case KubeOutcome::kRetry:
    case KubeOutcome::kWait:
      return absl::UnavailableError(answer.message);
    case KubeOutcome::kFix:
    case KubeOutcome::kImmutable:
      return absl::InvalidArgumentError(answer.message);
    case KubeOutcome::kConflict:
      return absl::AbortedError(answer.message);
    case KubeOutcome::kForbidden:
      return absl::PermissionDeniedError(answer.message);
    case KubeOutcome::kUnknownUser:
      return absl::UnauthenticatedError(answer.message);
    case KubeOutcome::kAbsent:
      return absl::NotFoundError(answer.message);
    case KubeOutcome::kChanged:
      return absl::FailedPreconditionError(answer.message);
    case KubeOutcome::kExpired:
      return absl::OutOfRangeError(answer.message);
  }
  return absl::InternalError(answer.message);
}

}  // namespace lockstep
