#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "agent/identity/place.h"
#include "agent/kube/access.h"
#include "agent/kube/http.h"
#include "common/base/clock.h"

namespace lockstep {

/// The identity in a Secret of the agent's own namespace, under the key `identity.pem`, so that it
/// outlives the pod's volumes. The Secret is there before, empty: the agent's rights name it, and
/// nobody can be given the right to make only one of a name.
///
/// Read and Write connect anew each time: they are called at the start and twice a day.
class IdentitySecret : public IdentityPlace {
 public:
  /// `clock` is borrowed and outlives this.
  IdentitySecret(KubeAccess access, std::string name, const Clock* clock);

  /// FAILED_PRECONDITION where there is no such Secret; NOT_FOUND where it holds no identity yet.
  absl::StatusOr<std::string> Read() const override;
  absl::Status Write(absl::string_view text) const override;
  std::string Name() const override;

 private:
  absl::StatusOr<KubeResponse> Ask(KubeRequest request) const;

  const KubeAccess access_;
  const std::string namespace_;
  const std::string name_;
  const Clock* const clock_;
};

}  // namespace lockstep
