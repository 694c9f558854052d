#include "common/metrics/monitor_server.h"

#include <chrono>
#include <optional>
#include <utility>

#include <absl/strings/str_cat.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "common/base/log.h"
#include "common/base/thread.h"

namespace lockstep {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

// After an accept that failed for want of descriptors or memory.
constexpr auto kAcceptPause = std::chrono::milliseconds(200);

Response Answer(const Request& request, const MonitorServer::Pages& pages) {
  Response response(http::status::ok, request.version());
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  const auto say = [&response](const absl::Status& status) {
    if (!status.ok()) response.result(http::status::service_unavailable);
    response.body() = status.ok() ? "ok\n" : absl::StrCat(status.message(), "\n");
  };
  const beast::string_view path = request.target().substr(0, request.target().find('?'));
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "GET, HEAD");
    response.body() = "only GET and HEAD\n";
  } else if (path == "/metrics") {
    response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response.body() = pages.metrics();
  } else if (path == "/healthz") {
    say(pages.healthy());
  } else if (path == "/readyz") {
    say(pages.ready());
  } else {
    response.result(http::status::not_found);
    response.body() = "there are /metrics, /healthz and /readyz\n";
  }
  return response;
}

/// One client: read, answer, again. Lives by the handlers that hold it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::ip::tcp::socket socket, const MonitorServer::Options& options,
          const MonitorServer::Pages& pages, int* open)
      : stream_(std::move(socket)), options_(options), pages_(pages), open_(open) {
    ++*open_;
  }
  ~Session() { --*open_; }

  void Read() {
    parser_.emplace();
    parser_->header_limit(options_.header_bytes_max);
    parser_->body_limit(0);
    stream_.expires_after(absl::ToChronoMilliseconds(options_.timeout));
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->OnRead(error); });
  }

 private:
  void OnRead(error_code error) {
    if (error == http::error::header_limit) {
      Refuse(http::status::request_header_fields_too_large, "the request's header is too large\n");
    } else if (error == http::error::body_limit) {
      Refuse(http::status::payload_too_large, "no request here has a body\n");
    } else if (error.category() == make_error_code(http::error::bad_method).category() &&
               error != http::error::end_of_stream && error != http::error::partial_message) {
      Refuse(http::status::bad_request, "this is no HTTP request\n");
    } else if (!error) {
      response_ = Answer(parser_->get(), pages_);
      Write(parser_->get().method() == http::verb::head, parser_->get().keep_alive());
    }
    // Any other error: the client went, or its time is over. The session ends with the last
    // handler.
  }

  void Refuse(http::status status, const char* why) {
    response_ = Response(status, 11);
    response_.set(http::field::content_type, "text/plain; charset=utf-8");
    response_.body() = why;
    Write(/*head=*/false, /*keep_alive=*/false);
  }

  void Write(bool head, bool keep_alive) {
    response_.keep_alive(keep_alive);
    response_.prepare_payload();
    if (head) response_.body().clear();  // Content-Length stays what GET would have sent.
    serializer_.emplace(response_);
    serializer_->split(head);
    stream_.expires_after(absl::ToChronoMilliseconds(options_.timeout));
    auto done = [self = shared_from_this(), keep_alive](error_code error, size_t) {
      if (!error && keep_alive) return self->Read();
      error_code ignored;
      self->stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    };
    if (head) {
      http::async_write_header(stream_, *serializer_, std::move(done));
    } else {
      http::async_write(stream_, *serializer_, std::move(done));
    }
  }

  beast::tcp_stream stream_;
  const MonitorServer::Options& options_;  // The server's; it outlives its sessions.
  const MonitorServer::Pages& pages_;      // Likewise.
  int* const open_;                        // Likewise.
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  Response response_;
};

}  // namespace

struct MonitorServer::Impl {
  Impl(const Options& server_options, Pages server_pages)
      : options(server_options), pages(std::move(server_pages)) {}

  absl::Status Listen();
  void Accept();

  // Fixed at construction.
  const Options options;
  const Pages pages;

  // The server thread's, once it runs.
  int open = 0;
  asio::io_context context{1};
  asio::ip::tcp::acceptor acceptor{context};
  asio::steady_timer pause{context};

  uint16_t port = 0;  // Fixed by Listen.
  Thread thread;
};

absl::Status MonitorServer::Impl::Listen() {
  error_code error;
  const asio::ip::address address = asio::ip::make_address(options.address, error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("serving metrics on \"", options.address, "\": that is no IP address"));
  }
  const asio::ip::tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(options.connections_max, error);
  if (!error) port = acceptor.local_endpoint(error).port();
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("serving metrics on ", options.address, " port ",
                                             options.port, ": ", error.message(),
                                             "; choose another port or stop who holds it"));
}

void MonitorServer::Impl::Accept() {
  acceptor.async_accept([this](error_code error, asio::ip::tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      Log(LogLevel::kWarning, "monitor cannot accept", {{"error", error.message()}});
      pause.expires_after(kAcceptPause);
      pause.async_wait([this](error_code stopped) {
        if (!stopped) Accept();
      });
      return;
    }
    if (open < options.connections_max) {
      std::make_shared<Session>(std::move(socket), options, pages, &open)->Read();
    }
    Accept();
  });
}

absl::StatusOr<std::unique_ptr<MonitorServer>> MonitorServer::Start(const Options& options,
                                                                    Pages pages) {
  auto impl = std::make_unique<Impl>(options, std::move(pages));
  if (absl::Status status = impl->Listen(); !status.ok()) return status;
  impl->Accept();
  Impl* const server = impl.get();
  server->thread = Thread("monitor", [server] { server->context.run(); });
  return std::unique_ptr<MonitorServer>(new MonitorServer(std::move(impl)));
}

MonitorServer::MonitorServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MonitorServer::~MonitorServer() { Stop(); }

void MonitorServer::Stop() {
  impl_->context.stop();
  impl_->thread.Join();
}

uint16_t MonitorServer::port() const { return impl_->port; }

}  // namespace lockstep
