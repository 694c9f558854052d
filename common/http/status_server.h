#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// What a program tells those who watch over it: GET /metrics (Prometheus' text format), /healthz
/// (200 while the program runs) and /readyz (200, or 503 with the reason while `ready` is not OK).
/// Everything else is 404, other methods 405.
///
/// One thread of its own. A client has 5 s for its request and 10 s for the answer, a request 8
/// KiB, and there are at most 64 connections; more are closed at once.
class StatusServer {
 public:
  struct Pages {
    std::function<std::string()> metrics;
    std::function<absl::Status()> ready;
  };

  /// Listens on HOST:PORT (an IP address; port 0 takes any free one). `pages` are called on the
  /// server's thread and must be quick. Errors: INVALID_ARGUMENT for an address that is none,
  /// UNAVAILABLE if it cannot be had.
  static absl::StatusOr<std::unique_ptr<StatusServer>> Start(absl::string_view address,
                                                             Pages pages);
  ~StatusServer();

  uint16_t port() const;
  /// Closes all connections and joins the thread. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit StatusServer(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
