#include "hub/source/git_credentials.h"

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr size_t kMessageBytesMax = 1000;

absl::Status Bad(absl::string_view key, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("the Secret's key \"", key, "\": ", why));
}

// The type in an OpenSSH private key, which stands before what the passphrase encrypts
// (PROTOCOL.key): magic, cipher, kdf, kdf options, number of keys, public key, whose first string
// is the type.
std::string OpenSshKeyType(absl::string_view pem) {
  std::string base64;
  for (const absl::string_view line : absl::StrSplit(pem, '\n')) {
    if (!absl::StrContains(line, "-----"))
      absl::StrAppend(&base64, absl::StripAsciiWhitespace(line));
  }
  std::string raw;
  absl::string_view rest;
  if (!absl::Base64Unescape(base64, &raw)) return "";
  rest = raw;
  if (!absl::ConsumePrefix(&rest, absl::string_view("openssh-key-v1\0", 15))) return "";
  const auto number = [&rest]() -> size_t {
    if (rest.size() < 4) return 0;
    size_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(rest[i]);
    rest.remove_prefix(4);
    return value;
  };
  for (int skipped = 0; skipped < 3; ++skipped) rest.remove_prefix(std::min(number(), rest.size()));
  number();  // Of keys.
  number();  // The length of the public key.
  return std::string(rest.substr(0, number()));
}

absl::Status CheckIdentity(const std::string& identity) {
  if (!absl::StrContains(identity, "PRIVATE KEY-----")) {
    return Bad("identity",
               "this is no private key; put the text of the file that ssh-keygen wrote there");
  }
  const bool rsa =
      absl::StrContains(identity, "BEGIN RSA") || OpenSshKeyType(identity) == "ssh-rsa";
  if (!rsa) return absl::OkStatus();
  return Bad("identity",
             "RSA keys are signed with SHA-1 here, which today's SSH servers refuse; make one with "
             "ssh-keygen -t ed25519");
}

absl::Status CheckForSsh(const GitCredentials& c) {
  if (c.identity.empty()) return Bad("identity", "it lacks; a private key is needed for ssh");
  if (c.known_hosts.empty()) {
    return Bad("known_hosts",
               "it lacks; put the output of ssh-keyscan for the host there, after checking it");
  }
  return CheckIdentity(c.identity);
}

absl::Status CheckForHttp(const GitUrl& url, const GitCredentials& c) {
  if (!c.bearer_token.empty() && !c.password.empty()) {
    return Bad("bearerToken", "it stands beside \"password\"; keep one");
  }
  if (c.username.empty() && !c.password.empty())
    return Bad("username", "it lacks beside \"password\"");
  for (const std::string* text : {&c.username, &c.password, &c.bearer_token}) {
    if (std::any_of(text->begin(), text->end(), absl::ascii_iscntrl)) {
      return absl::InvalidArgumentError(
          "the Secret's username, password or bearerToken holds a control character (a newline at "
          "its end?)");
    }
  }
  if (absl::StrContains(c.username, ':'))
    return Bad("username", "basic authentication allows no ':' in it");
  if (!c.ca_pem.empty() && url.scheme() != GitUrl::Scheme::kHttps)
    return Bad("ca.crt", "only https URLs use it");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GitCredentials> CredentialsFromSecret(
    const GitUrl& url, const std::map<std::string, std::string>& data) {
  const auto value = [&data](const char* key) {
    const auto found = data.find(key);
    return found == data.end() ? std::string() : found->second;
  };
  GitCredentials credentials;
  if (url.scheme() == GitUrl::Scheme::kSsh) {
    credentials.identity = value("identity");
    credentials.passphrase = value("password");
    credentials.known_hosts = value("known_hosts");
  } else {
    credentials.username = value("username");
    credentials.password = value("password");
    credentials.bearer_token = value("bearerToken");
    credentials.ca_pem = value("ca.crt").empty() ? value("caFile") : value("ca.crt");
  }
  LOCKSTEP_RETURN_IF_ERROR(CheckCredentials(url, credentials));
  return credentials;
}

absl::Status CheckCredentials(const GitUrl& url, const GitCredentials& credentials) {
  switch (url.scheme()) {
    case GitUrl::Scheme::kSsh:
      return CheckForSsh(credentials);
    case GitUrl::Scheme::kHttps:
    case GitUrl::Scheme::kHttp:
      return CheckForHttp(url, credentials);
    case GitUrl::Scheme::kFile:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

std::string RedactSecrets(absl::string_view text, const GitCredentials& c) {
  std::string redacted(text);
  const std::string basic = absl::Base64Escape(absl::StrCat(c.username, ":", c.password));
  for (const std::string& secret : {c.password, c.bearer_token, c.passphrase, c.identity, basic}) {
    if (secret.size() >= 4) redacted = absl::StrReplaceAll(redacted, {{secret, "***"}});
  }
  if (redacted.size() > kMessageBytesMax) redacted.resize(kMessageBytesMax);
  return EscapeControl(redacted);
}

}  // namespace lockstep
