#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>
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

/// What files were read to, so that a file that 900 kustomizations name is parsed once; and the
/// register that gives every file a range of lines of its own, so that the line of a Value's place
/// tells file and line (Locate).
///
/// Safe for concurrent use. What was read is shared and never changes.
class FileCache {
 public:
  /// The documents of one file, or why there are none.
  using Documents = absl::StatusOr<std::vector<Value>>;

  /// Lets go of everything when the files that were read have more bytes than this.
  explicit FileCache(size_t bytes_max = 512 << 20) : bytes_max_(bytes_max) {}
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;

  /// What is held for the content `id` of the file `path` read as `how`, or what `read` makes of
  /// `content`; `read` is given the number that the lines of this file's values begin after.
  std::shared_ptr<const Documents> Get(absl::string_view path, absl::string_view id,
                                       absl::string_view how, const std::string& content,
                                       absl::FunctionRef<Documents(uint32_t line_base)> read)
      ABSL_LOCKS_EXCLUDED(mutex_);
  /// The same where the content has not been read: null where nothing is held.
  std::shared_ptr<const Documents> Find(absl::string_view path, absl::string_view id,
                                        absl::string_view how) const ABSL_LOCKS_EXCLUDED(mutex_);

  /// The file and line of a value that was read through this; no file for any other.
  FilePlace Locate(Place place) const ABSL_LOCKS_EXCLUDED(mutex_);

  /// Keeps what the comment on a line says, by the line as values have it.
  void AddNote(uint32_t line, std::string text) ABSL_LOCKS_EXCLUDED(mutex_);
  bool HasNotes() const ABSL_LOCKS_EXCLUDED(mutex_);
  std::optional<std::string> NoteAt(uint32_t line) const ABSL_LOCKS_EXCLUDED(mutex_);

  /// Gives `lines` lines that no other file has, for a text that is not cached.
  uint32_t Reserve(absl::string_view path, size_t lines) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const size_t bytes_max_;

  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<const Documents>> by_key_
      ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint32_t, std::string> files_ ABSL_GUARDED_BY(mutex_);  // By the first line.
  absl::flat_hash_map<uint32_t, std::string> notes_ ABSL_GUARDED_BY(mutex_);
  uint32_t next_line_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace lockstep::kustomize
