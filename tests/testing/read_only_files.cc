#include "tests/testing/read_only_files.h"

#include <cstdarg>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lockstep {

std::atomic<bool>& ReadOnlyFiles() {
  static std::atomic<bool> read_only{false};
  return read_only;
}

}  // namespace lockstep

extern "C" int openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (!lockstep::ReadOnlyFiles() || (flags & (O_WRONLY | O_RDWR | O_CREAT)) == 0) {
    return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  }
  errno = EROFS;
  return -1;
}
