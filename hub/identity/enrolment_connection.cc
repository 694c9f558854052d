#include "hub/identity/enrolment_connection.h"

#include <utility>

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

namespace lockstep {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

// A nonce and what it is for, and once more.
constexpr int kRequestsMax = 4;
constexpr uint32_t kHeaderBytesMax = 8 * 1024;

}  // namespace

EnrolmentConnection::EnrolmentConnection(boost::asio::ip::tcp::socket socket, std::string address,
                                         std::shared_ptr<boost::asio::ssl::context> tls,
                                         std::shared_ptr<EnrolmentService> service,
                                         const EnrolmentLimits& limits, Hooks hooks)
    : address_(std::move(address)),
      tls_(std::move(tls)),
      service_(std::move(service)),
      limits_(limits),
      hooks_(std::move(hooks)),
      stream_(boost::beast::tcp_stream(std::move(socket)), *tls_),
      buffer_(limits.body_bytes + kHeaderBytesMax) {}

void EnrolmentConnection::Start() {
  boost::beast::get_lowest_layer(stream_).expires_after(
      absl::ToChronoNanoseconds(limits_.handshake));
  stream_.async_handshake(boost::asio::ssl::stream_base::server,
                          [self = shared_from_this()](const error_code& error) {
                            self->hooks_.shaken();
                            if (error) return self->End();
                            // One deadline for all that follows, however slowly it comes.
                            boost::beast::get_lowest_layer(self->stream_)
                                .expires_after(absl::ToChronoNanoseconds(self->limits_.request));
                            self->Read();
                          });
}

void EnrolmentConnection::Close() { boost::beast::get_lowest_layer(stream_).close(); }

void EnrolmentConnection::Read() {
  parser_.emplace();
  parser_->body_limit(limits_.body_bytes);
  parser_->header_limit(kHeaderBytesMax);
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const error_code& error, size_t) { self->OnRead(error); });
}

void EnrolmentConnection::OnRead(const error_code& error) {
  if (error == http::error::body_limit) {
    return Write(ErrorReply(absl::OutOfRangeError("the request is too long")), /*keep_open=*/false);
  }
  if (error) return End();
  const auto& request = parser_->get();
  const bool keep_open = request.keep_alive() && ++requests_ < kRequestsMax;
  const auto text = [](boost::beast::string_view view) {
    return std::string(view.data(), view.size());
  };
  // The service may answer after the server has stopped, so that it holds no more than a name of
  // this.
  service_->Handle({.address = address_,
                    .method = text(request.method_string()),
                    .target = text(request.target()),
                    .body = request.body()},
                   [weak = weak_from_this(), post = hooks_.post, keep_open](HttpReply reply) {
                     post([weak, keep_open, reply = std::move(reply)] {
                       if (auto self = weak.lock()) self->Write(reply, keep_open);
                     });
                   });
}

void EnrolmentConnection::Write(const HttpReply& reply, bool keep_open) {
  response_ = {static_cast<http::status>(reply.status), 11};
  response_.set(http::field::content_type, "application/json");
  response_.set(http::field::cache_control, "no-store");
  response_.body() = reply.body;
  response_.keep_alive(keep_open);
  response_.prepare_payload();
  http::async_write(stream_, response_,
                    [self = shared_from_this(), keep_open](const error_code& error, size_t) {
                      if (!error && keep_open) return self->Read();
                      if (error) return self->End();
                      self->stream_.async_shutdown([self](const error_code&) { self->End(); });
                    });
}

void EnrolmentConnection::End() {
  if (std::exchange(ended_, true)) return;
  Close();
  hooks_.ended(this);
}

}  // namespace lockstep
