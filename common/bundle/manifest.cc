#include "common/bundle/manifest.h"

#include <algorithm>
#include <numeric>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr absl::string_view kMagic = "LSM1";

void AppendLength(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

void AppendSized(absl::string_view bytes, std::string* out) {
  AppendLength(bytes.size(), out);
  out->append(bytes.data(), bytes.size());
}

// Takes from the front; every failure leaves `ok` false and yields nothing.
struct Reader {
  absl::string_view rest;
  bool ok = true;

  uint64_t Length() {
    uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      if (rest.empty()) break;
      const auto byte = static_cast<unsigned char>(rest.front());
      rest.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok = false;
    return 0;
  }

  absl::string_view Bytes(uint64_t count) {
    if (!ok || count > rest.size()) {
      ok = false;
      return {};
    }
    const absl::string_view taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  }

  std::string Sized() { return std::string(Bytes(Length())); }
};

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
  Reader reader{bytes};
  if (reader.Bytes(kMagic.size()) != kMagic)
    return absl::DataLossError("reading a manifest: it does not begin as one");
  const uint64_t count = reader.Length();
  std::vector<ManifestEntry> entries;
  entries.reserve(std::min<uint64_t>(count, bytes.size() / 37));
  for (uint64_t i = 0; i < count && reader.ok; ++i) {
    ManifestEntry entry;
    entry.key.group = reader.Sized();
    entry.key.kind = reader.Sized();
    entry.key.namespace_ = reader.Sized();
    entry.key.name = reader.Sized();
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
  AppendLength(entries_.size(), &out);
  for (const ManifestEntry& entry : entries_) {
    AppendSized(entry.key.group, &out);
    AppendSized(entry.key.kind, &out);
    AppendSized(entry.key.namespace_, &out);
    AppendSized(entry.key.name, &out);
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
