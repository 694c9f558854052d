#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"

namespace lockstep {

/// Seals what must not be readable in the store: the data of Secret resources, under a key that
/// lies in a file outside it (SECURITY A-66). AES-256-GCM; a sealed value is bound to `context`
/// (the resource's key), so that it cannot be moved to another record.
///
///     1 (one byte) | key id (4 bytes) | nonce (12 bytes, random) | ciphertext | tag (16 bytes)
///
/// Values of this type may be copied; each copy wipes its key when it goes.
class SecretBox {
 public:
  /// Makes a key file of mode 0600, durably. ALREADY_EXISTS if there is one: its key may still be
  /// needed.
  static absl::Status MakeKey(const std::string& path);

  /// Reads a key file. NOT_FOUND names it; FAILED_PRECONDITION if others than its owner may read
  /// it; DATA_LOSS if it does not hold a key.
  static absl::StatusOr<SecretBox> Open(const std::string& path);

  SecretBox(const SecretBox&) = default;
  SecretBox& operator=(const SecretBox&) = default;
  ~SecretBox();

  std::string Seal(absl::string_view context, absl::string_view plain) const;

  /// FAILED_PRECONDITION if it was sealed under another key; DATA_LOSS if it was changed or belongs
  /// to another context. Messages hold nothing of the content.
  absl::StatusOr<std::string> Unseal(absl::string_view context, absl::string_view sealed) const;

  /// Tells whether two plain texts of one context are equal, without telling anything of them to
  /// those who lack the key: HMAC-SHA256.
  Digest KeyedDigest(absl::string_view context, absl::string_view plain) const;

 private:
  explicit SecretBox(std::string key);

  std::string key_;     // 32 bytes.
  std::string key_id_;  // The first 4 bytes of the key's SHA-256.
};

}  // namespace lockstep
