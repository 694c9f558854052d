#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "hub/identity/enrolment_server.h"
#include "hub/identity/enrolment_service.h"

namespace lockstep {

/// One TLS connection of an agent's to the enrolment server. All of it runs on the server's thread;
/// what it asks of the service comes back there through `hooks.post`.
class EnrolmentConnection : public std::enable_shared_from_this<EnrolmentConnection> {
 public:
  struct Hooks {
    /// Runs a task on the server's thread, or drops it after the server has stopped. Thread-safe.
    std::function<void(std::function<void()>)> post;
    /// The handshake is over, well or not; called once.
    std::function<void()> shaken;
    /// Nothing more will happen here; called once.
    std::function<void(EnrolmentConnection*)> ended;
  };

  EnrolmentConnection(boost::asio::ip::tcp::socket socket, std::string address,
                      std::shared_ptr<boost::asio::ssl::context> tls,
                      std::shared_ptr<EnrolmentService> service, const EnrolmentLimits& limits,
                      Hooks hooks);

  void Start();
  /// Ends whatever goes on.
  void Close();

 private:
  void Read();
  void OnRead(const boost::system::error_code& error);
  void Write(const HttpReply& reply, bool keep_open);
  void End();

  // Fixed at construction.
  const std::string address_;
  const std::shared_ptr<boost::asio::ssl::context> tls_;
  const std::shared_ptr<EnrolmentService> service_;
  const EnrolmentLimits limits_;
  const Hooks hooks_;

  boost::asio::ssl::stream<boost::beast::tcp_stream> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  int requests_ = 0;
  bool ended_ = false;
};

}  // namespace lockstep
