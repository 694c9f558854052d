#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <curl/curl.h>

#include "agent/kube/http.h"

namespace lockstep {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using EasyHandle = std::unique_ptr<CURL, FreeEasy>;
using MultiHandle = std::unique_ptr<CURLM, FreeMulti>;

/// One exchange or stream, from Start to its end; the loop's thread alone touches it.
struct Transfer {
  uint64_t id = 0;
  KubeRequest request;
  KubeHttp::Done done;
  std::function<void(absl::string_view)> on_line;  // Set: a stream.
  size_t bytes_max = 0;

  EasyHandle easy;
  std::unique_ptr<curl_slist, FreeList> headers;
  char error[CURL_ERROR_SIZE] = "";
  KubeResponse response;
  std::string line;  // Of a stream: what came since the last newline.
  bool too_large = false;
  bool began = false;  // A byte of the body came.
  int tries = 0;

  void Header(absl::string_view text);
  bool Body(absl::string_view bytes);
  absl::Status Failure(CURLcode code) const;
};

/// Puts the callbacks and the request's own options on its handle.
void SetTransfer(Transfer* transfer);

}  // namespace lockstep
