#include "hub/source/mirror.h"

#include <algorithm>
#include <vector>

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/file.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

// The number of the repository that lies in a mirror's directory; 0 where none does. Read once,
// when the mirror is first named.
int SerialIn(const std::string& directory) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(directory);
  int highest = 0;
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    int serial = 0;
    absl::string_view digits = name;
    if (absl::ConsumePrefix(&digits, "git") && absl::SimpleAtoi(digits, &serial))
      highest = std::max(highest, serial);
  }
  return highest;
}

}  // namespace

std::shared_ptr<Mirrors::Mirror> Mirrors::FindLocked(const std::string& name) {
  std::shared_ptr<Mirror>& mirror = mirrors_[name];
  if (mirror == nullptr) {
    const std::string directory = absl::StrCat(root_, "/", name);
    mirror = std::make_shared<Mirror>(directory, SerialIn(directory));
  }
  return mirror;
}

Mirrors::Turn Mirrors::Take(const std::string& name) {
  std::shared_ptr<Mirror> mirror;
  bool damaged = false;
  {
    MutexLock lock(&mutex_);
    // By name each time: KeepOnly may have dropped the one that was waited for.
    const auto is_free = [this, &name]()
                             ABSL_NO_THREAD_SAFETY_ANALYSIS { return !FindLocked(name)->busy; };
    mutex_.Await(absl::Condition(&is_free));
    mirror = FindLocked(name);
    damaged = mirror->pool->damaged();
    if (damaged)
      mirror = mirrors_[name] = std::make_shared<Mirror>(mirror->directory, mirror->serial + 1);
    mirror->busy = true;
  }
  // Where removing fails, the fetch finds the damage again.
  if (damaged) RemoveTree(mirror->directory).IgnoreError();
  return Turn(this, std::move(mirror));
}

void Mirrors::EndTurn(Mirror* mirror) {
  MutexLock lock(&mutex_);
  mirror->busy = false;
}

std::shared_ptr<const RepositoryPool> Mirrors::PoolOf(const std::string& name) {
  MutexLock lock(&mutex_);
  return FindLocked(name)->pool;
}

absl::Status Mirrors::KeepOnly(const std::set<std::string>& names) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<std::string> found, ListDirectory(root_));
  for (const std::string& name : found) {
    if (names.contains(name)) continue;
    {
      MutexLock lock(&mutex_);
      const std::shared_ptr<Mirror> mirror = FindLocked(name);
      if (mirror->busy) continue;
      mirrors_.erase(name);
    }
    LOCKSTEP_RETURN_IF_ERROR(RemoveTree(absl::StrCat(root_, "/", name)));
  }
  return absl::OkStatus();
}

}  // namespace lockstep
