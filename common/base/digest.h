#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>

#include <absl/hash/hash.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// A SHA-256 digest: the name of a blob, a manifest, a cluster's desired state or a key. All zero
/// means "none".
class Digest {
 public:
  static constexpr size_t kSize = 32;

  Digest() = default;

  /// The digest of `bytes`.
  static Digest Of(absl::string_view bytes);

  /// From 32 raw bytes; INVALID_ARGUMENT for any other length.
  static absl::StatusOr<Digest> FromBytes(absl::string_view raw);

  /// From 64 hex digits; INVALID_ARGUMENT otherwise.
  static absl::StatusOr<Digest> FromHex(absl::string_view hex);

  /// The 32 raw bytes; valid as long as this.
  absl::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), kSize}; }
  std::string ToHex() const;
  /// The first 12 hex digits, for people.
  std::string Short() const { return ToHex().substr(0, 12); }

  bool IsZero() const { return *this == Digest(); }

  friend bool operator==(const Digest&, const Digest&) = default;
  friend std::strong_ordering operator<=>(const Digest& a, const Digest& b) {
    return std::memcmp(a.bytes_.data(), b.bytes_.data(), kSize) <=> 0;
  }
  template <typename H>
  friend H AbslHashValue(H state, const Digest& digest) {
    uint64_t first;
    std::memcpy(&first, digest.bytes_.data(), sizeof first);
    return H::combine(std::move(state), first);  // Already uniform.
  }

 private:
  friend class Hasher;
  std::array<uint8_t, kSize> bytes_{};
};

/// SHA-256 over pieces.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void Add(absl::string_view bytes);
  /// Adds the length (8 bytes, big-endian), then the bytes, so that pieces cannot run into each
  /// other.
  void AddSized(absl::string_view bytes);
  void AddInteger(uint64_t value);
  /// The digest of all that was added; call once.
  Digest Finish();

 private:
  void* const context_;  // EVP_MD_CTX, owned.
};

/// HMAC-SHA1 of `text` under `key`, 20 raw bytes. Only for formats that ask for it (hashed names in known_hosts).
std::string HmacSha1(absl::string_view key, absl::string_view text);

}  // namespace lockstep
