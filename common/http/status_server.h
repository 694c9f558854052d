#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

namespace lockstep {

/// What a program tells those who watch over it: GET /metrics (Prometheus' text format), /healthz
/// (200 while the program runs) and /readyz (200, or 503 with the reason while `ready` is not OK).
/// Everything else is 404, other methods 405, a request with a body is not answered.
///
/// One thread of its own, and at most so many connections as `Limits` says: one more takes the
/// place of the one that has waited longest for a request, so that idle ones keep nobody out.
class StatusServer {
 public:
  struct Pages {
    std::function<std::string()> metrics;
    std::function<absl::Status()> ready;
  };

  struct Limits {
    absl::Duration request_time = absl::Seconds(5);  // From the end of the last answer.
    absl::Duration answer_time = absl::Seconds(10);
    uint32_t request_bytes = 8 << 10;
    int connections = 64;
  };

  /// Listens on HOST:PORT (an IP address; port 0 takes any free one). `pages` are called on the
  /// server's thread and must be quick. Errors: INVALID_ARGUMENT for an address that is none,
  /// UNAVAILABLE if it cannot be had.
  static absl::StatusOr<std::unique_ptr<StatusServer>> Start(absl::string_view address, Pages pages,
                                                             Limits limits);
  static absl::StatusOr<std::unique_ptr<StatusServer>> Start(absl::string_view address,
                                                             Pages pages) {
    return Start(address, std::move(pages), Limits());
  }
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
