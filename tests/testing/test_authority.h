#pragma once

#include <string>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/credentials/certificate.h"

namespace lockstep {

/// A certificate authority for tests of both ends of a connection.
class TestAuthority {
 public:
  /// Valid for 30 days around `now`; what it issues is valid from an hour before to 23 hours after.
  explicit TestAuthority(absl::Time now);

  const Certificate& certificate() const { return certificate_; }

  /// Key, certificate and this root for whoever `uri` names.
  TlsMaterial Issue(absl::string_view uri, CertificateTemplate::Role role) const {
    return Issue(uri, role, now_ - absl::Hours(1), now_ + absl::Hours(23));
  }
  TlsMaterial Issue(absl::string_view uri, CertificateTemplate::Role role, absl::Time not_before,
                    absl::Time not_after) const;

  /// A certificate for the key `public_der`.
  Certificate IssueFor(absl::string_view public_der, absl::string_view uri,
                       CertificateTemplate::Role role, absl::Time not_before,
                       absl::Time not_after) const;

  /// A client's, with alternative names that Lockstep never writes (OpenSSL's own notation,
  /// "URI:…,DNS:…").
  TlsMaterial IssueWithNames(const std::string& names) const;

  TlsMaterial Agent(absl::string_view cluster) const {
    return Issue(Identity{IdentityKind::kCluster, std::string(cluster)}.ToUri(),
                 CertificateTemplate::Role::kClient);
  }
  TlsMaterial User(absl::string_view name) const {
    return Issue(Identity{IdentityKind::kUser, std::string(name)}.ToUri(),
                 CertificateTemplate::Role::kClient);
  }
  TlsMaterial Hub() const {
    return Issue(Identity{IdentityKind::kHub, ""}.ToUri(), CertificateTemplate::Role::kServer);
  }

 private:
  absl::Time now_;
  PrivateKey key_;
  Certificate certificate_;
};

}  // namespace lockstep
