#include "common/credentials/key.h"

#include <cstdlib>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "common/base/status.h"
#include "common/credentials/openssl.h"

namespace lockstep {
namespace {

// SubjectPublicKeyInfo of a P-256 key is this, then 64 bytes: the curve by name, an uncompressed
// point.
constexpr absl::string_view kSpkiStart(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    "\x03\x42\x00\x04",
    27);
constexpr size_t kSpkiSize = 27 + 64;

// Keeps OpenSSL from asking for a passphrase on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::StatusOr<openssl::Key> ReadPublicKey(absl::string_view der) {
  if (der.size() != kSpkiSize || !absl::StartsWith(der, kSpkiStart)) {
    return absl::InvalidArgumentError("public key: not a P-256 key in its canonical DER form");
  }
  const unsigned char* next = openssl::Bytes(der);
  openssl::Key key(d2i_PUBKEY(nullptr, &next, static_cast<long>(der.size())));
  if (key == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("public key: ", openssl::TakeError()));
  }
  return key;
}

}  // namespace

PrivateKey PrivateKey::Generate() {
  openssl::Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) abort();  // No random numbers or no memory: nothing can go on.
  return PrivateKey(std::move(key));
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(absl::string_view pem) {
  openssl::Bio bio = openssl::ReadFrom(pem);
  openssl::Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("private key: ", openssl::TakeError()));
  }
  if (!EVP_PKEY_is_a(key.get(), "EC") ||
      EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                     "uncompressed") != 1) {
    openssl::TakeError();
    return absl::InvalidArgumentError("private key: not a P-256 key");
  }
  PrivateKey result(std::move(key));
  if (!CheckPublicKey(result.PublicDer()).ok()) {
    return absl::InvalidArgumentError("private key: not a P-256 key");
  }
  return result;
}

std::string PrivateKey::ToPem() const {
  openssl::Bio bio(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), handle(), nullptr, nullptr, 0, nullptr, nullptr) !=
      1) {
    abort();  // Out of memory.
  }
  return openssl::Contents(bio.get());
}

std::string PrivateKey::PublicDer() const { return openssl::Der<i2d_PUBKEY>(handle()); }

Digest PrivateKey::Fingerprint() const { return KeyFingerprint(PublicDer()); }

std::string PrivateKey::Sign(absl::string_view message) const {
  openssl::DigestContext context(EVP_MD_CTX_new());
  size_t size = 0;
  std::string signature;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, handle()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, openssl::Bytes(message), message.size()) != 1) {
    abort();  // Out of memory.
  }
  signature.resize(size);
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     openssl::Bytes(message), message.size()) != 1) {
    abort();
  }
  signature.resize(size);
  return signature;
}

absl::Status CheckPublicKey(absl::string_view der) { return ReadPublicKey(der).status(); }

absl::Status VerifySignature(absl::string_view public_der, absl::string_view message,
                             absl::string_view signature) {
  LOCKSTEP_ASSIGN_OR_RETURN(openssl::Key key, ReadPublicKey(public_der));
  openssl::DigestContext context(EVP_MD_CTX_new());
  if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestVerify(context.get(), openssl::Bytes(signature), signature.size(),
                       openssl::Bytes(message), message.size()) != 1) {
    openssl::TakeError();
    return absl::UnauthenticatedError("the signature is not of this key over this message");
  }
  return absl::OkStatus();
}

}  // namespace lockstep
