#include "agent/kube/http.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <curl/curl.h>

#include "agent/kube/transfer.h"
#include "common/base/file.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/base/thread.h"

namespace lockstep {
namespace {

constexpr absl::string_view kScheme = "https://";
constexpr absl::Duration kPollMax = absl::Seconds(1);
constexpr int kTriesMax = 3;

// Whether the connection went away under a request: a server that is going, or that just refused a
// token, tells so when the next request is on its way already.
bool IsCut(CURLcode result) {
  return result == CURLE_PARTIAL_FILE || result == CURLE_GOT_NOTHING ||
         result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR || result == CURLE_HTTP2 ||
         result == CURLE_HTTP2_STREAM;
}

void InitCurlOnce() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

}  // namespace

class KubeHttp::Loop {
 public:
  Loop(KubeAccess access, Options options, const Clock* clock)
      : access_(std::move(access)), options_(options), clock_(clock) {
    InitCurlOnce();
    multi_.reset(curl_multi_init());
    curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    // One at a time is the rule (PIPEWAIT); a second one for when the first is told to go.
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, 4L);
    if (!access_.tls_server_name.empty()) {
      // "::HOST:PORT": whatever the URL says, connect there.
      const size_t slash = access_.server.find('/', kScheme.size());
      const std::string host = access_.server.substr(kScheme.size(), slash - kScheme.size());
      connect_to_.reset(curl_slist_append(nullptr, absl::StrCat("::", host).c_str()));
    }
    thread_ = Thread("kube-http", [this] { Run(); });
  }

  ~Loop() { Stop(); }

  const Options& options() const { return options_; }

  uint64_t Add(std::unique_ptr<Transfer> transfer) ABSL_LOCKS_EXCLUDED(mutex_) {
    transfer->bytes_max = options_.answer_bytes_max;
    MutexLock lock(&mutex_);
    if (stopping_) return 0;
    const uint64_t id = transfer->id = ++last_id_;
    added_.push_back(std::move(transfer));
    curl_multi_wakeup(multi_.get());
    return id;
  }

  void Cancel(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    cancelled_.push_back(id);
    curl_multi_wakeup(multi_.get());
  }

