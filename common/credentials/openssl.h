#pragma once

#include <memory>
#include <string>

#include <absl/strings/string_view.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/base/free_with.h"

// Handles of OpenSSL's that free themselves, and its habits made ours. For .cc files only.

namespace lockstep::openssl {

using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using X509Handle = std::unique_ptr<X509, FreeWith<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
using GeneralName = std::unique_ptr<GENERAL_NAME, FreeWith<GENERAL_NAME_free>>;
using Store = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

/// A BIO that reads `bytes`, which must outlive it.
inline Bio ReadFrom(absl::string_view bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

/// What was written to a memory BIO.
inline std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

inline const unsigned char* Bytes(absl::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// The DER that an i2d function writes for `handle`.
template <auto ToDer, typename T>
std::string Der(const T* handle) {
  unsigned char* out = nullptr;
  const int size = ToDer(handle, &out);
  if (size <= 0) return "";
  std::string der(reinterpret_cast<const char*>(out), static_cast<size_t>(size));
  OPENSSL_free(out);
  return der;
}

/// The last error's reason. Empties the thread's error queue, which the TLS connections of the same
/// thread read too.
std::string TakeError();

}  // namespace lockstep::openssl
