#include "common/credentials/proof.h"

namespace lockstep {

std::string EnrolmentProofMessage(const Digest& token_hash, absl::string_view nonce,
                                  absl::string_view public_der, absl::string_view target_uid) {
  Hasher hasher;
  hasher.AddSized("lockstep/enrol/1");
  hasher.AddSized(token_hash.bytes());
  hasher.AddSized(nonce);
  hasher.AddSized(public_der);
  hasher.AddSized(target_uid);
  return std::string(hasher.Finish().bytes());
}

std::string LateRenewalProofMessage(absl::string_view certificate_der, absl::string_view nonce) {
  Hasher hasher;
  hasher.AddSized("lockstep/late-renewal/1");
  hasher.AddSized(certificate_der);
  hasher.AddSized(nonce);
  return std::string(hasher.Finish().bytes());
}

std::string RenewalProofMessage(absl::string_view session, absl::string_view public_der) {
  Hasher hasher;
  hasher.AddSized("lockstep/renewal/1");
  hasher.AddSized(session);
  hasher.AddSized(public_der);
  return std::string(hasher.Finish().bytes());
}

}  // namespace lockstep
