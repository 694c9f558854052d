#pragma once

#include <map>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "hub/remote/git_url.h"

namespace lockstep {

/// What a Secret holds for a repository. Empty members are absent.
struct GitCredentials {
  std::string username;      // http basic
  std::string password;      // http basic
  std::string bearer_token;  // http; instead of username and password
  std::string ca_pem;        // https: trusted instead of the system's authorities
  std::string identity;      // ssh: a private key, OpenSSH or PEM, ed25519 or ecdsa
  std::string passphrase;    // ssh: of identity
  std::string known_hosts;   // ssh: required
};

/// From a Secret's data with Flux's keys: username, password, bearerToken, ca.crt (or caFile),
/// identity, known_hosts; beside an identity `password` is its passphrase; identity.pub is not
/// needed and ignored. Checks as CheckCredentials.
absl::StatusOr<GitCredentials> CredentialsFromSecret(
    const GitUrl& url, const std::map<std::string, std::string>& data);

/// INVALID_ARGUMENT naming the Secret's key that lacks, is of no use for this URL, or cannot work:
/// an RSA identity (libssh2 signs those with SHA-1, which today's servers refuse).
absl::Status CheckCredentials(const GitUrl& url, const GitCredentials& credentials);

/// `text` with every secret of `credentials` replaced, and control characters escaped; at most
/// 1,000 bytes.
std::string RedactSecrets(absl::string_view text, const GitCredentials& credentials);

}  // namespace lockstep
