#include "hub/source/descriptor.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace lockstep {
namespace {

constexpr size_t kFrameBytesMax = size_t{4} << 20;

bool ReadExactly(int socket, char* out, size_t size) {
  while (size > 0) {
    const ssize_t got = read(socket, out, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

bool SendWithDescriptor(int socket, const void* bytes, size_t size, int descriptor) {
  iovec part{const_cast<void*>(bytes), size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(size);
}

bool ReceiveWithDescriptor(int socket, void* bytes, size_t size, OwnedFd* descriptor) {
  iovec part{bytes, size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const cmsghdr* header = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return false;
  int received = -1;
  std::memcpy(&received, CMSG_DATA(header), sizeof received);
  *descriptor = OwnedFd(received);
  return got == static_cast<ssize_t>(size);
}

bool WriteAll(int socket, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

absl::StatusOr<std::string> ReadFrame(int socket) {
  uint8_t prefix[4];
  if (!ReadExactly(socket, reinterpret_cast<char*>(prefix), sizeof prefix)) {
    return absl::UnavailableError("the other side of a fetch is gone");
  }
  size_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | prefix[i];
  if (size > kFrameBytesMax) return absl::InternalError("a fetch's message is too long");
  std::string bytes(size, '\0');
  if (!ReadExactly(socket, bytes.data(), size))
    return absl::UnavailableError("the other side of a fetch is gone");
  return bytes;
}

}  // namespace lockstep
