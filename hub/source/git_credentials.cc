#include "hub/source/git_credentials.h"

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include "common/base/status.h"
#include "hub/remote/ssh_key.h"

namespace lockstep {
namespace {

constexpr size_t kMessageBytesMax = 1000;

absl::Status Bad(absl::string_view key, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("the Secret's key \"", key, "\": ", why));
}

absl::Status CheckForSsh(const GitCredentials& c) {
  if (c.identity.empty()) return Bad("identity", "it lacks; a private key is needed for ssh");
  if (c.known_hosts.empty()) {
    return Bad("known_hosts",
               "it lacks; put the output of ssh-keyscan for the host there, after checking it");
  }
  const absl::Status usable = CheckSshKey(c.identity);
  return usable.ok() ? usable : Bad("identity", usable.message());
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
