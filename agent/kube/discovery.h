#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "agent/kube/http.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/object/object_key.h"

namespace lockstep {

/// How one kind is spoken of over HTTP.
struct KindInfo {
  std::string group;
  std::string kind;
  std::string resource;  // "deployments".
  bool namespaced = false;
  bool writable = false;              // Takes patch and create.
  bool watchable = false;             // Takes list and watch.
  std::vector<std::string> versions;  // That serve it; the server's preferred one first.

  bool Serves(absl::string_view version) const;
};

/// All kinds of one server by (group, kind), subresources left out.
using KindTable = std::map<std::pair<std::string, std::string>, KindInfo>;

/// Reads an answer of aggregated discovery (apidiscovery.k8s.io/v2) into `table`. A group version
/// that the server marks as stale (its own server is away) is left out and named in `stale`
/// ("metrics.k8s.io/v1beta1"): whether its kinds are there is not known (FAULTS F-50).
///
/// Errors: INVALID_ARGUMENT for what is no such answer.
absl::Status ReadDiscovery(absl::string_view json, KindTable* table,
                           std::vector<std::string>* stale);

/// What the server serves, asked for when first needed and again when a kind is not found. The
/// answers are the same for all accounts, so they are asked for as the agent itself. Thread-safe;
/// calls block.
class Discovery {
 public:
  /// Both are borrowed and outlive this.
  Discovery(KubeHttp* http, const Clock* clock);

  /// How (group, kind) is spoken of. A miss asks the server again, but not more often than every
  /// kAgainAfter: a kind may have come since.
  ///
  /// Errors: UNAVAILABLE for a kind that is not served, now or as far as is known, and for a server
  /// that does not answer.
  absl::StatusOr<KindInfo> Find(absl::string_view group, absl::string_view kind)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// Something was applied that changes what is served: the next miss asks at once.
  void Expect() ABSL_LOCKS_EXCLUDED(mutex_);

  static constexpr absl::Duration kAgainAfter = absl::Seconds(5);

 private:
  absl::Status Ask() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  KubeHttp* const http_;
  const Clock* const clock_;

  Mutex mutex_;  // Held while asking: the others would ask the same.
  KindTable table_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> stale_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Duration> asked_ ABSL_GUARDED_BY(mutex_);
};

/// "/apis/apps/v1/namespaces/shop/deployments/web"; `name` empty: the collection; `namespace_`
/// empty for a namespaced kind: the collection over all namespaces. Every part is percent-encoded.
std::string ResourcePath(const KindInfo& kind, absl::string_view version,
                         absl::string_view namespace_name, absl::string_view name);

}  // namespace lockstep
