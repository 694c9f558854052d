#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// Whether the private key of this text can sign in to today's SSH servers here: an OpenSSH key of
/// type ed25519 or ecdsa, or PEM of another program that does not say RSA or DSA. The text itself
/// is in no message.
///
/// Errors: INVALID_ARGUMENT says what is wrong and which key to make.
/// Source: OpenSSH's PROTOCOL.key; measured with the packaged libssh2, docs/git.md.
absl::Status CheckSshKey(absl::string_view identity);

}  // namespace lockstep
