#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "hub/identity/authority.h"

namespace lockstep {

/// One person's right to connect.
struct User {
  std::string name;
  Digest fingerprint;
  absl::Time not_after;
};

/// A new key and certificate: what goes into a context.
struct UserCredentials {
  std::string certificate_pem;
  std::string key_pem;  // Secret.
};

/// Who may connect as a user: those whose certificate lies in this directory. There is no cache, so
/// that a removal by another process counts from the next call on; Check costs one system call.
/// Thread-safe.
class UserDirectory {
 public:
  /// `path` is DATA/users; it is made when the first user is added.
  explicit UserDirectory(absl::string_view path) : path_(path) {}

  /// UNAUTHENTICATED unless `peer` is a user who was added and not removed since. Ask again for as
  /// long as a stream lives.
  absl::Status Check(const PeerIdentity& peer) const;

  /// ALREADY_EXISTS if the name is taken.
  absl::StatusOr<UserCredentials> Add(const CertificateAuthority& authority, absl::string_view name,
                                      absl::Time now) const;
  /// A new key and certificate; the old ones end. NOT_FOUND if there is no such user.
  absl::StatusOr<UserCredentials> Renew(const CertificateAuthority& authority,
                                        absl::string_view name, absl::Time now) const;
  /// NOT_FOUND if there is no such user.
  absl::Status Remove(absl::string_view name) const;
  /// Sorted by name.
  absl::StatusOr<std::vector<User>> List() const;

 private:
  std::string path_;
};

}  // namespace lockstep
