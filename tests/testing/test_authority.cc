#include "tests/testing/test_authority.h"

#include <memory>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

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

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

Bio Read(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
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
  const std::unique_ptr<X509, FreeWith<X509_free>> certificate(
      PEM_read_bio_X509(Read(material.certificate_pem).get(), nullptr, nullptr, nullptr));
  const std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>> key(
      PEM_read_bio_PrivateKey(Read(key_.ToPem()).get(), nullptr, nullptr, nullptr));
  const int place = X509_get_ext_by_NID(certificate.get(), NID_subject_alt_name, -1);
  const Extension old(X509_delete_ext(certificate.get(), place));
  const Extension made(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()));
  X509_add_ext(certificate.get(), made.get(), -1);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  material.certificate_pem.assign(bytes, static_cast<size_t>(size));
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
