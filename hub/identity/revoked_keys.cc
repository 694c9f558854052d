#include "hub/identity/revoked_keys.h"

#include <absl/strings/str_cat.h>

#include "hub/identity/users.h"

namespace lockstep {

PeerCheck MakeHubPeerCheck(const RevokedKeys* revoked, const UserDirectory* users) {
  return [revoked, users](const PeerIdentity& peer) -> absl::Status {
    if (peer.kind == IdentityKind::kUser) return users->Check(peer);
    if (!revoked->Contains(peer.fingerprint)) return absl::OkStatus();
    return absl::PermissionDeniedError(
        absl::StrCat("the key of cluster ", peer.name, " is revoked"));
  };
}

}  // namespace lockstep
