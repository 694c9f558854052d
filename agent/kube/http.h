#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "agent/kube/access.h"
#include "common/base/clock.h"

namespace lockstep {

struct KubeRequest {
  std::string method = "GET";
  std::string path;  // Begins with '/'; with the query. Behind the server's prefix.
  std::string body;
  std::string content_type;  // Of the body.
  std::string accept = "application/json";
  std::string impersonate;  // A user's name; empty: as oneself.
  absl::Duration timeout = absl::Seconds(30);
};

struct KubeResponse {
  int code = 0;
  std::string content_type;
  std::string body;
  std::optional<absl::Duration> retry_after;
  std::vector<std::string> warnings;  // Texts of the Warning headers.
};

/// Speaks HTTP/2 with one API server over few connections, on one thread of its own. Thread-safe.
///
/// An answer of any status is an answer; an error is that no whole answer came: UNAVAILABLE (not
/// reached, cut, timed out), RESOURCE_EXHAUSTED (over the limit of bytes), UNAUTHENTICATED (a
/// certificate or token file that cannot be used), CANCELLED (after Stop or Cancel).
///
/// Two are used for one server: libcurl waits for ever with requests and watches on one connection
/// when the server says GOAWAY. Every request has its deadline here, since libcurl's own do not run
/// while one waits for a connection.
class KubeHttp {
 public:
  struct Options {
    int in_flight_max = 16;  // More only make the server's queue longer; streams do not count.
    size_t answer_bytes_max = 64 << 20;
    absl::Duration connect_timeout = absl::Seconds(10);
    absl::Duration token_age_max = absl::Minutes(1);  // A token file is read again then, or when
                                                      // the server refuses what it held.
  };

  using Done = std::function<void(absl::StatusOr<KubeResponse>)>;

  /// What comes of a stream, on the thread of this object: it only hands over, and may Start and
  /// Cancel.
  struct Stream {
    std::function<void(absl::string_view line)> on_line;  // Without the newline.
    /// Once, at its end. OK: the server ended it, with that answer (the body only where the code is
    /// not 200).
    Done on_end;
  };

  /// `clock` is borrowed and outlives this.
  KubeHttp(KubeAccess access, Options options, const Clock* clock);
  ~KubeHttp();

  /// Queues one exchange and returns its id, for Cancel. `done` is called once, on the thread of
  /// this object. After Stop: 0, and `done` is not called.
  uint64_t Start(KubeRequest request, Done done);

  /// Opens a stream of lines (a watch). The request's timeout counts only until the first byte; a
  /// line over the limit of bytes ends the stream.
  uint64_t StartStream(KubeRequest request, Stream stream);

  /// Ends it with CANCELLED; nothing if it has ended.
  void Cancel(uint64_t id);

  /// Exchanges `requests` and waits. Not more than in_flight_max of them are under way at a time;
  /// after `cancelled` says so no further one is begun: the rest is CANCELLED. Never call it on the
  /// thread of this object.
  std::vector<absl::StatusOr<KubeResponse>> Perform(std::vector<KubeRequest> requests,
                                                    const std::function<bool()>& cancelled);

  /// Ends everything with CANCELLED and joins. Idempotent.
  void Stop();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace lockstep
