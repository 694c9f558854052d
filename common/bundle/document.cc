#include "common/bundle/document.h"

#include <algorithm>
#include <limits>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/bundle/encoding.h"

namespace lockstep {
namespace {

using encoding::AppendKey;
using encoding::AppendLength;
using encoding::Reader;

constexpr absl::string_view kMagic = "LSD1";
// The shortest that there may be of each, so that a count alone takes no memory.
constexpr size_t kChangeBytesMin = 1 + Digest::kSize;
constexpr size_t kKeyBytesMin = 4;

// A count of what takes at least `bytes_min` each.
uint64_t TakeCount(Reader* reader, size_t bytes_min) {
  const uint64_t count = reader->Length();
  reader->ok = reader->ok && count <= reader->rest.size() / bytes_min;
  return reader->ok ? count : 0;
}

BundleDelta::Change TakeChange(Reader* reader) {
  BundleDelta::Change change;
  const uint64_t place = reader->Length();
  if (place == 0) {
    change.key = reader->Key();
  } else {
    reader->ok = reader->ok && place <= std::numeric_limits<uint32_t>::max();
    change.position = static_cast<uint32_t>(place - 1);
  }
  change.blob = reader->Hash();
  return change;
}

std::vector<uint32_t> TakeRemoved(Reader* reader) {
  std::vector<uint32_t> removed;
  const uint64_t count = TakeCount(reader, 1);
  removed.reserve(count);
  uint64_t next = 0;  // One above the last.
  for (uint64_t i = 0; i < count && reader->ok; ++i) {
    const uint64_t distance = reader->Length();
    constexpr uint64_t kMax = std::numeric_limits<uint32_t>::max();
    reader->ok = reader->ok && distance > 0 && distance <= kMax && next + distance <= kMax;
    next += distance;
    removed.push_back(static_cast<uint32_t>(next - 1));
  }
  return removed;
}

}  // namespace

std::string EncodeDocument(const BundleDelta& delta, const std::vector<ObjectKey>& tombstones) {
  std::string out(kMagic);
  absl::StrAppend(&out, delta.base.bytes(), delta.target.bytes());
  AppendLength(delta.changes.size(), &out);
  for (const BundleDelta::Change& change : delta.changes) {
    AppendLength(change.position.has_value() ? uint64_t{*change.position} + 1 : 0, &out);
    if (!change.position.has_value()) AppendKey(change.key, &out);
    absl::StrAppend(&out, change.blob.bytes());
  }
  AppendLength(delta.removed.size(), &out);
  uint64_t next = 0;
  for (const uint32_t position : delta.removed) {
    AppendLength(position + 1 - next, &out);
    next = uint64_t{position} + 1;
  }
  AppendLength(tombstones.size(), &out);
  for (const ObjectKey& key : tombstones) AppendKey(key, &out);
  return out;
}

absl::StatusOr<DeltaDocument> DecodeDocument(const DocumentReference& reference,
                                             absl::string_view bytes) {
  if (bytes.size() != reference.bytes || Digest::Of(bytes) != reference.digest) {
    return absl::DataLossError(absl::StrCat("reading delta ", reference.digest.Short(),
                                            ": it arrived damaged; send it again"));
  }
  Reader reader{bytes};
  reader.ok = reader.Bytes(kMagic.size()) == kMagic;
  DeltaDocument document;
  document.delta.base = reader.Hash();
  document.delta.target = reader.Hash();
  const uint64_t changes = TakeCount(&reader, kChangeBytesMin);
  document.delta.changes.reserve(changes);
  for (uint64_t i = 0; i < changes && reader.ok; ++i)
    document.delta.changes.push_back(TakeChange(&reader));
  document.delta.removed = TakeRemoved(&reader);
  const uint64_t tombstones = TakeCount(&reader, kKeyBytesMin);
  for (uint64_t i = 0; i < tombstones && reader.ok; ++i) {
    document.tombstones.push_back(reader.Key());
    reader.ok = reader.ok && CheckObjectKey(document.tombstones.back()).ok();
  }
  if (!reader.ok || !reader.rest.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("reading delta ", reference.digest.Short(), ": it is not written as one"));
  }
  if (document.delta.base != reference.base || document.delta.target != reference.target) {
    return absl::InvalidArgumentError(
        absl::StrCat("reading delta ", reference.digest.Short(),
                     ": it leads from or to another manifest than was announced"));
  }
  return document;
}

}  // namespace lockstep
