#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/mutex.h"
#include "common/object/value.h"

namespace lockstep::kustomize {

/// A place in one of the files that were read.
struct FilePlace {
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;
};

/// What files were read to, so that a file that 900 kustomizations name is parsed once, and the
/// register that gives every file a range of lines of its own: the line of a Value's place tells
/// file and line (Locate).
///
/// Safe for concurrent use. What was read is shared and never changes.
class FileCache {
 public:
  /// The documents of one file, or why there are none.
  using Documents = absl::StatusOr<std::vector<Value>>;
  using Reader = absl::AnyInvocable<Documents(uint32_t line_base)>;

  FileCache();
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;

  /// What is held for (`path`, `id`, `how`), or what `read` makes of it. `lines` is an upper bound
  /// of the file's lines.
  std::shared_ptr<const Documents> Get(absl::string_view path, absl::string_view id,
                                       absl::string_view how, uint32_t lines, Reader read)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// The file and line of a value that was read through this; an empty file for any other.
  FilePlace Locate(Place place) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<const Documents>> by_key_
      ABSL_GUARDED_BY(mutex_);
  std::map<uint32_t, std::string> files_ ABSL_GUARDED_BY(mutex_);  // By first line.
  uint32_t next_line_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace lockstep::kustomize
