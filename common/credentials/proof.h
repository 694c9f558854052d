#pragma once

#include <string>

#include <absl/strings/string_view.h>

#include "common/base/digest.h"

// What an agent signs to prove that it holds its key. Each begins with its own purpose, so that a
// signature for one is none for another, and holds something that the hub chose or spends once.

namespace lockstep {

/// For POST /v1/enrol: the token (by its hash), the hub's nonce, the key and the target's id.
std::string EnrolmentProofMessage(const Digest& token_hash, absl::string_view nonce,
                                  absl::string_view public_der, absl::string_view target_uid);

/// For POST /v1/renew: the expired certificate and the hub's nonce.
std::string LateRenewalProofMessage(absl::string_view certificate_der, absl::string_view nonce);

/// For CertificateRequest on the stream: the session's id and the key.
std::string RenewalProofMessage(absl::string_view session, absl::string_view public_der);

}  // namespace lockstep
