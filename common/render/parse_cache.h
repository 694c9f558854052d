#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"
#include "common/base/mutex.h"
#include "common/object/object_key.h"
#include "common/object/value.h"
#include "common/render/scope.h"

namespace lockstep {

/// One object of a file, ready for a manifest.
struct ParsedObject {
  ObjectKey key;                            // With the namespace as written.
  Digest blob;                              // Of *json.
  std::shared_ptr<const std::string> json;  // Canonical.
  Place place;
  /// Of a CustomResourceDefinition: what it defines. kUnknown for any other object.
  Scope defines = Scope::kUnknown;
  std::string defines_group, defines_kind;
};

/// The objects of one file's content in order.
struct ParsedFile {
  std::vector<ParsedObject> objects;
  size_t documents = 0;  // Objects and null documents.

  size_t CostInBytes() const;
};

/// What files' contents were read to, by the content's id: a commit that changes one file parses
/// one file, and clusters that share a file parse it once. Holds at most a number of bytes; what
/// was not used for longest goes first.
///
/// Safe for concurrent use.
class ParseCache {
 public:
  explicit ParseCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  struct Stats {
    uint64_t hits = 0;
    uint64_t misses = 0;
    size_t bytes = 0;
    size_t entries = 0;
  };

  /// Null where `key` is not held.
  std::shared_ptr<const ParsedFile> Find(const std::string& key) ABSL_LOCKS_EXCLUDED(mutex_);
  void Add(const std::string& key, std::shared_ptr<const ParsedFile> file)
      ABSL_LOCKS_EXCLUDED(mutex_);
  Stats stats() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Slot {
    std::string key;
    std::shared_ptr<const ParsedFile> file;
    size_t bytes;
  };

  const size_t bytes_max_;

  mutable Mutex mutex_;
  std::list<Slot> slots_ ABSL_GUARDED_BY(mutex_);  // Most recently used first.
  absl::flat_hash_map<std::string, std::list<Slot>::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lockstep
