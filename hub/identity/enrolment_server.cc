#include "hub/identity/enrolment_server.h"

#include <algorithm>
#include <string>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <openssl/ssl.h>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/base/thread.h"
#include "hub/identity/enrolment_connection.h"

namespace lockstep {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// After a failed accept (no descriptors left), so that the thread does not spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

absl::StatusOr<std::shared_ptr<asio::ssl::context>> MakeTls(const TlsMaterial& material) {
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(tls->native_handle(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  error_code error;
  tls->use_certificate_chain(asio::buffer(material.certificate_pem), error);
  if (!error) tls->use_private_key(asio::buffer(material.key_pem), asio::ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(tls->native_handle()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("enrolment endpoint's certificate and key: ", error.message()));
  }
  return tls;
}

// Whom connections and failures are counted against: an IPv4 address, or the network that one IPv6
// subscriber has.
std::string AddressKey(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  asio::ip::address_v6::bytes_type bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string();
}

}  // namespace

// State belongs to the server's thread, but for what is guarded.
class EnrolmentServer::Impl {
 public:
  Impl(EnrolmentOptions options, std::shared_ptr<asio::ssl::context> tls,
       std::shared_ptr<EnrolmentService> service)
      : limits_(options.limits),
        service_(std::move(service)),
        mailbox_(std::make_shared<Mailbox>(&io_)),
        tls_(std::move(tls)) {}
  ~Impl() { Stop(); }

  absl::Status Listen(const std::string& host, uint16_t port);
  void Run() {
    Accept();
    thread_ = Thread("enrolment", [this] { io_.run(); });
  }
  void Stop();

  uint16_t port() const { return port_; }
  void UseTls(std::shared_ptr<asio::ssl::context> tls) {
    mailbox_->Post([this, tls = std::move(tls)] { tls_ = tls; });
  }

 private:
  // The way onto the server's thread for others; it outlives the server in their hands and then
  // leads nowhere.
  class Mailbox {
   public:
    explicit Mailbox(asio::io_context* io) : io_(io) {}

    void Post(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mutex_) {
      MutexLock lock(&mutex_);
      if (io_ != nullptr) asio::post(*io_, std::move(task));  // Queues only.
    }
    /// As Post, and the last one: true for the first caller.
    bool PostLast(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mutex_) {
      MutexLock lock(&mutex_);
      if (io_ == nullptr) return false;
      asio::post(*std::exchange(io_, nullptr), std::move(task));
      return true;
    }

   private:
    Mutex mutex_;
    asio::io_context* io_ ABSL_GUARDED_BY(mutex_);
  };

  void Accept();
  void Take(tcp::socket socket);
  void Shaken(const std::string& address);
  void CloseAll();

  const EnrolmentLimits limits_;
  const std::shared_ptr<EnrolmentService> service_;
  asio::io_context io_{1};
  const std::shared_ptr<Mailbox> mailbox_;
  tcp::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  uint16_t port_ = 0;
  std::shared_ptr<asio::ssl::context> tls_;
  absl::flat_hash_map<EnrolmentConnection*, std::shared_ptr<EnrolmentConnection>> connections_;
  absl::flat_hash_map<std::string, int> handshakes_;  // Unfinished ones; never 0.
  Thread thread_;
};

absl::Status EnrolmentServer::Impl::Listen(const std::string& host, uint16_t port) {
  error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("listening for enrolments on \"", host, "\": it is no IP address"));
  }
  const tcp::endpoint endpoint(address, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("listening for enrolments on ", host, ":", port, ": ", error.message()));
  }
  port_ = acceptor_.local_endpoint().port();
  return absl::OkStatus();
}

void EnrolmentServer::Impl::Accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!error) {
      Take(std::move(socket));
      return Accept();
    }
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code& stopped) {
      if (!stopped) Accept();
    });
  });
}

// Over a limit the socket is closed by going out of scope.
void EnrolmentServer::Impl::Take(tcp::socket socket) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error || connections_.size() >= static_cast<size_t>(limits_.connections)) return;
  const std::string address = AddressKey(peer.address());
  int& unfinished = handshakes_[address];
  if (unfinished >= limits_.handshakes_per_address) return;
  ++unfinished;
  auto connection = std::make_shared<EnrolmentConnection>(
      std::move(socket), address, tls_, service_, limits_,
      EnrolmentConnection::Hooks{
          .post = [mailbox =
                       mailbox_](std::function<void()> task) { mailbox->Post(std::move(task)); },
          .shaken = [this, address] { Shaken(address); },
          .ended = [this](EnrolmentConnection* ended) { connections_.erase(ended); }});
  connections_.emplace(connection.get(), connection);
  connection->Start();
}

void EnrolmentServer::Impl::Shaken(const std::string& address) {
  const auto found = handshakes_.find(address);
  if (--found->second == 0) handshakes_.erase(found);
}

void EnrolmentServer::Impl::CloseAll() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  for (const auto& [connection, owner] : connections_) connection->Close();
  // One that waits for the backend has nothing under way that could end it.
  connections_.clear();
}

void EnrolmentServer::Impl::Stop() {
  if (mailbox_->PostLast([this] { CloseAll(); })) thread_.Join();
}

EnrolmentServer::EnrolmentServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EnrolmentServer::~EnrolmentServer() = default;

absl::StatusOr<std::unique_ptr<EnrolmentServer>> EnrolmentServer::Start(
    EnrolmentOptions options, CertificateAuthority authority, EnrolmentBackend* backend,
    const Clock* clock) {
  LOCKSTEP_ASSIGN_OR_RETURN(auto tls, MakeTls(options.material));
  auto service =
      std::make_shared<EnrolmentService>(std::move(authority), backend, clock, options.limits);
  auto impl = std::make_unique<Impl>(options, std::move(tls), std::move(service));
  LOCKSTEP_RETURN_IF_ERROR(impl->Listen(options.listen_host, options.listen_port));
  impl->Run();
  return std::unique_ptr<EnrolmentServer>(new EnrolmentServer(std::move(impl)));
}

uint16_t EnrolmentServer::port() const { return impl_->port(); }

absl::Status EnrolmentServer::UseMaterial(const TlsMaterial& material) {
  LOCKSTEP_ASSIGN_OR_RETURN(auto tls, MakeTls(material));
  impl_->UseTls(std::move(tls));
  return absl::OkStatus();
}

void EnrolmentServer::Stop() { impl_->Stop(); }

}  // namespace lockstep
