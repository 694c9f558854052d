#include "hub/source/curl_transport.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <curl/curl.h>
#include <git2.h>
#include <git2/sys/transport.h>

#include "hub/source/git_handle.h"
#include "hub/source/http_answer.h"

namespace lockstep {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;  // Over this the transfer pauses.
constexpr long kConnectSeconds = 20;
constexpr long kLowSpeedBytes =
    100;  // A second; a server that computes deltas sends nothing for a while,
constexpr long kLowSpeedSeconds =
    60;  // so the wait is long, and the deadline of the whole fetch ends it.

using EasyHandle = std::unique_ptr<CURL, FreeWith<curl_easy_cleanup>>;
using MultiHandle = std::unique_ptr<CURLM, FreeWith<curl_multi_cleanup>>;
using HeaderList = std::unique_ptr<curl_slist, FreeWith<curl_slist_free_all>>;

struct Subtransport;

// One request and its answer. libgit2 frees it after each.
struct Stream : git_smart_subtransport_stream {
  Subtransport* owner = nullptr;
  bool post = false;
  std::string request;
  std::string buffer;    // Received, not yet read.
  size_t consumed = 0;   // Of buffer.
  int64_t received = 0;  // In all.
  bool started = false;
  bool done = false;
  bool paused = false;
  bool checked = false;  // Status and type were good.
  CURLcode result = CURLE_OK;

