#pragma once

#include <functional>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include "common/credentials/certificate.h"

namespace lockstep {

/// Decides about a server by the certificates that it shows, its own first. It is all that decides:
/// the system's authorities and the server's name do not count.
using ServerCheck = std::function<absl::Status(absl::Span<const Certificate> shown)>;

struct HttpsAnswer {
  int status = 0;
  std::string body;
};

/// Talks to one server over one connection that is kept between calls. Not thread-safe. Blocks; a
/// call ends after 30 s.
class HttpsClient {
 public:
  /// `target` is host:port.
  HttpsClient(std::string target, ServerCheck check);
  ~HttpsClient();

  /// Errors: those of the check, and UNAVAILABLE if no answer came.
  absl::StatusOr<HttpsAnswer> Get(absl::string_view path);
  /// As Get; `body` is JSON.
  absl::StatusOr<HttpsAnswer> Post(absl::string_view path, const std::string& body);

 private:
  struct State;

  absl::StatusOr<HttpsAnswer> Perform(absl::string_view path);

  std::unique_ptr<State> state_;
};

}  // namespace lockstep
