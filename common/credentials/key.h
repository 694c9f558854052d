#pragma once

#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY.

namespace lockstep {

/// A private key on the curve P-256, the only kind that Lockstep makes or takes. Immutable; may be
/// used by several threads at once.
class PrivateKey {
 public:
  static PrivateKey Generate();

  /// From PEM, PKCS#8 or SEC 1, not encrypted. INVALID_ARGUMENT for anything but a P-256 key; the
  /// message holds no part of the key.
  static absl::StatusOr<PrivateKey> FromPem(absl::string_view pem);

  /// PKCS#8 PEM, not encrypted: for files of mode 0600 only.
  std::string ToPem() const;

  /// The public half: DER SubjectPublicKeyInfo.
  std::string PublicDer() const;

  /// SHA-256 of PublicDer().
  Digest Fingerprint() const;

  /// ECDSA with SHA-256 over `message`, in DER.
  std::string Sign(absl::string_view message) const;

  /// Borrowed; lives as long as this.
  evp_pkey_st* handle() const { return key_.get(); }

 private:
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

  std::shared_ptr<evp_pkey_st> key_;  // Shared by copies; OpenSSL counts its users anyway.
};

/// Checks that `der` is a P-256 SubjectPublicKeyInfo in its one canonical form (named curve,
/// uncompressed point on the curve). A key thus has one fingerprint: a revoked one cannot come back
/// in another encoding. INVALID_ARGUMENT otherwise.
absl::Status CheckPublicKey(absl::string_view der);

/// SHA-256 of a DER SubjectPublicKeyInfo.
inline Digest KeyFingerprint(absl::string_view public_der) { return Digest::Of(public_der); }

/// Checks that the owner of `public_der` signed `message`. INVALID_ARGUMENT for a bad key,
/// UNAUTHENTICATED for a signature that is not theirs.
absl::Status VerifySignature(absl::string_view public_der, absl::string_view message,
                             absl::string_view signature);

}  // namespace lockstep