  void Stop() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      MutexLock lock(&mutex_);
      stopping_ = true;
      curl_multi_wakeup(multi_.get());
    }
    thread_.Join();
  }

 private:
  using Transfers = std::map<uint64_t, std::unique_ptr<Transfer>>;

  void Run() {
    while (TakeOrders()) {
      Expire();
      while (!waiting_.empty() && requests_ < options_.in_flight_max) Begin(PopWaiting());
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      int left = 0;
      while (CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg == CURLMSG_DONE) Finish(message->easy_handle, message->data.result);
      }
      const absl::Duration wait = std::clamp(NextDeadline(), absl::ZeroDuration(), kPollMax);
      const bool may_begin = !waiting_.empty() && requests_ < options_.in_flight_max;
      if (!may_begin) {
        curl_multi_poll(multi_.get(), nullptr, 0,
                        static_cast<int>(absl::ToInt64Milliseconds(wait) + 1), nullptr);
      }
    }
    while (!active_.empty()) {
      End(active_.begin()->first, absl::CancelledError("the client has ended"));
    }
    for (auto& transfer : waiting_) transfer->done(absl::CancelledError("the client has ended"));
    waiting_.clear();
  }

  // What others asked for since the last time; false once it is to end.
  bool TakeOrders() ABSL_LOCKS_EXCLUDED(mutex_) {
    std::vector<std::unique_ptr<Transfer>> added;
    std::vector<uint64_t> cancelled;
    bool stopping = false;
    {
      MutexLock lock(&mutex_);
      added.swap(added_);
      cancelled.swap(cancelled_);
      stopping = stopping_;
    }
    for (auto& transfer : added) {
      if (transfer->on_line) {
        Begin(std::move(transfer));
      } else {
        waiting_.push_back(std::move(transfer));
      }
    }
    for (const uint64_t id : cancelled) CancelNow(id);
    return !stopping;
  }

  void CancelNow(uint64_t id) {
    if (active_.contains(id)) {
      End(id, absl::CancelledError("it was not wanted any more"));
      return;
    }
    const auto at = std::find_if(waiting_.begin(), waiting_.end(),
                                 [id](const auto& transfer) { return transfer->id == id; });
    if (at == waiting_.end()) return;
    const std::unique_ptr<Transfer> transfer = std::move(*at);
    waiting_.erase(at);
    transfer->done(absl::CancelledError("it was not wanted any more"));
  }

  std::unique_ptr<Transfer> PopWaiting() {
    std::unique_ptr<Transfer> transfer = std::move(waiting_.front());
    waiting_.pop_front();
    return transfer;
  }

  void Begin(std::unique_ptr<Transfer> transfer) {
    if (absl::Status prepared = Prepare(transfer.get()); !prepared.ok()) {
      transfer->done(std::move(prepared));
      return;
    }
    const uint64_t id = transfer->id;
    deadlines_.emplace(clock_->Monotonic() + transfer->request.timeout, id);
    if (!transfer->on_line) ++requests_;
    if (transfer->tries > 0) curl_easy_setopt(transfer->easy.get(), CURLOPT_FRESH_CONNECT, 1L);
    curl_multi_add_handle(multi_.get(), transfer->easy.get());
    active_.emplace(id, std::move(transfer));
  }

  absl::Status Prepare(Transfer* transfer) {
    if (spare_.empty()) {
      transfer->easy.reset(curl_easy_init());
    } else {
      transfer->easy = std::move(spare_.back());
      spare_.pop_back();
    }
    CURL* const easy = transfer->easy.get();
    SetConnection(easy);
    LOCKSTEP_RETURN_IF_ERROR(SetHeaders(transfer));
    curl_easy_setopt(easy, CURLOPT_URL, absl::StrCat(Base(), transfer->request.path).c_str());
    SetTransfer(transfer);
    return absl::OkStatus();
  }

  // The server's URL, under the name that its certificate has.
  std::string Base() const {
    if (access_.tls_server_name.empty()) return access_.server;
    const size_t slash = access_.server.find('/', kScheme.size());
    return absl::StrCat(kScheme, access_.tls_server_name,
                        slash == std::string::npos ? "" : access_.server.substr(slash));
  }

  void SetConnection(CURL* easy) {
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "lockstep-agent/" LOCKSTEP_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(absl::ToInt64Milliseconds(options_.connect_timeout)));
    if (connect_to_ != nullptr) curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_.get());
    SetBlob(easy, CURLOPT_CAINFO_BLOB, access_.ca_pem);
    SetBlob(easy, CURLOPT_SSLCERT_BLOB, access_.client_certificate_pem);
    SetBlob(easy, CURLOPT_SSLKEY_BLOB, access_.client_key_pem);
  }

  // Borrowed by libcurl: access_ never changes.
  static void SetBlob(CURL* easy, CURLoption option, const std::string& pem) {
    if (pem.empty()) return;
    curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, option, &blob);
  }

  absl::Status SetHeaders(Transfer* transfer) {
    const KubeRequest& request = transfer->request;
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string token, Token());
    curl_slist* list = curl_slist_append(nullptr, absl::StrCat("Accept: ", request.accept).c_str());
    const auto add = [&list](absl::string_view name, absl::string_view value) {
      if (!value.empty()) list = curl_slist_append(list, absl::StrCat(name, ": ", value).c_str());
    };
    if (!token.empty()) add("Authorization", absl::StrCat("Bearer ", token));
    add("Content-Type", request.content_type);
    add("Impersonate-User", request.impersonate);
    list = curl_slist_append(list, "Expect:");
    transfer->headers.reset(list);
    curl_easy_setopt(transfer->easy.get(), CURLOPT_HTTPHEADER, list);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Token() ABSL_LOCKS_EXCLUDED(mutex_) {
    if (access_.token_file.empty()) return access_.token;
    const absl::Duration now = clock_->Monotonic();
    {
      MutexLock lock(&mutex_);
      if (token_at_.has_value() && now - *token_at_ < options_.token_age_max) return token_;
    }
    const absl::StatusOr<std::string> read = ReadFile(access_.token_file, 64 << 10);
    if (!read.ok()) {
      return absl::UnauthenticatedError(
          absl::StrCat("the token of the API server cannot be read: ", read.status().message()));
    }
    MutexLock lock(&mutex_);
    token_ = std::string(absl::StripAsciiWhitespace(*read));
    token_at_ = now;
    return token_;
  }

  void Expire() {
    const absl::Duration now = clock_->Monotonic();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      const uint64_t id = deadlines_.begin()->second;
      deadlines_.erase(deadlines_.begin());
      const auto at = active_.find(id);
      if (at == active_.end() || (at->second->on_line && at->second->began)) continue;
      End(id, absl::UnavailableError(
                  absl::StrCat("the API server did not answer ", at->second->request.method, " ",
                               at->second->request.path, " within ",
                               absl::FormatDuration(at->second->request.timeout))));
    }
  }

  absl::Duration NextDeadline() const {
    return deadlines_.empty() ? kPollMax : deadlines_.begin()->first - clock_->Monotonic();
  }

  void Finish(CURL* easy, CURLcode result) {
    void* found = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &found);
    Transfer* const transfer = static_cast<Transfer*>(found);
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    transfer->response.code = static_cast<int>(code);
    const bool may_try = ++transfer->tries < kTriesMax && !transfer->too_large;
    if (code == 401) {  // The server closes the connection, often before the body is through.
      if (!may_try || access_.token_file.empty()) {
        return End(transfer->id, std::move(transfer->response));
      }
      // It is renewed in place: one that was refused may have a successor by now (F-58).
      ForgetToken();
      return SendAgain(transfer->id);
    }
    if (may_try && !transfer->on_line && IsCut(result)) return SendAgain(transfer->id);
    if (result != CURLE_OK) return End(transfer->id, transfer->Failure(result));
    End(transfer->id, std::move(transfer->response));
  }

  void ForgetToken() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    token_at_.reset();
  }

  // All that is asked here may be asked twice: applies, deletes by UID, reads.
  void SendAgain(uint64_t id) {
    std::unique_ptr<Transfer> transfer = Remove(id);
    transfer->response = {};
    transfer->line.clear();
    transfer->began = false;
    Begin(std::move(transfer));
  }

  void End(uint64_t id, absl::StatusOr<KubeResponse> answer) {
    Remove(id)->done(std::move(answer));
  }

  std::unique_ptr<Transfer> Remove(uint64_t id) {
    const auto at = active_.find(id);
    std::unique_ptr<Transfer> transfer = std::move(at->second);
    active_.erase(at);
    if (!transfer->on_line) --requests_;
    std::erase_if(deadlines_, [id](const auto& deadline) { return deadline.second == id; });
    curl_multi_remove_handle(multi_.get(), transfer->easy.get());
    curl_easy_reset(transfer->easy.get());
    spare_.push_back(std::move(transfer->easy));
    return transfer;
  }

  // Fixed at construction.
  const KubeAccess access_;
  const Options options_;
  const Clock* const clock_;
  std::unique_ptr<curl_slist, FreeList> connect_to_;
  MultiHandle multi_;  // Used by the loop's thread; curl_multi_wakeup may be called by any.

  // The loop's thread alone.
  std::deque<std::unique_ptr<Transfer>> waiting_;
  Transfers active_;
  std::set<std::pair<absl::Duration, uint64_t>> deadlines_;
  std::vector<EasyHandle> spare_;
  int requests_ = 0;  // Of active_, streams apart.

  Mutex mutex_;
  std::vector<std::unique_ptr<Transfer>> added_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> cancelled_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::string token_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Duration> token_at_ ABSL_GUARDED_BY(mutex_);

  Thread thread_;  // Last: it uses all of the above.
};

