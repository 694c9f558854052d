#pragma once

#include <cstdint>
#include <string>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "hub/source/git_credentials.h"

namespace lockstep {

/// The head of an HTTP answer.
struct HttpAnswer {
  long status = 0;
  std::string content_type;
  std::string location;  // Of a redirect.
  int64_t retry_after_seconds = 0;
};

/// OK for 200 with the `want` content type; else what is wrong and what to do, for the person who
/// wrote the GitRepository.
absl::Status CheckHttpAnswer(const HttpAnswer& answer, absl::string_view want,
                             const GitCredentials& credentials);

/// The same for a transfer that failed below HTTP: `code` is a CURLcode, `text` what libcurl says
/// of it.
absl::Status CurlFailure(int code, absl::string_view text);

}  // namespace lockstep
