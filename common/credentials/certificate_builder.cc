#include <arpa/inet.h>
#include <cstdlib>

#include <absl/strings/str_cat.h>
#include <openssl/x509v3.h>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/credentials/certificate.h"
#include "common/credentials/join_token.h"
#include "common/credentials/openssl.h"

namespace lockstep {
namespace {

constexpr long kVersion3 = 2;

// Out of memory is the only way in which OpenSSL fails at these.
void Must(bool done) {
  if (!done) abort();
}

void SetSerial(X509* certificate) {
  std::string serial = RandomBytes(16);
  serial[0] = static_cast<char>((serial[0] & 0x3f) | 0x40);  // Positive, and always 16 bytes long.
  std::unique_ptr<BIGNUM, FreeWith<BN_free>> number(
      BN_bin2bn(openssl::Bytes(serial), static_cast<int>(serial.size()), nullptr));
  Must(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void SetTimes(X509* certificate, const CertificateTemplate& tmpl) {
  Must(ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(tmpl.not_before)) != nullptr);
  Must(ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(tmpl.not_after)) != nullptr);
}

void SetSubject(X509* certificate, const std::string& common_name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  Must(X509_NAME_add_entry_by_NID(subject, NID_organizationName, MBSTRING_UTF8,
                                  openssl::Bytes("Lockstep"), -1, -1, 0) == 1);
  Must(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                  openssl::Bytes(common_name), static_cast<int>(common_name.size()),
                                  -1, 0) == 1);
}

// `value` is one of the constants below: OpenSSL's small language for extensions never sees a name.
void AddExtension(X509* certificate, X509V3_CTX* context, int nid, const char* value) {
  openssl::Extension extension(X509V3_EXT_conf_nid(nullptr, context, nid, value));
  Must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void AddUsage(X509* certificate, X509V3_CTX* context, CertificateTemplate::Role role) {
  AddExtension(certificate, context, NID_subject_key_identifier, "hash");
  AddExtension(certificate, context, NID_authority_key_identifier, "keyid:always");
  if (role == CertificateTemplate::Role::kAuthority) {
    AddExtension(certificate, context, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    AddExtension(certificate, context, NID_key_usage, "critical,keyCertSign,cRLSign");
    return;
  }
  AddExtension(certificate, context, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(certificate, context, NID_key_usage, "critical,digitalSignature");
  AddExtension(certificate, context, NID_ext_key_usage,
               role == CertificateTemplate::Role::kServer ? "serverAuth" : "clientAuth");
}

void AddName(GENERAL_NAMES* names, int type, absl::string_view bytes) {
  openssl::GeneralName name(GENERAL_NAME_new());
  ASN1_STRING* text =
      ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
  Must(ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size())) == 1);
  GENERAL_NAME_set0_value(name.get(), type, text);
  Must(sk_GENERAL_NAME_push(names, name.release()) > 0);
}

void AddHost(GENERAL_NAMES* names, const std::string& host) {
  char address[sizeof(in6_addr)];
  if (inet_pton(AF_INET, host.c_str(), address) == 1) {
    AddName(names, GEN_IPADD, {address, sizeof(in_addr)});
  } else if (inet_pton(AF_INET6, host.c_str(), address) == 1) {
    AddName(names, GEN_IPADD, {address, sizeof(in6_addr)});
  } else {
    AddName(names, GEN_DNS, host);
  }
}

void AddNames(X509* certificate, const CertificateTemplate& tmpl) {
  openssl::GeneralNames names(GENERAL_NAMES_new());
  if (!tmpl.uri.empty()) AddName(names.get(), GEN_URI, tmpl.uri);
  for (const std::string& host : tmpl.hosts) AddHost(names.get(), host);
  if (sk_GENERAL_NAME_num(names.get()) == 0) return;
  Must(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) ==
       1);
}

}  // namespace

absl::StatusOr<Certificate> BuildCertificate(const CertificateTemplate& tmpl,
                                             absl::string_view public_der,
                                             const Certificate* issuer,
                                             const PrivateKey& issuer_key) {
  LOCKSTEP_RETURN_IF_ERROR(CheckPublicKey(public_der));
  for (const std::string& host : tmpl.hosts) LOCKSTEP_RETURN_IF_ERROR(CheckHost(host));
  const unsigned char* next = openssl::Bytes(public_der);
  openssl::Key key(d2i_PUBKEY(nullptr, &next, static_cast<long>(public_der.size())));
  openssl::X509Handle handle(X509_new());
  X509* const certificate = handle.get();
  Must(X509_set_version(certificate, kVersion3) == 1 &&
       X509_set_pubkey(certificate, key.get()) == 1);
  SetSerial(certificate);
  SetTimes(certificate, tmpl);
  SetSubject(certificate, tmpl.common_name);
  X509* const signer = issuer == nullptr ? certificate : issuer->handle();
  Must(X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1);
  X509V3_CTX context;
  X509V3_set_ctx(&context, signer, certificate, nullptr, nullptr, 0);
  AddUsage(certificate, &context, tmpl.role);
  AddNames(certificate, tmpl);
  Must(X509_sign(certificate, issuer_key.handle(), EVP_sha256()) > 0);
  return Certificate(handle.release());
}

}  // namespace lockstep
