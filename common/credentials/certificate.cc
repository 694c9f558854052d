#include "common/credentials/certificate.h"

#include <ctime>

#include <absl/strings/str_cat.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "common/base/status.h"
#include "common/credentials/openssl.h"

namespace lockstep {
namespace {

constexpr size_t kCertificatesMax = 16;
constexpr size_t kBytesMax = 1 << 20;

absl::Time FromAsn1(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    openssl::TakeError();
    return absl::InfinitePast();  // A time that is none has passed.
  }
  return absl::FromTM(parts, absl::UTCTimeZone());
}

}  // namespace

Certificate::Certificate(x509_st* owned) : certificate_(openssl::X509Handle(owned)) {}

absl::StatusOr<Certificate> Certificate::FromDer(absl::string_view der) {
  if (der.size() > kBytesMax) return absl::InvalidArgumentError("certificate: over 1 MiB");
  const unsigned char* next = openssl::Bytes(der);
  openssl::X509Handle handle(d2i_X509(nullptr, &next, static_cast<long>(der.size())));
  if (handle == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("certificate: ", openssl::TakeError()));
  }
  if (next != openssl::Bytes(der) + der.size()) {
    return absl::InvalidArgumentError("certificate: something follows it");
  }
  return Certificate(handle.release());
}

absl::StatusOr<Certificate> Certificate::FromPem(absl::string_view pem) {
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Certificate> all, ReadCertificates(pem));
  return std::move(all.front());
}

std::string Certificate::ToDer() const { return openssl::Der<i2d_X509>(handle()); }

std::string Certificate::ToPem() const {
  openssl::Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), handle());
  return openssl::Contents(bio.get());
}

absl::Time Certificate::not_before() const { return FromAsn1(X509_get0_notBefore(handle())); }

absl::Time Certificate::not_after() const { return FromAsn1(X509_get0_notAfter(handle())); }

std::string Certificate::PublicDer() const {
  return openssl::Der<i2d_X509_PUBKEY>(X509_get_X509_PUBKEY(handle()));
}

Digest Certificate::Fingerprint() const { return KeyFingerprint(PublicDer()); }

absl::StatusOr<Identity> Certificate::ReadIdentity() const {
  // Null for no such extension, and for more than one.
  openssl::GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(handle(), NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) {
    openssl::TakeError();
    return absl::InvalidArgumentError("certificate: it has no alternative names");
  }
  absl::StatusOr<Identity> identity = absl::InvalidArgumentError("certificate: it has no URI name");
  int uris = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    if (++uris > 1) return absl::InvalidArgumentError("certificate: it has more than one URI name");
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    identity = ParseIdentityUri({reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                                 static_cast<size_t>(ASN1_STRING_length(uri))});
  }
  if (!identity.ok()) return Annotate(identity.status(), "certificate");
  return identity;
}

absl::StatusOr<PeerIdentity> Certificate::ReadPeer() const {
  LOCKSTEP_ASSIGN_OR_RETURN(Identity identity, ReadIdentity());
  return PeerIdentity{.kind = identity.kind,
                      .name = std::move(identity.name),
                      .fingerprint = Fingerprint(),
                      .not_after = not_after()};
}

absl::StatusOr<std::vector<Certificate>> ReadCertificates(absl::string_view pem) {
  if (pem.size() > kBytesMax) return absl::InvalidArgumentError("certificates: over 1 MiB");
  openssl::Bio bio = openssl::ReadFrom(pem);
  std::vector<Certificate> all;
  while (X509* handle = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    all.emplace_back(handle);
    if (all.size() > kCertificatesMax) {
      return absl::InvalidArgumentError(absl::StrCat("certificates: more than ", kCertificatesMax));
    }
  }
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl::TakeError();
  if (!ended) return absl::InvalidArgumentError(absl::StrCat("certificate: ", reason));
  if (all.empty()) return absl::InvalidArgumentError("certificates: there is none");
  return all;
}

std::string ToPem(absl::Span<const Certificate> certificates) {
  std::string pem;
  for (const Certificate& certificate : certificates) pem += certificate.ToPem();
  return pem;
}

absl::Status VerifyIssued(const Certificate& leaf, absl::Span<const Certificate> roots,
                          CertificateUse use, absl::Time at) {
  openssl::Store store(X509_STORE_new());
  for (const Certificate& root : roots) X509_STORE_add_cert(store.get(), root.handle());
  openssl::StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.handle(), nullptr);
  X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(at));
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT);
  X509_STORE_CTX_set_purpose(context.get(), use == CertificateUse::kClient
                                                ? X509_PURPOSE_SSL_CLIENT
                                                : X509_PURPOSE_SSL_SERVER);
  const bool good = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (good) return absl::OkStatus();
  return absl::UnauthenticatedError(
      absl::StrCat("certificate: ", X509_verify_cert_error_string(error)));
}

}  // namespace lockstep
