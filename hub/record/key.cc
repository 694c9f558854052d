#include "hub/record/key.h"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

namespace lockstep {
namespace {

constexpr size_t kIntegerBytes = 8;

void AddName(std::string* key, absl::string_view name) {
  if (name.find('\0') != absl::string_view::npos) {
    // Names are checked where they enter; one with NUL here would read back as another key.
    std::fputs("a stored key was built of a name that holds NUL\n", stderr);
    std::abort();
  }
  key->append(name.data(), name.size());
  key->push_back('\0');
}

void AddInteger(std::string* key, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) key->push_back(static_cast<char>(value >> shift));
}

/// Takes fields off the front of a key; remembers whether any was missing.
class Reader {
 public:
  explicit Reader(absl::string_view key) : key_(key), rest_(key) {}

  std::string Name() {
    const size_t end = rest_.find('\0');
    if (end == absl::string_view::npos) return Fail();
    std::string name(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return name;
  }

  uint64_t Integer() {
    uint64_t value = 0;
    for (const char c : Raw(kIntegerBytes)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }

  Digest Sha256() {
    absl::StatusOr<Digest> digest = Digest::FromBytes(Raw(Digest::kSize));
    return digest.ok() ? *digest : Digest();
  }

  char Byte() {
    const absl::string_view raw = Raw(1);
    return raw.empty() ? '\0' : raw[0];
  }

  void Expect(bool condition) { good_ = good_ && condition; }

  /// `value` if the key was exactly its fields.
  template <typename T>
  absl::StatusOr<T> Finish(T value, absl::string_view what) {
    if (good_ && rest_.empty()) return value;
    return absl::DataLossError(
        absl::StrCat("reading a stored key: \"", absl::CHexEscape(key_), "\" is not ", what));
  }

 private:
  absl::string_view Raw(size_t count) {
    if (rest_.size() < count) {
      Fail();
      return {};
    }
    const absl::string_view raw = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return raw;
  }

  std::string Fail() {
    good_ = false;
    return {};
  }

  const absl::string_view key_;
  absl::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::string MetaKey(absl::string_view name) {
  std::string key;
  AddName(&key, name);
  return key;
}

absl::StatusOr<std::string> ParseMetaKey(absl::string_view key) {
  Reader reader(key);
  std::string name = reader.Name();
  return reader.Finish(std::move(name), "the name of a meta record");
}

std::string ResourceRecordKey(const ResourceId& id) {
  std::string key = ResourcePrefix(id.kind, id.namespace_);
  AddName(&key, id.name);
  return key;
}

absl::StatusOr<ResourceId> ParseResourceRecordKey(absl::string_view key) {
  Reader reader(key);
  ResourceId id;
  id.kind = reader.Name();
  id.namespace_ = reader.Name();
  id.name = reader.Name();
  return reader.Finish(std::move(id), "kind, namespace and name of a resource");
}

std::string ResourcePrefix(absl::string_view kind) {
  std::string key;
  AddName(&key, kind);
  return key;
}

std::string ResourcePrefix(absl::string_view kind, absl::string_view namespace_) {
  std::string key = ResourcePrefix(kind);
  AddName(&key, namespace_);
  return key;
}

std::string SourceKey(const SourceId& id) {
  std::string key;
  AddName(&key, id.namespace_);
  AddName(&key, id.name);
  return key;
}

absl::StatusOr<SourceId> ParseSourceKey(absl::string_view key) {
  Reader reader(key);
  SourceId id;
  id.namespace_ = reader.Name();
  id.name = reader.Name();
  return reader.Finish(std::move(id), "namespace and name of a source");
}

std::string PlaceKey(const PlaceId& id) {
  std::string key = PlacePrefix(id.cluster);
  AddName(&key, id.application);
  return key;
}

absl::StatusOr<PlaceId> ParsePlaceKey(absl::string_view key) {
  Reader reader(key);
  reader.Expect(reader.Byte() == kShard);
  PlaceId id;
  id.cluster = reader.Name();
  id.application = reader.Name();
  return reader.Finish(std::move(id), "shard, cluster and application");
}

std::string PlacePrefix(absl::string_view cluster) {
  std::string key(1, kShard);
  AddName(&key, cluster);
  return key;
}

std::string ReleaseKey(const ReleaseId& id) {
  std::string key = ReleasePrefix(id.application, id.sequence);
  AddName(&key, id.cluster);
  return key;
}

absl::StatusOr<ReleaseId> ParseReleaseKey(absl::string_view key) {
  Reader reader(key);
  ReleaseId id;
  id.application = reader.Name();
  id.sequence = reader.Integer();
  id.cluster = reader.Name();
  return reader.Finish(std::move(id), "application, sequence and cluster of a release");
}

std::string ReleasePrefix(absl::string_view application) {
  std::string key;
  AddName(&key, application);
  return key;
}

std::string ReleasePrefix(absl::string_view application, uint64_t sequence) {
  std::string key = ReleasePrefix(application);
  AddInteger(&key, sequence);
  return key;
}

std::string EventKey(uint64_t sequence) {
  std::string key;
  AddInteger(&key, sequence);
  return key;
}

absl::StatusOr<uint64_t> ParseEventKey(absl::string_view key) {
  Reader reader(key);
  const uint64_t sequence = reader.Integer();
  return reader.Finish(sequence, "the sequence of an event");
}

std::string BlobKey(const Digest& digest) { return std::string(digest.bytes()); }

absl::StatusOr<Digest> ParseBlobKey(absl::string_view key) {
  Reader reader(key);
  const Digest digest = reader.Sha256();
  return reader.Finish(digest, "a blob's digest");
}

std::string ChainKey(uint64_t counter) { return EventKey(counter); }

absl::StatusOr<uint64_t> ParseChainKey(absl::string_view key) {
  Reader reader(key);
  const uint64_t counter = reader.Integer();
  return reader.Finish(counter, "the counter of a commit");
}

std::string IdentityKey(const IdentityId& id) {
  std::string key = IdentityPrefix(id.kind);
  if (id.kind == IdentityRecordKind::kCluster) {
    AddName(&key, id.cluster);
  } else {
    absl::StrAppend(&key, id.digest.bytes());
  }
  return key;
}

absl::StatusOr<IdentityId> ParseIdentityKey(absl::string_view key) {
  Reader reader(key);
  IdentityId id;
  id.kind = static_cast<IdentityRecordKind>(reader.Byte());
  if (id.kind == IdentityRecordKind::kCluster) {
    id.cluster = reader.Name();
  } else {
    reader.Expect(id.kind == IdentityRecordKind::kRevoked || id.kind == IdentityRecordKind::kToken);
    id.digest = reader.Sha256();
  }
  return reader.Finish(std::move(id), "an identity");
}

std::string IdentityPrefix(IdentityRecordKind kind) {
  return std::string(1, static_cast<char>(kind));
}

}  // namespace lockstep
