#include "common/base/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <absl/synchronization/mutex.h>

namespace lockstep {

void DisableCoreDumps() {
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // A core_pattern that names a program is not held back by the limit, by this it is.
  prctl(PR_SET_DUMPABLE, 0);
}

void KeepFilesPrivate() { umask(077); }

void SkipLockOrderChecks() {
#ifdef NDEBUG
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
}

}  // namespace lockstep
