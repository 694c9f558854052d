#pragma once

#include <cstddef>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/file.h"

// Sockets between the hub, its fetch server and fetch processes.

namespace lockstep {

/// Sends `size` bytes and a copy of `descriptor` as one message; false with errno set.
bool SendWithDescriptor(int socket, const void* bytes, size_t size, int descriptor);

/// Receives such a message; false at the end and for any other.
bool ReceiveWithDescriptor(int socket, void* bytes, size_t size, OwnedFd* descriptor);

/// Writes all of `bytes`, waiting where it must; false when the other side is gone.
bool WriteAll(int socket, absl::string_view bytes);

/// Reads a length (4 bytes, little-endian) and so many bytes, which it returns. UNAVAILABLE at the
/// end before that; INTERNAL for a length over 4 MiB.
absl::StatusOr<std::string> ReadFrame(int socket);

}  // namespace lockstep
