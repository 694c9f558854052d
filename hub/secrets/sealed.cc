#include "hub/secrets/sealed.h"

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/secrets/plain.h"

namespace lockstep {

SealedSecret SealSecret(const SecretBox& box, const ResourceKey& key, const SecretData& data) {
  const std::string plain = EncodeSecretData(data);
  SealedSecret secret;
  secret.sealed = box.Seal(key.ToString(), plain);
  for (const auto& [name, value] : data.values) {
    secret.keys.push_back({name, static_cast<uint32_t>(value.size())});
  }
  secret.content = box.KeyedDigest(key.ToString(), plain);
  return secret;
}

absl::StatusOr<std::map<std::string, std::string>> OpenSecret(const SecretBox& box,
                                                              const ResourceKey& key,
                                                              const SealedSecret& secret) {
  const absl::StatusOr<std::string> plain = box.Unseal(key.ToString(), secret.sealed);
  if (!plain.ok()) return Annotate(plain.status(), absl::StrCat("opening ", key.ToString()));
  LOCKSTEP_ASSIGN_OR_RETURN(SecretData data, DecodeSecretData(*plain));
  return std::move(data.values);
}

}  // namespace lockstep
