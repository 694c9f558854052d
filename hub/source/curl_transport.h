#pragma once

#include <cstdint>
#include <string>

#include <absl/status/status.h>

#include "hub/remote/git_url.h"
#include "hub/source/allowed_sources.h"
#include "hub/source/git_credentials.h"

namespace lockstep {

/// What one fetch is about; shared by the transport and the job that uses it.
struct FetchContext {
  GitUrl url;
  GitCredentials credentials;
  AddressPolicy policy;
  int64_t bytes_max = 0;
  int64_t refs_bytes_max = 0;

  // Received so far.
  int64_t bytes = 0;
  int64_t objects = 0;
  int64_t objects_total = 0;  // As the pack says; 0 before it began.
  absl::Status failure;       // The first reason to give up; better than what libgit2 makes of it.

  /// Keeps `status` if it is the first failure, tells libgit2, and returns what its callbacks
  /// return for "give up".
  int Fail(const absl::Status& status);
  /// Counts received bytes; false (and a failure) over the limit.
  bool Count(int64_t received);
  /// Whether a list of refs may be as long; otherwise a failure.
  bool CheckRefsBytes(int64_t size);
};

/// Makes libgit2 fetch http and https through libcurl, once for this process: no redirects, no
/// proxy, no cookies, TLS 1.2 or newer, the address of each connection checked before it is made,
/// credentials only to the URL they are for. `context` is borrowed and must outlive all fetches.
///
/// libgit2 drives it: an "action" is a request, `read` pulls the answer, and nothing is read ahead
/// but a buffer.
absl::Status RegisterCurlTransport(FetchContext* context);

}  // namespace lockstep
