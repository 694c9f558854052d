#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"

namespace lockstep {

/// Which file of the repository each object of a manifest came from, so that a clash can name both.
/// Immutable, shared, stored as a blob under its digest.
class Origins {
 public:
  /// Of nothing.
  Origins() = default;

  /// `files[i]` is the origin of the manifest's entry i.
  explicit Origins(const std::vector<std::string>& files);

  /// Reads what Encode wrote; DATA_LOSS for anything else.
  static absl::StatusOr<std::shared_ptr<const Origins>> Decode(absl::string_view bytes);

  /// File count, the distinct files in order of appearance (length, bytes), entry count, an index
  /// per entry; integers are LEB128.
  std::string Encode() const;

  /// Of the encoded form; zero for nothing.
  const Digest& digest() const { return digest_; }
  size_t size() const { return indices_.size(); }
  /// "" outside.
  absl::string_view FileOf(size_t entry) const;

 private:
  std::vector<std::string> files_;
  std::vector<uint32_t> indices_;  // Per entry: into files_.
  Digest digest_;
};

using OriginsPtr = std::shared_ptr<const Origins>;

}  // namespace lockstep
