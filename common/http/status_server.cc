#include "common/http/status_server.h"

#include <algorithm>
#include <chrono>
#include <list>
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
  using Open = std::list<Connection*>;

  Connection(tcp::socket socket, const StatusServer::Pages* pages,
             const StatusServer::Limits* limits, Open* open)
      : stream_(std::move(socket)),
        buffer_(2 * limits->request_bytes),
        pages_(pages),
        limits_(limits),
        open_(open),
        place_(open->insert(open->end(), this)) {}
  ~Connection() { Leave(); }

  void Read() {
    waiting_ = true;
    open_->splice(open_->end(), *open_, place_);
    parser_.emplace();
    parser_->header_limit(limits_->request_bytes);
    parser_->body_limit(limits_->request_bytes);
    stream_.expires_after(absl::ToChronoNanoseconds(limits_->request_time));
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error && !self->left_) self->Write();
                     });
  }

  bool waiting() const { return waiting_; }
  /// What is under way ends with an error, and the connection with it.
  void Close() {
    Leave();
    stream_.close();
  }

 private:
  void Leave() {
    if (!left_) open_->erase(place_);
    left_ = true;
  }

  void Write() {
    waiting_ = false;
    response_ = Answer(parser_->get(), *pages_);
    stream_.expires_after(absl::ToChronoNanoseconds(limits_->answer_time));
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code error, size_t) {
                        if (!error && self->response_.keep_alive()) self->Read();
                      });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  Response response_;
  const StatusServer::Pages* const pages_;
  const StatusServer::Limits* const limits_;
  Open* const open_;  // The server thread's; longest in its state first.
  const Open::iterator place_;
  bool waiting_ = false;  // For a request.
  bool left_ = false;     // It is not in `open_` any more.
};

}  // namespace

class StatusServer::Impl {
 public:
  Impl(Pages pages, Limits limits)
      : pages_(std::move(pages)), limits_(limits), acceptor_(context_) {}
  ~Impl() { Stop(); }

  absl::Status Listen(absl::string_view address) {
    LOCKSTEP_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, ParseEndpoint(address));
    boost::system::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(limits_.connections, error);
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
      if (MakeRoom())
        std::make_shared<Connection>(std::move(socket), &pages_, &limits_, &open_)->Read();
      Accept();
    });
  }

  // False where every connection is being answered: the new one is closed then.
  bool MakeRoom() {
    if (static_cast<int>(open_.size()) < limits_.connections) return true;
    const auto idle = std::find_if(open_.begin(), open_.end(),
                                   [](const Connection* open) { return open->waiting(); });
    if (idle == open_.end()) return false;
    (*idle)->Close();
    return true;
  }

  // Without descriptors or memory the next accept would fail at once, and the next.
  void AcceptLater() {
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](beast::error_code error) {
      if (!error) Accept();
    });
  }

  const Pages pages_;
  const Limits limits_;
  Connection::Open open_;  // The thread's; outlives the connections that the context still holds.
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_{context_};
  uint16_t port_ = 0;
  Thread thread_;
};

StatusServer::StatusServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatusServer::~StatusServer() { Stop(); }

absl::StatusOr<std::unique_ptr<StatusServer>> StatusServer::Start(absl::string_view address,
                                                                  Pages pages, Limits limits) {
  auto impl = std::make_unique<Impl>(std::move(pages), limits);
  LOCKSTEP_RETURN_IF_ERROR(impl->Listen(address));
  return std::unique_ptr<StatusServer>(new StatusServer(std::move(impl)));
}

uint16_t StatusServer::port() const { return impl_->port(); }
void StatusServer::Stop() { impl_->Stop(); }

}  // namespace lockstep
