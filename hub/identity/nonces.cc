#include "hub/identity/nonces.h"

#include <cstdint>

#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/random.h"

namespace lockstep {
namespace {

constexpr size_t kTimeBytes = 8;
constexpr size_t kRandomBytes = 16;
constexpr size_t kHeadBytes = kTimeBytes + kRandomBytes;
constexpr size_t kMacBytes = 32;

std::string BigEndian64(uint64_t value) {
  std::string bytes(kTimeBytes, '\0');
  for (size_t i = kTimeBytes; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xff);
  return bytes;
}

uint64_t ReadBigEndian64(absl::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

}  // namespace

Nonces::Nonces(absl::Duration life) : life_(life), key_(RandomBytes(kMacBytes)) {}

std::string Nonces::Make(absl::Duration now) const {
  const std::string head =
      absl::StrCat(BigEndian64(static_cast<uint64_t>(absl::ToInt64Milliseconds(now))),
                   RandomBytes(kRandomBytes));
  return head + Mac(head);
}

bool Nonces::IsFresh(absl::string_view nonce, absl::Duration now) const {
  if (nonce.size() != kHeadBytes + kMacBytes) return false;
  const absl::string_view head = nonce.substr(0, kHeadBytes);
  if (CRYPTO_memcmp(Mac(head).data(), nonce.data() + kHeadBytes, kMacBytes) != 0) return false;
  const absl::Duration made =
      absl::Milliseconds(static_cast<int64_t>(ReadBigEndian64(head.substr(0, kTimeBytes))));
  return now - made <= life_;
}

std::string Nonces::Mac(absl::string_view head) const {
  std::string mac(kMacBytes, '\0');
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(head.data()), head.size(),
       reinterpret_cast<unsigned char*>(mac.data()), nullptr);
  return mac;
}

}  // namespace lockstep
