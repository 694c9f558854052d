#include "common/base/digest.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace lockstep {

Digest Digest::Of(absl::string_view bytes) {
  Digest digest;
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), digest.bytes_.data());
  return digest;
}

absl::StatusOr<Digest> Digest::FromBytes(absl::string_view raw) {
  if (raw.size() != kSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("reading a digest: it has ", raw.size(), " bytes, not 32"));
  }
  Digest digest;
  std::memcpy(digest.bytes_.data(), raw.data(), kSize);
  return digest;
}

absl::StatusOr<Digest> Digest::FromHex(absl::string_view hex) {
  for (const char c : hex) {
    if (!absl::ascii_isxdigit(c))
      return absl::InvalidArgumentError("reading a digest: it is not hex digits");
  }
  if (hex.size() != 2 * kSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("reading a digest: it has ", hex.size(), " hex digits, not 64"));
  }
  return FromBytes(absl::HexStringToBytes(hex));
}

std::string Digest::ToHex() const { return absl::BytesToHexString(bytes()); }

namespace {

EVP_MD_CTX* Context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Hasher::Hasher() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(Context(context_), EVP_sha256(), nullptr);
}

Hasher::~Hasher() { EVP_MD_CTX_free(Context(context_)); }

void Hasher::Add(absl::string_view bytes) {
  EVP_DigestUpdate(Context(context_), bytes.data(), bytes.size());
}

void Hasher::AddSized(absl::string_view bytes) {
  AddInteger(bytes.size());
  Add(bytes);
}

void Hasher::AddInteger(uint64_t value) {
  char raw[8];
  for (int i = 7; i >= 0; --i, value >>= 8) raw[i] = static_cast<char>(value & 0xff);
  Add(absl::string_view(raw, sizeof raw));
}

Digest Hasher::Finish() {
  Digest digest;
  EVP_DigestFinal_ex(Context(context_), digest.bytes_.data(), nullptr);
  return digest;
}

std::string HmacSha1(absl::string_view key, absl::string_view text) {
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const uint8_t*>(text.data()),
       text.size(), reinterpret_cast<uint8_t*>(mac.data()), &size);
  mac.resize(size);
  return mac;
}

}  // namespace lockstep
