#include "hub/remote/ssh_key.h"

#include <cstdint>
#include <string>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

namespace lockstep {
namespace {

constexpr absl::string_view kMakeOne = "make one with ssh-keygen -t ed25519";

absl::Status Refused(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(why, "; ", kMakeOne));
}

// Takes a string with its length before it off `rest`; empty where it is cut off.
absl::string_view TakeString(absl::string_view* rest) {
  if (rest->size() < 4) return *rest = "";
  uint32_t size = 0;
  for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>((*rest)[i]);
  rest->remove_prefix(4);
  if (size > rest->size()) return *rest = "";
  const absl::string_view taken = rest->substr(0, size);
  rest->remove_prefix(size);
  return taken;
}

// What stands before that which the passphrase encrypts: magic, cipher, kdf, kdf options, number of
// keys, public key, whose first string is the type. Empty where it is none.
std::string OpenSshKeyType(absl::string_view pem) {
  std::string base64;
  for (const absl::string_view line : absl::StrSplit(pem, '\n')) {
    if (!absl::StrContains(line, "-----"))
      absl::StrAppend(&base64, absl::StripAsciiWhitespace(line));
  }
  std::string raw;
  if (!absl::Base64Unescape(base64, &raw)) return "";
  absl::string_view rest = raw;
  if (!absl::ConsumePrefix(&rest, absl::string_view("openssh-key-v1\0", 15))) return "";
  for (int skipped = 0; skipped < 3; ++skipped) TakeString(&rest);
  rest.remove_prefix(rest.size() < 4 ? rest.size() : 4);
  absl::string_view key = TakeString(&rest);
  return std::string(TakeString(&key));
}

}  // namespace

absl::Status CheckSshKey(absl::string_view identity) {
  if (!absl::StrContains(identity, "PRIVATE KEY-----")) {
    return absl::InvalidArgumentError(
        "this is no private key; put the text of the file that ssh-keygen wrote there");
  }
  const bool is_openssh = absl::StrContains(identity, "BEGIN OPENSSH PRIVATE KEY");
  const std::string type = is_openssh ? OpenSshKeyType(identity) : "";
  if (absl::StrContains(identity, "BEGIN RSA") || type == "ssh-rsa") {
    return Refused("RSA keys are signed with SHA-1 here, which today's SSH servers refuse");
  }
  if (absl::StrContains(identity, "BEGIN DSA") || type == "ssh-dss")
    return Refused("today's SSH servers refuse DSA keys");
  if (absl::StartsWith(type, "sk-"))
    return Refused("a key of a security key needs a touch for each use");
  if (!is_openssh || type == "ssh-ed25519" || absl::StartsWith(type, "ecdsa-sha2-nistp"))
    return absl::OkStatus();
  return Refused(type.empty() ? "this OpenSSH private key is damaged"
                              : "keys of this type are not known here");
}

}  // namespace lockstep
