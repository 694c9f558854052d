#include "hub/source/http_answer.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <curl/curl.h>

#include "hub/remote/git_url.h"

namespace lockstep {
namespace {

absl::Status Redirected(const HttpAnswer& answer) {
  const absl::string_view location =
      absl::string_view(answer.location).substr(0, answer.location.find('?'));
  return absl::FailedPreconditionError(absl::StrCat(
      "the server redirects (HTTP ", answer.status, ") to \"", RedactUrl(location),
      "\"; redirects are not followed: if that is the repository, write its URL into spec.url"));
}

absl::Status Unauthenticated(const GitCredentials& credentials) {
  if (credentials.username.empty() && credentials.bearer_token.empty()) {
    return absl::PermissionDeniedError(
        "the server asks for credentials (HTTP 401); put username and password, or bearerToken, "
        "into a Secret and name "
        "it in spec.secretRef (servers answer so too where no such repository exists)");
  }
  return absl::PermissionDeniedError(
      "the server refused the Secret's credentials (HTTP 401); check them, and whether the token "
      "has expired");
}

}  // namespace

absl::Status CheckHttpAnswer(const HttpAnswer& answer, absl::string_view want,
                             const GitCredentials& credentials) {
  const long status = answer.status;
  if (status >= 300 && status < 400) return Redirected(answer);
  if (status == 401) return Unauthenticated(credentials);
  if (status == 403) {
    return absl::PermissionDeniedError(
        "the server forbids reading the repository (HTTP 403); give the Secret's account or token "
        "that right");
  }
  if (status == 404 || status == 410) {
    return absl::NotFoundError(
        absl::StrCat("the server has no such repository (HTTP ", status,
                     "), or does not show it to these credentials; check spec.url"));
  }
  if (status == 407)
    return absl::FailedPreconditionError("a proxy asks for credentials (HTTP 407)");
  if (status == 429) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the server limits requests (HTTP 429)",
                     answer.retry_after_seconds > 0
                         ? absl::StrCat(", and says to wait ", answer.retry_after_seconds, " s")
                         : "",
                     "; make spec.interval longer"));
  }
  if (status >= 500) {
    return absl::UnavailableError(
        absl::StrCat("the server failed (HTTP ", status, "); it is tried again"));
  }
  if (status != 200)
    return absl::UnavailableError(absl::StrCat("the server answered HTTP ", status));
  if (absl::StartsWithIgnoreCase(answer.content_type, want)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("what answers there is no Git server with the smart protocol (content type \"",
                   RedactUrl(answer.content_type.substr(0, 80)), "\"); check spec.url"));
}

absl::Status CurlFailure(int code, absl::string_view text) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return absl::PermissionDeniedError(absl::StrCat(
          "the server's certificate is not trusted (", text,
          "); if an authority of your own signed it, put that into the Secret's ca.crt"));
    case CURLE_SSL_CACERT_BADFILE:
      return absl::InvalidArgumentError("the Secret's ca.crt holds no certificate in PEM");
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(absl::StrCat("the server is too slow (", text, ")"));
    case CURLE_OUT_OF_MEMORY:
      return absl::ResourceExhaustedError("fetching: out of memory");
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
      return absl::UnavailableError(absl::StrCat("the server broke off its answer (", text, ")"));
    default:
      return absl::UnavailableError(absl::StrCat("reaching the server: ", text));
  }
}

}  // namespace lockstep
