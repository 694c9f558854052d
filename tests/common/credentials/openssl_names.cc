#include "tests/common/credentials/openssl_names.h"

#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <openssl/ec.h>

#include "common/credentials/openssl.h"

namespace lockstep {

x509_st* MakeForeignCertificate(const std::string& names, const std::string& common_name) {
  openssl::Key key(EVP_EC_gen("P-256"));
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  X509_set_pubkey(certificate, key.get());
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, openssl::Bytes(common_name),
                             static_cast<int>(common_name.size()), -1, 0);
  X509_set_issuer_name(certificate, subject);
  if (!names.empty()) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    openssl::Extension extension(
        X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, names.c_str()));
    X509_add_ext(certificate, extension.get(), -1);
  }
  X509_sign(certificate, key.get(), EVP_sha256());
  return certificate;
}

std::vector<std::string> AlternativeNames(x509_st* certificate) {
  openssl::Bio bio(BIO_new(BIO_s_mem()));
  const int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
  if (at < 0) return {};
  X509V3_EXT_print(bio.get(), X509_get_ext(certificate, at), 0, 0);
  return absl::StrSplit(openssl::Contents(bio.get()), ", ");
}

std::string PrintCertificate(x509_st* certificate) {
  openssl::Bio bio(BIO_new(BIO_s_mem()));
  X509_print(bio.get(), certificate);
  return openssl::Contents(bio.get());
}

}  // namespace lockstep
