#include "hub/core/origins.h"

#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

namespace lockstep {
namespace {

void AppendInteger(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

bool TakeInteger(absl::string_view* rest, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 63 && !rest->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest->front());
    rest->remove_prefix(1);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

}  // namespace

Origins::Origins(const std::vector<std::string>& files) {
  absl::flat_hash_map<absl::string_view, uint32_t> known;
  for (const std::string& file : files) {
    const auto [at, added] = known.try_emplace(file, static_cast<uint32_t>(files_.size()));
    if (added) files_.push_back(file);
    indices_.push_back(at->second);
  }
  if (!files.empty()) digest_ = Digest::Of(Encode());
}

std::string Origins::Encode() const {
  std::string out;
  AppendInteger(files_.size(), &out);
  for (const std::string& file : files_) {
    AppendInteger(file.size(), &out);
    absl::StrAppend(&out, file);
  }
  AppendInteger(indices_.size(), &out);
  for (const uint32_t index : indices_) AppendInteger(index, &out);
  return out;
}

absl::StatusOr<OriginsPtr> Origins::Decode(absl::string_view bytes) {
  const auto broken = [] { return absl::DataLossError("reading origins: they are damaged"); };
  auto origins = std::make_shared<Origins>();
  absl::string_view rest = bytes;
  uint64_t count = 0;
  if (!TakeInteger(&rest, &count) || count > rest.size()) return broken();
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t length = 0;
    if (!TakeInteger(&rest, &length) || length > rest.size()) return broken();
    origins->files_.emplace_back(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  if (!TakeInteger(&rest, &count) || count > rest.size()) return broken();
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t index = 0;
    if (!TakeInteger(&rest, &index) || index >= origins->files_.size()) return broken();
    origins->indices_.push_back(static_cast<uint32_t>(index));
  }
  if (!rest.empty()) return broken();
  if (count > 0) origins->digest_ = Digest::Of(bytes);
  return origins;
}

absl::string_view Origins::FileOf(size_t entry) const {
  return entry < indices_.size() ? absl::string_view(files_[indices_[entry]]) : absl::string_view();
}

}  // namespace lockstep
