#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/base/clock.h"
#include "common/render/snapshot.h"
#include "hub/remote/git_url.h"
#include "hub/remote/ref_spec.h"
#include "hub/source/allowed_sources.h"
#include "hub/source/git_credentials.h"

namespace lockstep {

class FetchWorkers;
class Mirrors;
struct FetchOrder;

struct FetchLimits {
  absl::Duration first_clone = absl::Seconds(120);  // Of a fetch into a new mirror.
  int64_t bytes = int64_t{512} << 20;               // Received in one fetch.
  int64_t objects = 2'000'000;                      // Received in one fetch.
  int64_t refs_bytes = int64_t{64} << 20;           // Of the list of refs: about 800,000.
  int64_t object_bytes = int64_t{32} << 20;         // One object, when read.
  int64_t memory_bytes = int64_t{2} << 30;          // Address space of the process that fetches.
  int packs = 50;                                   // More are merged.
};

struct FetchRequest {
  GitUrl url;
  GitRef ref;
  /// "NAMESPACE/NAME" of the Secret, empty for none: mirrors are shared only where URL and this are
  /// equal.
  std::string credentials_key;
  GitCredentials credentials;
  absl::Duration timeout = absl::Seconds(60);  // Into an existing mirror.
};

struct FetchResult {
  std::string mirror;    // For Open.
  std::string revision;  // main@sha1:4f2c…
  std::string commit;    // 40 hex digits.
  std::string ref;       // The full name it was found under; empty for a bare commit.
  std::string
      previous;  // What the ref named at the last fetch; empty if it was not fetched before.
  bool changed = false;  // commit != previous.
  bool forced =
      false;  // `previous` is no ancestor of `commit`: history was rewritten (or a tag moved).
  int64_t bytes = 0;    // Received.
  int64_t objects = 0;  // Received.
  absl::Duration duration;
};

/// The name of the mirror of a URL and a Secret: 32 hex digits.
std::string MirrorName(const GitUrl& url, absl::string_view credentials_key);

/// Git, for the hub: fetches into mirrors by child processes, and opens commits for reading.
///
/// Calls block, for at most the time limit of the request and a moment; call them on a pool.
/// Thread-safe; fetches into one mirror queue up behind each other, others run at once.
class GitSource {
 public:
  struct Options {
    std::string directory;  // Mirrors live below it.
    AllowedSources allowed;
    FetchLimits limits;
    /// The program that serves fetches: RunFetchServer must be its body. The hub is its own.
    std::vector<std::string> server_command = {"/proc/self/exe", "fetch-server"};
    Clock* clock = SystemClock();  // Borrowed; outlives this.
  };

  explicit GitSource(Options options);
  ~GitSource();
  GitSource(const GitSource&) = delete;
  GitSource& operator=(const GitSource&) = delete;

  /// Makes the directory and starts the process that serves fetches.
  absl::Status Start();
  /// Ends running fetches (they return CANCELLED) and the process. Idempotent.
  void Stop();

  /// Brings what `request.ref` needs into the mirror and says which commit it is. An error leaves
  /// the mirror's refs as they were; nothing is ever reported as an empty tree.
  ///
  /// INVALID_ARGUMENT (URL, ref, credentials), PERMISSION_DENIED (--allow-source; refused
  /// credentials, unknown host key), NOT_FOUND (repository or ref), DEADLINE_EXCEEDED and
  /// RESOURCE_EXHAUSTED (limits, named), UNAVAILABLE (network, server), DATA_LOSS (what the server
  /// sent is damaged or not whole), FAILED_PRECONDITION (a redirect, an unsupported repository),
  /// CANCELLED (stopping). No message holds a secret.
  absl::StatusOr<FetchResult> Fetch(const FetchRequest& request);

  /// The files of `commit`, which a fetch into `mirror` brought. Cheap. NOT_FOUND if the mirror or
  /// commit is not there.
  absl::StatusOr<std::shared_ptr<const Snapshot>> Open(absl::string_view mirror,
                                                       absl::string_view commit) const;

  /// Removes the mirrors that are not in `names`. Open snapshots of them fail when read.
  absl::Status KeepOnly(const std::set<std::string>& names);

 private:
  absl::StatusOr<FetchResult> FetchInTurn(const FetchRequest& request);
  absl::StatusOr<FetchResult> FetchOnce(const FetchRequest& request, const std::string& name,
                                        bool* damaged);
  void MergePacks(FetchOrder order);

  const Options options_;
  const std::unique_ptr<FetchWorkers> workers_;
  const std::unique_ptr<Mirrors> mirrors_;
};

}  // namespace lockstep
