#include "tests/testing/test_authority.h"

#include <string>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/credentials/openssl.h"

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

TlsMaterial TestAuthority::IssueWithNames(const std::string& names) const {
  TlsMaterial material = Issue("spiffe://lockstep/user/nobody", CertificateTemplate::Role::kClient);
  const openssl::X509Handle certificate(PEM_read_bio_X509(
      openssl::ReadFrom(material.certificate_pem).get(), nullptr, nullptr, nullptr));
  const std::string key_pem = key_.ToPem();
  const openssl::Key key(
      PEM_read_bio_PrivateKey(openssl::ReadFrom(key_pem).get(), nullptr, nullptr, nullptr));
  const int place = X509_get_ext_by_NID(certificate.get(), NID_subject_alt_name, -1);
  const openssl::Extension old(X509_delete_ext(certificate.get(), place));
  const openssl::Extension made(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()));
  X509_add_ext(certificate.get(), made.get(), -1);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const openssl::Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate.get());
  material.certificate_pem = openssl::Contents(out.get());
  return material;
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
