#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "hub/source/allowed_sources.h"

namespace lockstep {

/// The lines of a known_hosts file for a connection to `address` that is meant to be to
/// `host`:`port`: the keys that `known_hosts` has for the name, under the address.
///
/// libgit2's ssh resolves names itself, so it is given the address that was checked; the host is
/// still known by its name. Understands lists, wildcards, negation, hashed names, [host]:port,
/// @revoked; an entry without a port fits every port. RSA keys are left out: libssh2 accepts them
/// with SHA-1 only, and one that stands first makes the others fail. PERMISSION_DENIED where no key
/// is left, naming what to add.
absl::StatusOr<std::string> KnownHostsAt(absl::string_view known_hosts, absl::string_view host,
                                         uint16_t port, absl::string_view address);

/// The addresses of `host` that `policy` allows, in the resolver's order; at least one. UNAVAILABLE
/// where the name has none; PERMISSION_DENIED where all are refused.
absl::StatusOr<std::vector<IpAddress>> ResolveAllowed(const std::string& host,
                                                      const AddressPolicy& policy);

}  // namespace lockstep
