#include "common/render/kustomize/file_cache.h"

#include <algorithm>

#include <absl/strings/str_cat.h>

namespace lockstep::kustomize {
namespace {

constexpr uint32_t kLinesMax = 3U << 30;  // Then the numbers begin anew.

std::string Key(absl::string_view path, absl::string_view id, absl::string_view how) {
  return absl::StrCat(path, absl::string_view("\0", 1), id, absl::string_view("\0", 1), how);
}

}  // namespace

std::shared_ptr<const FileCache::Documents> FileCache::Find(absl::string_view path,
                                                            absl::string_view id,
                                                            absl::string_view how) const {
  const std::string key = Key(path, id, how);
  MutexLock lock(&mutex_);
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

std::shared_ptr<const FileCache::Documents> FileCache::Get(
    absl::string_view path, absl::string_view id, absl::string_view how, const std::string& content,
    absl::FunctionRef<Documents(uint32_t line_base)> read) {
  if (std::shared_ptr<const Documents> held = Find(path, id, how)) return held;
  const auto lines = static_cast<size_t>(std::count(content.begin(), content.end(), '\n')) + 1;
  auto made = std::make_shared<const Documents>(read(Reserve(path, lines)));
  MutexLock lock(&mutex_);
  bytes_ += content.size();
  if (bytes_ > bytes_max_) {
    by_key_.clear();
    bytes_ = content.size();
  }
  // Another thread may have been faster: one of the two is kept.
  return by_key_.emplace(Key(path, id, how), std::move(made)).first->second;
}

uint32_t FileCache::Reserve(absl::string_view path, size_t lines) {
  MutexLock lock(&mutex_);
  if (next_line_ > kLinesMax) {
    by_key_.clear();
    files_.clear();
    notes_.clear();
    next_line_ = 1;
  }
  const uint32_t base = next_line_;
  next_line_ += static_cast<uint32_t>(lines) + 1;
  files_.emplace(base, std::string(path));
  return base;
}

void FileCache::AddNote(uint32_t line, std::string text) {
  MutexLock lock(&mutex_);
  notes_[line] = std::move(text);
}

bool FileCache::HasNotes() const {
  MutexLock lock(&mutex_);
  return !notes_.empty();
}

std::optional<std::string> FileCache::NoteAt(uint32_t line) const {
  MutexLock lock(&mutex_);
  const auto found = notes_.find(line);
  return found == notes_.end() ? std::nullopt : std::optional<std::string>(found->second);
}

FilePlace FileCache::Locate(Place place) const {
  MutexLock lock(&mutex_);
  const auto after = files_.upper_bound(place.line - 1);
  if (place.line == 0 || after == files_.begin()) return {};
  const auto& [base, file] = *std::prev(after);
  return {file, place.line - base, place.column};
}

}  // namespace lockstep::kustomize
