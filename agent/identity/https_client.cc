#include "agent/identity/https_client.h"

#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <curl/curl.h>
#include <openssl/ssl.h>

namespace lockstep {
namespace {

constexpr long kConnectMs = 10'000;
constexpr long kCallMs = 30'000;
constexpr size_t kAnswerBytesMax = 256 * 1024;

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

void InitCurlOnce() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

}  // namespace

struct HttpsClient::State {
  std::string target;
  ServerCheck check;
  absl::Status checked;  // What the check said of the last handshake.
  std::string body;
  char error[CURL_ERROR_SIZE] = "";
  std::unique_ptr<curl_slist, FreeList> headers;
  std::unique_ptr<CURL, FreeEasy> easy;  // Last, so that it goes first: it points at the others.

  static int VerifyServer(X509_STORE_CTX* context, void* state);
  static CURLcode SetUpTls(CURL*, void* tls, void* state);
  static size_t Receive(char* data, size_t, size_t size, void* state);
};

int HttpsClient::State::VerifyServer(X509_STORE_CTX* context, void* state) {
  State& self = *static_cast<State*>(state);
  std::vector<Certificate> shown;
  const auto add = [&shown](X509* certificate) {
    X509_up_ref(certificate);
    shown.emplace_back(certificate);
  };
  X509* const leaf = X509_STORE_CTX_get0_cert(context);
  add(leaf);
  const STACK_OF(X509)* all = X509_STORE_CTX_get0_untrusted(context);
  for (int i = 0; i < sk_X509_num(all); ++i) {
    X509* const certificate = sk_X509_value(all, i);
    if (certificate != leaf) add(certificate);
  }
  self.checked = self.check(shown);
  X509_STORE_CTX_set_error(context,
                           self.checked.ok() ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
  return self.checked.ok() ? 1 : 0;
}

CURLcode HttpsClient::State::SetUpTls(CURL*, void* tls, void* state) {
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(tls), &State::VerifyServer, state);
  return CURLE_OK;
}

size_t HttpsClient::State::Receive(char* data, size_t, size_t size, void* state) {
  std::string& body = static_cast<State*>(state)->body;
  if (body.size() + size > kAnswerBytesMax) return 0;  // Ends the transfer.
  body.append(data, size);
  return size;
}

HttpsClient::HttpsClient(std::string target, ServerCheck check)
    : state_(std::make_unique<State>()) {
  InitCurlOnce();
  State& state = *state_;
  state.target = std::move(target);
  state.check = std::move(check);
  state.headers.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
  state.easy.reset(curl_easy_init());
  CURL* const easy = state.easy.get();
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  // The check replaces OpenSSL's own; no authorities are loaded for it.
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &State::SetUpTls);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &state);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, state.headers.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &State::Receive);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &state);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state.error);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, kCallMs);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
}

HttpsClient::~HttpsClient() = default;

absl::StatusOr<HttpsAnswer> HttpsClient::Get(absl::string_view path) {
  curl_easy_setopt(state_->easy.get(), CURLOPT_HTTPGET, 1L);
  return Perform(path);
}

absl::StatusOr<HttpsAnswer> HttpsClient::Post(absl::string_view path, const std::string& body) {
  CURL* const easy = state_->easy.get();
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body.c_str());
  return Perform(path);
}

absl::StatusOr<HttpsAnswer> HttpsClient::Perform(absl::string_view path) {
  CURL* const easy = state_->easy.get();
  curl_easy_setopt(easy, CURLOPT_URL, absl::StrCat("https://", state_->target, path).c_str());
  state_->body.clear();
  state_->checked = absl::OkStatus();
  state_->error[0] = '\0';
  const CURLcode code = curl_easy_perform(easy);
  if (!state_->checked.ok()) return state_->checked;
  if (code != CURLE_OK) {
    return absl::UnavailableError(state_->error[0] != '\0' ? state_->error
                                                           : curl_easy_strerror(code));
  }
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return HttpsAnswer{.status = static_cast<int>(status), .body = std::move(state_->body)};
}

}  // namespace lockstep
