#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// The body of http://127.0.0.1:PORT/PATH. UNAVAILABLE for anything but 200.
absl::StatusOr<std::string> HttpGet(uint16_t port, absl::string_view path);

}  // namespace lockstep
