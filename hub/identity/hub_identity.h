#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/credentials/join_token.h"
#include "common/rpc/credentials.h"
#include "hub/identity/authority.h"
#include "hub/identity/context.h"
#include "hub/identity/users.h"

// What the hub's data directory holds of it; everything is of mode 0600 in directories of mode
// 0700:
//
//     identity/ca.key  identity/ca.crt     the authority
//     identity/hub.key  identity/hub.crt   the hub's own
//     identity/addresses                   one "HOST:PORT ENROLMENT_PORT" per line, as people and
//     agents reach the hub users/NAME.FINGERPRINT.crt           one per person who may connect

namespace lockstep {

struct InitOptions {
  std::string data_directory;
  std::vector<HubAddress> addresses;  // At least one.
  std::string admin = "admin";        // The first user; empty: none, and no context.
  std::string context_file;           // Where the admin's context goes; others in it stay.
  std::string context_name = "lockstep";
};

/// Makes a hub out of nothing: authority, hub certificate, first admin and the admin's context.
/// After an error nothing of it is left; after a crash there is either no hub, or one for which
/// `user add` or `user renew` makes what lacks. Errors: ALREADY_EXISTS if the directory holds a hub
/// or the file the context, INVALID_ARGUMENT for bad names, or those of the file system.
absl::Status InitHub(const InitOptions& options, absl::Time now);

/// Whether the directory holds a hub. FAILED_PRECONDITION where it holds what a hub kept but no
/// identity: a volume that lost a part is not taken for a new one.
absl::StatusOr<bool> HoldsHub(absl::string_view data_directory);

/// The hub's authority and certificate, as they lie on disk. Not thread-safe.
class HubIdentity {
 public:
  /// NOT_FOUND if InitHub did not run here.
  static absl::StatusOr<HubIdentity> Load(absl::string_view data_directory);

  const CertificateAuthority& authority() const { return authority_; }
  const std::vector<HubAddress>& addresses() const { return addresses_; }
  const Certificate& certificate() const { return certificate_; }
  /// Who may connect as a person.
  UserDirectory users() const;
  /// For gRPC, which reads them again by itself.
  TlsFiles Files() const;
  /// For the enrolment endpoint: the authority's certificate is in the chain.
  absl::StatusOr<TlsMaterial> Material() const;

  /// A fresh join token for `cluster`; keep HashTokenSecret of its secret.
  JoinToken NewJoinToken(absl::string_view cluster) const;

  /// How `user` reaches this hub.
  Context MakeContext(absl::string_view context_name, absl::string_view user,
                      const UserCredentials& credentials) const;

  /// When RenewIfDue has something to do.
  absl::Time renew_at() const;
  /// Writes a new certificate for the same key once half of the present one's life is over; says
  /// whether it did.
  absl::StatusOr<bool> RenewIfDue(absl::Time now);

 private:
  HubIdentity(std::string data_directory, CertificateAuthority authority, Certificate certificate,
              std::vector<HubAddress> addresses);

  std::string data_directory_;
  CertificateAuthority authority_;
  Certificate certificate_;
  std::vector<HubAddress> addresses_;
};

}  // namespace lockstep
