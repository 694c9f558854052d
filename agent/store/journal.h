#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/file.h"

namespace lockstep {

/// An append-only file of checked frames: the whole of an agent's memory. Not thread-safe, but for
/// Read, which any thread may call beside the rest.
///
///     file:   "LSAJ"  format (4)  frame*
///     frame:  "LSFR"  length (4)  synced (8)  checksum (8)  type (1)  body
///
/// Integers are big-endian. `length` counts type and body, `checksum` is the head of the SHA-256
/// of what stands around it. `synced` is how much of the file had been synced when the frame was
/// written, which tells a lost tail (power failed before the sync: cut off at the next open) from
/// damage (bytes that had been synced changed: refused, a person decides).
class Journal {
 public:
  static constexpr uint32_t kFormat = 2;

  /// What Open reads: type, body and the body's offset in the file.
  using Visit = std::function<absl::Status(uint8_t type, absl::string_view body, uint64_t offset)>;

  /// Opens or makes the file (0600) and hands every frame to `visit`, oldest first. A file of an
  /// older format is one of this from then on: what is added to it is.
  ///
  /// FAILED_PRECONDITION for a newer format; DATA_LOSS for damage; else what `visit` returned.
  static absl::StatusOr<Journal> Open(const std::string& path, const Visit& visit);

  /// An empty one at `path`, which may not exist; for a sweep.
  static absl::StatusOr<Journal> Create(const std::string& path);

  Journal(Journal&&) = default;
  Journal& operator=(Journal&&) = default;

  /// Adds a frame to what the next Commit writes; returns where its body will stand.
  uint64_t Add(uint8_t type, absl::string_view body);

  /// Writes what was added, at most up to `bytes_max` of file, and syncs if asked. After an error
  /// nothing of it is in the file. RESOURCE_EXHAUSTED for a full disk, which heals. DATA_LOSS from
  /// the first write or sync on that failed for another reason: what the disk holds is not known
  /// any more until the agent starts again.
  absl::Status Commit(bool sync, uint64_t bytes_max);

  absl::StatusOr<std::string> Read(uint64_t offset, size_t length) const;

  uint64_t size() const { return size_; }

 private:
  Journal(std::string path, OwnedFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  absl::Status Load(const Visit& visit);
  // Where a valid frame begins at or after `from` that was written when `lost` had been synced.
  absl::StatusOr<bool> WasSynced(uint64_t lost) const;

  std::string path_;
  OwnedFd fd_;
  std::string added_;
  uint64_t size_ = 0;
  uint64_t synced_ = 0;
  bool failed_ = false;
};

}  // namespace lockstep
