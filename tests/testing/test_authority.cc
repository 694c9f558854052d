#include "tests/testing/test_authority.h"

namespace lockstep {
namespace {

Certificate MakeRoot(const PrivateKey& key, absl::Time now) {
  return BuildCertificate({.role = CertificateTemplate::Role::kAuthority,
                           .common_name = "test authority",
                           .not_before = now - absl::Hours(24 * 30),
                           .not_after = now + absl::Hours(24 * 30)},
                          key.PublicDer(), nullptr, key)
      .value();
}

}  // namespace

TestAuthority::TestAuthority(absl::Time now)
    : now_(now), key_(PrivateKey::Generate()), certificate_(MakeRoot(key_, now)) {}

TlsMaterial TestAuthority::Issue(absl::string_view uri, CertificateTemplate::Role role,
                                 absl::Time not_before, absl::Time not_after) const {
  const PrivateKey key = PrivateKey::Generate();
  return {.key_pem = key.ToPem(),
          .certificate_pem = IssueFor(key.PublicDer(), uri, role, not_before, not_after).ToPem(),
          .roots_pem = certificate_.ToPem()};
}

Certificate TestAuthority::IssueFor(absl::string_view public_der, absl::string_view uri,
                                    CertificateTemplate::Role role, absl::Time not_before,
                                    absl::Time not_after) const {
  return BuildCertificate({.role = role,
                           .common_name = "test",
                           .uri = std::string(uri),
                           .not_before = not_before,
                           .not_after = not_after},
                          public_der, &certificate_, key_)
      .value();
}

}  // namespace lockstep
