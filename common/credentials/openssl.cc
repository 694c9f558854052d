#include "common/credentials/openssl.h"

#include <openssl/err.h>

namespace lockstep::openssl {

std::string TakeError() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

}  // namespace lockstep::openssl
