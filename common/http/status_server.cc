#include "common/http/status_server.h"

#include <chrono>
#include <optional>
#include <utility>

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "common/base/status.h"
#include "common/base/thread.h"

namespace lockstep {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;

constexpr std::chrono::seconds kRequestTime(5);
constexpr std::chrono::seconds kAnswerTime(10);
constexpr uint32_t kRequestBytesMax = 8 << 10;
constexpr int kConnectionsMax = 64;
constexpr std::chrono::milliseconds kAcceptPause(200);

absl::StatusOr<tcp::endpoint> ParseEndpoint(absl::string_view address) {
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("\"", address, "\" is not HOST:PORT"));
  }
  std::string host(address.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code error;
  const asio::ip::address ip = asio::ip::make_address(host, error);
  if (error) return absl::InvalidArgumentError(absl::StrCat("\"", host, "\" is no IP address"));
  return tcp::endpoint(ip, static_cast<uint16_t>(port));
}

using Response = http::response<http::string_body>;

Response Answer(const http::request<http::empty_body>& request, const StatusServer::Pages& pages) {
  Response response(http::status::ok, request.version());
  response.keep_alive(request.keep_alive());
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.set(http::field::cache_control, "no-store");
  const std::string path(request.target().substr(0, request.target().find('?')));
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "GET, HEAD");
  } else if (path == "/metrics") {
    response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response.body() = pages.metrics();
  } else if (path == "/healthz") {
    response.body() = "ok\n";
  } else if (path == "/readyz") {
    const absl::Status ready = pages.ready();
    response.body() = ready.ok() ? "ok\n" : absl::StrCat(ready.message(), "\n");
    if (!ready.ok()) response.result(http::status::service_unavailable);
  } else {
    response.result(http::status::not_found);
    response.body() = "there are /metrics, /healthz and /readyz\n";
  }
  response.prepare_payload();
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

// One connection; keeps itself alive while something is under way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const StatusServer::Pages* pages, int* open)
      : stream_(std::move(socket)), pages_(pages), open_(open) {
    ++*open_;
  }
  ~Connection() { --*open_; }

  void Read() {
    parser_.emplace();
    parser_->header_limit(kRequestBytesMax);
    parser_->body_limit(kRequestBytesMax);
    stream_.expires_after(kRequestTime);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error) self->Write();
                     });
  }

 private:
  void Write() {
    response_ = Answer(parser_->get(), *pages_);
    stream_.expires_after(kAnswerTime);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code error, size_t) {
                        if (!error && self->response_.keep_alive()) self->Read();
                      });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{2 * kRequestBytesMax};
  std::optional<http::request_parser<http::empty_body>> parser_;
  Response response_;
  const StatusServer::Pages* const pages_;
  int* const open_;  // The server thread's.
};

}  // namespace

class StatusServer::Impl {
 public:
  explicit Impl(Pages pages) : pages_(std::move(pages)), acceptor_(context_) {}
  ~Impl() { Stop(); }

  absl::Status Listen(absl::string_view address) {
    LOCKSTEP_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, ParseEndpoint(address));
    boost::system::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(kConnectionsMax, error);
    if (error)
      return absl::UnavailableError(absl::StrCat("listening on ", address, ": ", error.message()));
    port_ = acceptor_.local_endpoint().port();
    Accept();
    thread_ = Thread("status", [this] { context_.run(); });
    return absl::OkStatus();
  }

  uint16_t port() const { return port_; }

  void Stop() {
    context_.stop();
    thread_.Join();
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return AcceptLater();
      if (open_ < kConnectionsMax) {
        std::make_shared<Connection>(std::move(socket), &pages_, &open_)->Read();
      }
      Accept();
    });
  }

  // Without descriptors or memory the next accept would fail at once, and the next.
  void AcceptLater() {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](beast::error_code error) {
      if (!error) Accept();
    });
  }

  const Pages pages_;
  int open_ = 0;  // The thread's; outlives the connections that the context still holds.
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_{context_};
  uint16_t port_ = 0;
  Thread thread_;
};

StatusServer::StatusServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatusServer::~StatusServer() { Stop(); }

absl::StatusOr<std::unique_ptr<StatusServer>> StatusServer::Start(absl::string_view address,
                                                                  Pages pages) {
  auto impl = std::make_unique<Impl>(std::move(pages));
  LOCKSTEP_RETURN_IF_ERROR(impl->Listen(address));
  return std::unique_ptr<StatusServer>(new StatusServer(std::move(impl)));
}

uint16_t StatusServer::port() const { return impl_->port(); }
void StatusServer::Stop() { impl_->Stop(); }

}  // namespace lockstep