KubeHttp::KubeHttp(KubeAccess access, Options options, const Clock* clock)
    : loop_(std::make_unique<Loop>(std::move(access), options, clock)) {}

KubeHttp::~KubeHttp() { Stop(); }

uint64_t KubeHttp::Start(KubeRequest request, Done done) {
  auto transfer = std::make_unique<Transfer>();
  transfer->request = std::move(request);
  transfer->done = std::move(done);
  return loop_->Add(std::move(transfer));
}

uint64_t KubeHttp::StartStream(KubeRequest request, Stream stream) {
  auto transfer = std::make_unique<Transfer>();
  transfer->request = std::move(request);
  transfer->done = std::move(stream.on_end);
  transfer->on_line = std::move(stream.on_line);
  return loop_->Add(std::move(transfer));
}

void KubeHttp::Cancel(uint64_t id) { loop_->Cancel(id); }

void KubeHttp::Stop() { loop_->Stop(); }

namespace {

// Requests of one Perform: what came back, and how many are out.
struct Exchange {
  Mutex mutex;
  std::vector<absl::StatusOr<KubeResponse>> answers ABSL_GUARDED_BY(mutex);
  int under_way ABSL_GUARDED_BY(mutex) = 0;
  int most = 0;

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return under_way < most; }
  bool IsEmpty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return under_way == 0; }
};

}  // namespace

std::vector<absl::StatusOr<KubeResponse>> KubeHttp::Perform(
    std::vector<KubeRequest> requests, const std::function<bool()>& cancelled) {
  Exchange exchange;
  exchange.most = loop_->options().in_flight_max;
  {
    MutexLock lock(&exchange.mutex);
    exchange.answers.assign(requests.size(), absl::CancelledError("it was not begun"));
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    {
      MutexLock lock(&exchange.mutex);
      exchange.mutex.Await(absl::Condition(&exchange, &Exchange::HasRoom));
      if (cancelled()) break;
      ++exchange.under_way;
    }
    const uint64_t id =
        Start(std::move(requests[i]), [&exchange, i](absl::StatusOr<KubeResponse> answer) {
          MutexLock lock(&exchange.mutex);
          exchange.answers[i] = std::move(answer);
          --exchange.under_way;
        });
    if (id != 0) continue;
    MutexLock lock(&exchange.mutex);
    --exchange.under_way;
    break;
  }
  MutexLock lock(&exchange.mutex);
  exchange.mutex.Await(absl::Condition(&exchange, &Exchange::IsEmpty));
  return std::move(exchange.answers);
}

}  // namespace lockstep
