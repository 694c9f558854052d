#include "agent/kube/transfer.h"

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

namespace lockstep {
namespace {

constexpr size_t kWarningsMax = 16;

size_t OnHeader(char* bytes, size_t, size_t count, void* transfer) {
  static_cast<Transfer*>(transfer)->Header(absl::StripAsciiWhitespace({bytes, count}));
  return count;
}

size_t OnBody(char* bytes, size_t, size_t count, void* transfer) {
  return static_cast<Transfer*>(transfer)->Body({bytes, count}) ? count : 0;
}

}  // namespace

void Transfer::Header(absl::string_view text) {
  if (absl::StartsWith(text, "HTTP/")) {  // Of a later answer: a 1xx came before.
    response.warnings.clear();
    response.retry_after.reset();
    return;
  }
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos) return;
  const absl::string_view name = text.substr(0, colon);
  const absl::string_view value = absl::StripAsciiWhitespace(text.substr(colon + 1));
  if (absl::EqualsIgnoreCase(name, "content-type")) {
    response.content_type = std::string(value);
  } else if (absl::EqualsIgnoreCase(name, "retry-after")) {
    int64_t seconds = 0;
    if (absl::SimpleAtoi(value, &seconds) && seconds >= 0) {
      response.retry_after = absl::Seconds(std::min<int64_t>(seconds, 3600));
    }
  } else if (absl::EqualsIgnoreCase(name, "warning") && response.warnings.size() < kWarningsMax) {
    // 299 - "text"
    const size_t begin = value.find('"');
    const size_t end = value.rfind('"');
    if (begin != absl::string_view::npos && end > begin) {
      response.warnings.emplace_back(value.substr(begin + 1, end - begin - 1));
    }
  }
}

bool Transfer::Body(absl::string_view bytes) {
  began = true;
  long code = 0;
  if (on_line) curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &code);
  std::string& into = code == 200 ? line : response.body;
  too_large = into.size() + bytes.size() > bytes_max;
  if (too_large) return false;
  if (code != 200) {
    absl::StrAppend(&into, bytes);
    return true;
  }
  for (size_t newline; (newline = bytes.find('\n')) != absl::string_view::npos;) {
    absl::StrAppend(&line, bytes.substr(0, newline));
    bytes.remove_prefix(newline + 1);
    if (!line.empty()) on_line(line);
    line.clear();
  }
  absl::StrAppend(&line, bytes);
  return true;
}

absl::Status Transfer::Failure(CURLcode code) const {
  if (too_large) {
    return absl::ResourceExhaustedError(absl::StrCat("the API server's answer to ", request.method,
                                                     " ", request.path, " is over ", bytes_max,
                                                     " bytes"));
  }
  const absl::string_view why = error[0] != '\0' ? error : curl_easy_strerror(code);
  return absl::UnavailableError(
      absl::StrCat("the API server did not answer ", request.method, " ", request.path, ": ", why));
}

void SetTransfer(Transfer* transfer) {
  CURL* const easy = transfer->easy.get();
  const KubeRequest& request = transfer->request;
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

}  // namespace lockstep
