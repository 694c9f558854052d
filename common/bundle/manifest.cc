#include "common/bundle/manifest.h"

#include <algorithm>
#include <numeric>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/bundle/encoding.h"

namespace lockstep {
namespace {

constexpr absl::string_view kMagic = "LSM1";

}  // namespace

absl::StatusOr<ManifestPtr> Manifest::Make(std::vector<ManifestEntry> entries) {
  if (entries.empty()) return EmptyManifest();
  std::sort(entries.begin(), entries.end(),
            [](const ManifestEntry& a, const ManifestEntry& b) { return a.key < b.key; });
  for (size_t i = 0; i < entries.size(); ++i) {
    LOCKSTEP_RETURN_IF_ERROR(CheckObjectKey(entries[i].key));
    if (i > 0 && entries[i - 1].key == entries[i].key) {
      return absl::InvalidArgumentError(absl::StrCat(entries[i].key.ToString(), " stands twice"));
    }
  }
  auto manifest = std::make_shared<Manifest>();
  manifest->entries_ = std::move(entries);
  manifest->by_blob_.resize(manifest->entries_.size());
  std::iota(manifest->by_blob_.begin(), manifest->by_blob_.end(), 0);
  std::sort(manifest->by_blob_.begin(), manifest->by_blob_.end(), [&](uint32_t a, uint32_t b) {
    return manifest->entries_[a].blob < manifest->entries_[b].blob;
  });
  manifest->digest_ = Digest::Of(manifest->Encode());
  return manifest;
}

absl::StatusOr<ManifestPtr> Manifest::Decode(absl::string_view bytes) {
  encoding::Reader reader{bytes};
  if (reader.Bytes(kMagic.size()) != kMagic)
    return absl::DataLossError("reading a manifest: it does not begin as one");
  const uint64_t count = reader.Length();
  std::vector<ManifestEntry> entries;
  entries.reserve(std::min<uint64_t>(count, bytes.size() / 37));
  for (uint64_t i = 0; i < count && reader.ok; ++i) {
    ManifestEntry entry;
    entry.key = reader.Key();
    const absl::StatusOr<Digest> blob = Digest::FromBytes(reader.Bytes(Digest::kSize));
    if (!reader.ok || !blob.ok()) break;
    entry.blob = *blob;
    if (!entries.empty() && !(entries.back().key < entry.key)) {
      return absl::DataLossError("reading a manifest: its entries are not sorted");
    }
    entries.push_back(std::move(entry));
  }
  if (!reader.ok || entries.size() != count || !reader.rest.empty()) {
    return absl::DataLossError("reading a manifest: it is cut short or too long");
  }
  absl::StatusOr<ManifestPtr> manifest = Make(std::move(entries));
  if (!manifest.ok())
    return absl::DataLossError(absl::StrCat("reading a manifest: ", manifest.status().message()));
  return manifest;
}

std::string Manifest::Encode() const {
  std::string out(kMagic);
  encoding::AppendLength(entries_.size(), &out);
  for (const ManifestEntry& entry : entries_) {
    encoding::AppendKey(entry.key, &out);
    absl::StrAppend(&out, entry.blob.bytes());
  }
  return out;
}

const ManifestEntry* Manifest::Find(const ObjectKey& key) const {
  const auto at = std::lower_bound(
      entries_.begin(), entries_.end(), key,
      [](const ManifestEntry& entry, const ObjectKey& k) { return entry.key < k; });
  return at != entries_.end() && at->key == key ? &*at : nullptr;
}

bool Manifest::HasBlob(const Digest& blob) const {
  const auto at =
      std::lower_bound(by_blob_.begin(), by_blob_.end(), blob,
                       [&](uint32_t i, const Digest& b) { return entries_[i].blob < b; });
  return at != by_blob_.end() && entries_[*at].blob == blob;
}

const ManifestPtr& EmptyManifest() {
  static const auto* empty = new ManifestPtr(std::make_shared<Manifest>());
  return *empty;
}

Digest ClusterRoot(std::vector<ApplicationRoot> applications) {
  if (applications.empty()) return Digest();
  std::sort(applications.begin(), applications.end(),
            [](const ApplicationRoot& a, const ApplicationRoot& b) { return a.name < b.name; });
  Hasher hasher;
  for (const ApplicationRoot& application : applications) {
    hasher.AddSized(application.name);
    hasher.AddInteger(application.generation);
    hasher.Add(application.manifest.bytes());
    hasher.Add(application.options.bytes());
  }
  return hasher.Finish();
}

Digest KeyListDigest(std::vector<ObjectKey> keys) {
  std::sort(keys.begin(), keys.end());
  Hasher hasher;
  hasher.AddInteger(keys.size());
  for (const ObjectKey& key : keys) {
    hasher.AddSized(key.group);
    hasher.AddSized(key.kind);
    hasher.AddSized(key.namespace_);
    hasher.AddSized(key.name);
  }
  return hasher.Finish();
}

}  // namespace lockstep
