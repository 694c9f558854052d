#include "agent/kube/identity_secret.h"

#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include "agent/kube/answer.h"
#include "common/base/status.h"
#include "common/object/json.h"

namespace lockstep {
namespace {

constexpr char kKey[] = "identity.pem";
constexpr absl::Duration kTimeout = absl::Seconds(10);

}  // namespace

IdentitySecret::IdentitySecret(KubeAccess access, std::string name, const Clock* clock)
    : access_(std::move(access)),
      namespace_(access_.namespace_.empty() ? "default" : access_.namespace_),
      name_(std::move(name)),
      clock_(clock) {}

std::string IdentitySecret::Name() const { return absl::StrCat("Secret ", namespace_, "/", name_); }

absl::StatusOr<KubeResponse> IdentitySecret::Ask(KubeRequest request) const {
  request.path = absl::StrCat("/api/v1/namespaces/", namespace_, "/secrets/", name_);
  request.timeout = kTimeout;
  KubeHttp http(access_, {.connect_timeout = kTimeout}, clock_);
  std::vector<KubeRequest> requests;
  requests.push_back(std::move(request));
  LOCKSTEP_ASSIGN_OR_RETURN(KubeResponse response,
                            std::move(http.Perform(std::move(requests), [] { return false; })[0]));
  const KubeAnswer answer = ReadAnswer(response, "secrets");
  if (answer.outcome == KubeOutcome::kAbsent) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no ", Name(),
                     " for the identity; make an empty one, as deploy/kubernetes/agent does"));
  }
  LOCKSTEP_RETURN_IF_ERROR(ToStatus(answer));
  return response;
}

absl::StatusOr<std::string> IdentitySecret::Read() const {
  const absl::StatusOr<KubeResponse> response = Ask({});
  if (!response.ok()) return Annotate(response.status(), absl::StrCat("reading ", Name()));
  LOCKSTEP_ASSIGN_OR_RETURN(const Value secret, ReadJson(response->body, Name()));
  const Value* const data = secret.Find("data");
  const absl::string_view encoded = data == nullptr ? "" : data->StringAt(kKey);
  if (encoded.empty()) return absl::NotFoundError(absl::StrCat(Name(), " holds no identity"));
  std::string text;
  if (absl::Base64Unescape(encoded, &text)) return text;
  return absl::DataLossError(absl::StrCat(Name(), ": ", kKey, " is no base64"));
}

absl::Status IdentitySecret::Write(absl::string_view text) const {
  Object data;
  data.Set(kKey, Value::String(absl::Base64Escape(text)));
  Object patch;
  patch.Set("data", Value::MakeObject(std::move(data)));
  const absl::StatusOr<KubeResponse> response =
      Ask({.method = "PATCH",
           .body = WriteJson(Value::MakeObject(std::move(patch)), /*indent=*/0),
           .content_type = "application/merge-patch+json"});
  return Annotate(response.status(), absl::StrCat("writing ", Name()));
}

}  // namespace lockstep
