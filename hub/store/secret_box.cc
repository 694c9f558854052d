#include "hub/store/secret_box.h"

#include <cstdio>
#include <cstdlib>
#include <errno.h>
#include <memory>
#include <sys/stat.h>
#include <utility>

#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr char kVersion = 1;
constexpr size_t kKeyBytes = 32;
constexpr size_t kKeyIdBytes = 4;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kHeadBytes = 1 + kKeyIdBytes + kNonceBytes;
constexpr absl::string_view kMagic = "LSKEY1\n";

constexpr absl::string_view kWhatNow =
    "; restore it from a backup, or see what is lost without it: `lockstep-hub secrets reset`";

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string* text) { return reinterpret_cast<unsigned char*>(text->data()); }

}  // namespace

absl::Status SecretBox::MakeKey(const std::string& path) {
  if (PathExists(path)) return FileError(EEXIST, "making the key file", path);
  std::string file = absl::StrCat(kMagic, RandomBytes(kKeyBytes));
  absl::Status status = WriteFileAtomic(path, file, Durability::kSynced, 0600);
  OPENSSL_cleanse(file.data(), file.size());
  return status;
}

absl::StatusOr<SecretBox> SecretBox::Open(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    const absl::Status status = FileError(errno, "opening the key file", path);
    return absl::Status(status.code(), absl::StrCat(status.message(), kWhatNow));
  }
  if ((info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("opening the key file \"", path, "\": others may read it; chmod 600 it"));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(std::string file, ReadFile(path, 4096));
  if (file.size() != kMagic.size() + kKeyBytes ||
      file.compare(0, kMagic.size(), kMagic.data()) != 0) {
    return absl::DataLossError(
        absl::StrCat("opening the key file \"", path, "\": it holds no key", kWhatNow));
  }
  SecretBox box(file.substr(kMagic.size()));
  OPENSSL_cleanse(file.data(), file.size());
  return box;
}

SecretBox::SecretBox(std::string key)
    : key_(std::move(key)), key_id_(Digest::Of(key_).bytes().substr(0, kKeyIdBytes)) {}

SecretBox::~SecretBox() { OPENSSL_cleanse(key_.data(), key_.size()); }

std::string SecretBox::Seal(absl::string_view context, absl::string_view plain) const {
  const std::string nonce = RandomBytes(kNonceBytes);
  std::string sealed = absl::StrCat(absl::string_view(&kVersion, 1), key_id_, nonce);
  sealed.resize(kHeadBytes + plain.size() + kTagBytes);
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  unsigned char* const out = Bytes(&sealed) + kHeadBytes;
  const bool done =
      cipher != nullptr &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_), Bytes(nonce)) ==
          1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &written, Bytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), out, &written, Bytes(plain),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), out + plain.size(), &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, out + plain.size()) == 1;
  if (!done) {
    std::fputs("AES-256-GCM of OpenSSL failed to seal\n", stderr);  // Out of memory or no cipher.
    std::abort();
  }
  return sealed;
}

absl::StatusOr<std::string> SecretBox::Unseal(absl::string_view context,
                                              absl::string_view sealed) const {
  if (sealed.size() < kHeadBytes + kTagBytes || sealed[0] != kVersion) {
    return absl::DataLossError("opening a sealed value: it is no sealed value");
  }
  if (sealed.substr(1, kKeyIdBytes) != key_id_) {
    return absl::FailedPreconditionError(
        "opening a sealed value: it was sealed under another key; restore that key file or apply "
        "the Secret again");
  }
  const absl::string_view nonce = sealed.substr(1 + kKeyIdBytes, kNonceBytes);
  const absl::string_view body = sealed.substr(kHeadBytes, sealed.size() - kHeadBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(body.size(), '\0');
  const CipherContext cipher(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool whole =
      cipher != nullptr &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_), Bytes(nonce)) ==
          1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &written, Bytes(context),
                        static_cast<int>(context.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Bytes(&plain), &written, Bytes(body),
                        static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, Bytes(&tag)) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Bytes(&plain) + plain.size(), &written) == 1;
  if (whole) return plain;
  OPENSSL_cleanse(plain.data(), plain.size());
  return absl::DataLossError(
      "opening a sealed value: it was changed, or belongs to another record");
}

Digest SecretBox::KeyedDigest(absl::string_view context, absl::string_view plain) const {
  // The inner digests fix both lengths, so that context and text cannot run into each other.
  const std::string message =
      absl::StrCat("keyed digest", Digest::Of(context).bytes(), Digest::Of(plain).bytes());
  unsigned char raw[Digest::kSize];
  unsigned int size = sizeof raw;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), Bytes(message), message.size(),
       raw, &size);
  return *Digest::FromBytes(absl::string_view(reinterpret_cast<const char*>(raw), sizeof raw));
}

}  // namespace lockstep