  bool Start();
  bool CheckAnswer();
  bool Pump(int wait_ms);
  int Read(char* out, size_t size, size_t* got);
  void Drain();
};

struct Subtransport : git_smart_subtransport {
  FetchContext* context = nullptr;
  MultiHandle multi;  // One for a fetch: reused connections skip the address check, so they must be
                      // of this fetch.
  EasyHandle easy;
  HeaderList headers;
  absl::Status refused;  // Why the last address was.
  char error_text[CURL_ERROR_SIZE] = "";
};

curl_socket_t OpenSocket(void* data, curlsocktype, curl_sockaddr* address) {
  auto* transport = static_cast<Subtransport*>(data);
  const absl::StatusOr<IpAddress> ip = IpAddress::FromSockaddr(&address->addr);
  const absl::Status allowed = ip.ok() ? transport->context->policy.Check(*ip) : ip.status();
  if (!allowed.ok()) {
    transport->refused = allowed;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

size_t OnBody(char* bytes, size_t, size_t count, void* data) {
  auto* stream = static_cast<Stream*>(data);
  if (!stream->CheckAnswer()) return 0;
  if (stream->buffer.size() - stream->consumed > kBufferBytes) {
    stream->paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  stream->received += static_cast<int64_t>(count);
  FetchContext* context = stream->owner->context;
  if (!context->Count(static_cast<int64_t>(count))) return 0;
  if (!stream->post && !context->CheckRefsBytes(stream->received)) return 0;
  stream->buffer.append(bytes, count);
  return count;
}

void SetCommonOptions(Subtransport* transport, CURL* easy) {
  const FetchContext& context = *transport->context;
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                   context.url.scheme() == GitUrl::Scheme::kHttp ? "http" : "https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, kLowSpeedBytes);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, kLowSpeedSeconds);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, OpenSocket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transport);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transport->error_text);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "git/2.0 (lockstep " LOCKSTEP_VERSION ")");
  const GitCredentials& credentials = context.credentials;
  if (!credentials.ca_pem.empty()) {
    curl_blob pem{const_cast<char*>(credentials.ca_pem.data()), credentials.ca_pem.size(),
                  CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &pem);
  }
  if (!credentials.bearer_token.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, credentials.bearer_token.c_str());
  } else if (!credentials.username.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERNAME, credentials.username.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, credentials.password.c_str());
  }
}

bool Stream::Start() {
  CURL* easy = owner->easy.get();
  curl_easy_reset(easy);
  SetCommonOptions(owner, easy);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  const std::string base = owner->context->url.ToString();
  if (post) {
    curl_slist* list =
        curl_slist_append(nullptr, "Content-Type: application/x-git-upload-pack-request");
    list = curl_slist_append(list, "Accept: application/x-git-upload-pack-result");
    owner->headers.reset(curl_slist_append(list, "Expect:"));
    curl_easy_setopt(easy, CURLOPT_URL, absl::StrCat(base, "/git-upload-pack").c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, owner->headers.get());
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.data());
  } else {
    curl_easy_setopt(easy, CURLOPT_URL,
                     absl::StrCat(base, "/info/refs?service=git-upload-pack").c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  started = true;
  if (curl_multi_add_handle(owner->multi.get(), easy) == CURLM_OK) return true;
  owner->context->Fail(absl::InternalError("starting a request: libcurl refused it"));
  return false;
}

bool Stream::CheckAnswer() {
  if (checked) return true;
  CURL* easy = owner->easy.get();
  HttpAnswer answer;
  const char* type = nullptr;
  const char* location = nullptr;
  curl_off_t retry_after = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
  curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
  answer.content_type = type == nullptr ? "" : type;
  answer.location = location == nullptr ? "" : location;
  answer.retry_after_seconds = retry_after;
  const absl::Status status = CheckHttpAnswer(
      answer,
      post ? "application/x-git-upload-pack-result" : "application/x-git-upload-pack-advertisement",
      owner->context->credentials);
  if (!status.ok()) owner->context->Fail(status);
  checked = status.ok();
  return checked;
}

// Lets the transfer go on, waiting at most `wait_ms` for the network; false when it ended badly.
bool Stream::Pump(int wait_ms) {
  CURLM* multi = owner->multi.get();
  if (paused) {
    paused = false;
    curl_easy_pause(owner->easy.get(), CURLPAUSE_CONT);
  }
  int running = 0;
  curl_multi_perform(multi, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    done = true;
    result = message->data.result;
  }
  // Waiting with the buffer full or the transfer paused made clones ten times slower.
  if (!done && !paused && consumed == buffer.size())
    curl_multi_poll(multi, nullptr, 0, wait_ms, nullptr);
  if (!done) return true;
  if (!owner->context->failure.ok()) return false;
  if (result != CURLE_OK) {
    const std::string text =
        owner->error_text[0] != '\0' ? owner->error_text : curl_easy_strerror(result);
    const bool refused = result == CURLE_COULDNT_CONNECT && !owner->refused.ok();
    owner->context->Fail(refused ? owner->refused : CurlFailure(result, text));
    return false;
  }
  return CheckAnswer();
}

int Stream::Read(char* out, size_t size, size_t* got) {
  *got = 0;
  if (!started && !Start()) return -1;
  while (consumed == buffer.size() && !done) {
    buffer.clear();
    consumed = 0;
    if (!Pump(1000)) return -1;
  }
  if (!owner->context->failure.ok()) return -1;
  const size_t count = std::min(size, buffer.size() - consumed);
  std::memcpy(out, buffer.data() + consumed, count);
  consumed += count;
  *got = count;
  return 0;
}

// What is left of an answer is a few bytes; without reading them the connection cannot be used
// again.
void Stream::Drain() {
  for (int round = 0; started && !done && round < 20 && owner->context->failure.ok(); ++round) {
    buffer.clear();
    consumed = 0;
    if (!Pump(20)) break;
  }
  if (started) curl_multi_remove_handle(owner->multi.get(), owner->easy.get());
}

int StreamRead(git_smart_subtransport_stream* stream, char* out, size_t size, size_t* got) {
  return static_cast<Stream*>(stream)->Read(out, size, got);
}

int StreamWrite(git_smart_subtransport_stream* stream, const char* bytes, size_t size) {
  static_cast<Stream*>(stream)->request.append(bytes, size);
  return 0;
}

void StreamFree(git_smart_subtransport_stream* base) {
  const std::unique_ptr<Stream> stream(static_cast<Stream*>(base));
  stream->Drain();
}

// The url that libgit2 passes is not used: the context has the one that was checked.
int Action(git_smart_subtransport_stream** out, git_smart_subtransport* base, const char*,
           git_smart_service_t action) {
  auto* transport = static_cast<Subtransport*>(base);
  if (action != GIT_SERVICE_UPLOADPACK_LS && action != GIT_SERVICE_UPLOADPACK) {
    return transport->context->Fail(absl::InternalError("this transport fetches only"));
  }
  auto stream = std::make_unique<Stream>();
  stream->subtransport = transport;
  stream->read = StreamRead;
  stream->write = StreamWrite;
  stream->free = StreamFree;
  stream->owner = transport;
  stream->post = action == GIT_SERVICE_UPLOADPACK;
  *out = stream.release();
  return 0;
}

int CloseNothing(git_smart_subtransport*) {
  return 0;
}  // Called before the first action too, and repeatedly.

void TransportFree(git_smart_subtransport* base) { delete static_cast<Subtransport*>(base); }

int MakeSubtransport(git_smart_subtransport** out, git_transport*, void* param) {
  auto transport = std::make_unique<Subtransport>();
  transport->action = Action;
  transport->close = CloseNothing;
  transport->free = TransportFree;
  transport->context = static_cast<FetchContext*>(param);
  transport->multi.reset(curl_multi_init());
  transport->easy.reset(curl_easy_init());
  if (transport->multi == nullptr || transport->easy == nullptr) {
    return transport->context->Fail(
        absl::ResourceExhaustedError("starting libcurl: out of memory"));
  }
  *out = transport.release();
  return 0;
}

}  // namespace

int FetchContext::Fail(const absl::Status& status) {
  if (failure.ok()) failure = status;
  git_error_set_str(GIT_ERROR_NET, std::string(failure.message()).c_str());
  return GIT_EUSER;
}

bool FetchContext::Count(int64_t received) {
  bytes += received;
  if (bytes <= bytes_max) return true;
  std::string message = absl::StrCat("the server sent over ", bytes_max >> 20,
                                     " MiB, the limit of one fetch (--fetch-bytes-max)");
  if (objects_total > 0)
    absl::StrAppend(&message, ", when ", objects, " of ", objects_total, " objects had come");
  Fail(absl::ResourceExhaustedError(message));
  return false;
}

bool FetchContext::CheckRefsBytes(int64_t size) {
  if (size <= refs_bytes_max) return true;
  Fail(absl::ResourceExhaustedError(
      absl::StrCat("the server's list of refs is over ", refs_bytes_max,
                   " bytes, the limit (--fetch-refs-bytes-max); remove refs that nobody needs")));
  return false;
}

absl::Status RegisterCurlTransport(FetchContext* context) {
  static git_smart_subtransport_definition definition;
  definition = {.callback = MakeSubtransport, .rpc = 1, .param = context};
  for (const char* scheme : {"http", "https"}) {
    if (const int code = git_transport_register(scheme, git_transport_smart, &definition);
        code != 0) {
      return GitError(code, "registering the http transport");
    }
  }
  return absl::OkStatus();
}

}  // namespace lockstep
