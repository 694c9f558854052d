#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <absl/types/span.h>

#include "common/base/digest.h"
#include "common/credentials/identity.h"
#include "common/credentials/key.h"

struct x509_st;  // OpenSSL's X509.

namespace lockstep {

/// An X.509 certificate. Immutable; may be used by several threads at once.
class Certificate {
 public:
  /// Takes over a handle that is not null.
  explicit Certificate(x509_st* owned);

  /// INVALID_ARGUMENT for anything but one certificate and nothing after it.
  static absl::StatusOr<Certificate> FromDer(absl::string_view der);
  /// The first certificate of `pem`. INVALID_ARGUMENT if there is none.
  static absl::StatusOr<Certificate> FromPem(absl::string_view pem);

  std::string ToDer() const;
  std::string ToPem() const;

  absl::Time not_before() const;
  absl::Time not_after() const;
  /// DER SubjectPublicKeyInfo.
  std::string PublicDer() const;
  /// SHA-256 of PublicDer().
  Digest Fingerprint() const;

  /// Whom it speaks for: it has exactly one URI name and that is one of ours. The subject is never
  /// read. INVALID_ARGUMENT otherwise (SECURITY A-55).
  absl::StatusOr<Identity> ReadIdentity() const;

  /// ReadIdentity with the key and the end beside it.
  absl::StatusOr<PeerIdentity> ReadPeer() const;

  /// Borrowed; lives as long as this.
  x509_st* handle() const { return certificate_.get(); }

 private:
  std::shared_ptr<x509_st> certificate_;
};

/// All certificates of `pem`, in order, at most 16. INVALID_ARGUMENT if there is none or one is
/// broken.
absl::StatusOr<std::vector<Certificate>> ReadCertificates(absl::string_view pem);

/// PEM of all, in order.
std::string ToPem(absl::Span<const Certificate> certificates);

enum class CertificateUse : uint8_t { kClient, kServer };

/// Checks that one of `roots` issued `leaf` for `use` and that both were valid at `at`.
/// UNAUTHENTICATED otherwise, with OpenSSL's reason.
absl::Status VerifyIssued(const Certificate& leaf, absl::Span<const Certificate> roots,
                          CertificateUse use, absl::Time at);

/// What is built into a certificate; there is no other way to say anything in one.
struct CertificateTemplate {
  enum class Role : uint8_t { kAuthority, kClient, kServer };

  Role role = Role::kClient;
  std::string common_name;         // For people; never read.
  std::string uri;                 // Empty for none.
  std::vector<std::string> hosts;  // DNS names and IP addresses.
  absl::Time not_before;
  absl::Time not_after;
};

/// Builds a certificate of `tmpl` for `public_der`, signed by `issuer_key`. `issuer` is null for a
/// self-signed authority. INVALID_ARGUMENT for a key that CheckPublicKey refuses or hosts that are
/// none.
absl::StatusOr<Certificate> BuildCertificate(const CertificateTemplate& tmpl,
                                             absl::string_view public_der,
                                             const Certificate* issuer,
                                             const PrivateKey& issuer_key);

/// What one end of a TLS connection needs: its key, its certificate and whom it trusts, all PEM.
struct TlsMaterial {
  std::string key_pem;          // Secret.
  std::string certificate_pem;  // Leaf first.
  std::string roots_pem;        // More than one while the authority changes.
};

}  // namespace lockstep
