#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace lockstep {

/// A small HTTP server for those who watch a program:
///
///     /metrics   the metrics, in Prometheus' text format
///     /healthz   200 "ok" while the program works, else 503 and why: restart it
///     /readyz    200 "ok" when it can do its work, else 503 and why: wait
///
/// It answers GET and HEAD, without TLS and without asking who asks, so it listens on loopback
/// unless told otherwise. One thread of its own runs everything, the callbacks too.
class MonitorServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    uint16_t port = 0;  // 0: any free one; see port().

    // A client may take this long to send a request and to take the answer; then it is cut off.
    absl::Duration timeout = absl::Seconds(5);
    uint32_t header_bytes_max = 8 << 10;  // Over it: 431.
    int connections_max = 32;             // More are closed at once.
  };

  /// Called on the server's thread: they must be thread-safe and quick. The messages are for
  /// anybody to read.
  struct Pages {
    std::function<std::string()> metrics;
    std::function<absl::Status()> healthy;
    std::function<absl::Status()> ready;
  };

  /// Listens and serves. Errors: INVALID_ARGUMENT for no IP address; UNAVAILABLE if the port cannot
  /// be had.
  static absl::StatusOr<std::unique_ptr<MonitorServer>> Start(const Options& options, Pages pages);

  /// As Stop.
  ~MonitorServer();
  MonitorServer(const MonitorServer&) = delete;
  MonitorServer& operator=(const MonitorServer&) = delete;

  /// Ends serving and joins the thread; clients are cut off when the server goes. Idempotent; not
  /// from a callback.
  void Stop();

  /// The port it listens on.
  uint16_t port() const;

 private:
  struct Impl;
  explicit MonitorServer(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
