#include "hub/reset_secrets.h"

#include <cstdio>
#include <errno.h>

#include <absl/strings/str_cat.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "hub/hub.h"
#include "hub/loop/open_state.h"
#include "hub/store/rocks_store.h"
#include "hub/store/secret_box.h"

namespace lockstep {
namespace {

// Never over one that was put aside before: any of them may be of use yet.
absl::StatusOr<std::string> PutAside(const std::string& path) {
  for (int i = 1;; ++i) {
    const std::string aside = absl::StrCat(path, ".damaged-", i);
    if (PathExists(aside)) continue;
    if (rename(path.c_str(), aside.c_str()) != 0) return FileError(errno, "renaming", path);
    return aside;
  }
}

}  // namespace

absl::StatusOr<SecretsReset> ResetSecrets(const std::string& data_directory, Loss loss) {
  const std::string store_path = StorePath(data_directory);
  if (!PathExists(store_path)) {
    return absl::NotFoundError(absl::StrCat(
        "resetting the Secrets of \"", data_directory,
        "\": there is no hub's store; give the directory that `lockstep-hub serve` has"));
  }
  const std::string key_path = SecretKeyPath(data_directory);
  const absl::StatusOr<SecretBox> box = SecretBox::Open(key_path);
  const bool damaged = absl::IsDataLoss(box.status());
  if (!box.ok() && !damaged && !absl::IsNotFound(box.status())) return box.status();

  RocksOptions options;
  options.clock = SystemClock();
  LOCKSTEP_ASSIGN_OR_RETURN(const std::unique_ptr<RocksStore> store,
                            RocksStore::Open(store_path, options));
  LOCKSTEP_ASSIGN_OR_RETURN(
      const HubState state,
      OpenState(*store, {.settings = {}, .now = SystemClock()->Now(), .incarnation = ""}));
  SecretsReset reset;
  reset.lost = FindLostSecrets(state, box.ok() ? &*box : nullptr);
  reset.key_is_there = box.ok();
  if (reset.key_is_there || loss == Loss::kShow) return reset;
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(DirName(key_path), 0700));
  if (damaged) {
    LOCKSTEP_ASSIGN_OR_RETURN(reset.put_aside, PutAside(key_path));
  }
  LOCKSTEP_RETURN_IF_ERROR(SecretBox::MakeKey(key_path));
  return reset;
}

}  // namespace lockstep
