#include "common/rpc/wire_fields.h"

#include <algorithm>
#include <cstdint>

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>

namespace lockstep {
namespace {

// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what google.protobuf.Timestamp may say.
constexpr int64_t kSecondsMin = -62135596800;
constexpr int64_t kSecondsMax = 253402300799;

bool IsDnsLabel(absl::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
  });
}

}  // namespace

absl::Status CheckApplicationName(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name.substr(0, 200), '/');
  if (name.size() > 127 || parts.size() != 2 || !IsDnsLabel(parts[0]) || !IsDnsLabel(parts[1])) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", wire::CleanText(name, 140),
        "\" is not NAMESPACE/NAME, both lower-case DNS labels of at most 63 characters"));
  }
  return absl::OkStatus();
}

namespace wire {

std::string CleanText(absl::string_view text, size_t most) {
  std::string clean = ToUtf8(text.substr(0, most));
  if (clean.size() <= most) return clean;  // A replacement is longer than what it stands for.
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xC0) == 0x80) --end;
  clean.resize(end);
  return clean;
}

std::string FromDigest(const Digest& digest) {
  return digest.IsZero() ? std::string() : std::string(digest.bytes());
}

absl::Status ReadDigest(absl::string_view field, const std::string& wire, Absent absent,
                        Digest* digest) {
  if (wire.empty() && absent == Absent::kAllowed) {
    *digest = Digest();
    return absl::OkStatus();
  }
  if (wire.size() != Digest::kSize)
    return Wrong(field, wire.size(), " bytes, a digest has ", Digest::kSize);
  LOCKSTEP_ASSIGN_OR_RETURN(*digest, Digest::FromBytes(wire));
  if (digest->IsZero()) return Wrong(field, "32 zero bytes; \"none\" is sent as an absent field");
  return absl::OkStatus();
}

absl::Status ReadDigests(absl::string_view field,
                         const google::protobuf::RepeatedPtrField<std::string>& wire, size_t most,
                         std::vector<Digest>* digests) {
  LOCKSTEP_RETURN_IF_ERROR(CheckCount(field, static_cast<size_t>(wire.size()), most));
  digests->reserve(static_cast<size_t>(wire.size()));
  for (int i = 0; i < wire.size(); ++i) {
    LOCKSTEP_RETURN_IF_ERROR(
        ReadDigest(Element(field, i), wire[i], Absent::kRefused, &digests->emplace_back()));
  }
  return absl::OkStatus();
}

absl::Status ReadBytes(absl::string_view field, const std::string& wire, size_t size, Absent absent,
                       std::string* bytes) {
  if (wire.size() != size && !(wire.empty() && absent == Absent::kAllowed)) {
    return Wrong(field, wire.size(), " bytes, ", size, " are needed");
  }
  *bytes = wire;
  return absl::OkStatus();
}

absl::Status ReadUpTo(absl::string_view field, const std::string& wire, size_t most,
                      std::string* bytes) {
  if (wire.size() > most)
    return Wrong(field, wire.size(), " bytes, at most ", most, " are allowed");
  *bytes = wire;
  return absl::OkStatus();
}

absl::Status ReadText(absl::string_view field, const std::string& wire, size_t most,
                      std::string* text) {
  if (wire.size() > most)
    return Wrong(field, wire.size(), " bytes of text, at most ", most, " are allowed");
  if (!IsUtf8(wire)) return Wrong(field, "not UTF-8");
  *text = wire;
  return absl::OkStatus();
}

absl::Status ReadApplicationName(absl::string_view field, const std::string& wire,
                                 std::string* name) {
  if (absl::Status status = CheckApplicationName(wire); !status.ok())
    return Annotate(status, field);
  *name = wire;
  return absl::OkStatus();
}

void FromTime(absl::Time time, google::protobuf::Timestamp* wire) {
  time = std::clamp(time, absl::FromUnixSeconds(kSecondsMin), absl::FromUnixSeconds(kSecondsMax));
  const int64_t seconds = absl::ToUnixSeconds(time);
  wire->set_seconds(seconds);
  wire->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

absl::Status ReadTime(absl::string_view field, const google::protobuf::Timestamp& wire,
                      absl::Time* time) {
  if (wire.seconds() < kSecondsMin || wire.seconds() > kSecondsMax || wire.nanos() < 0 ||
      wire.nanos() > 999999999) {
    return Wrong(field, "no time between the years 1 and 9999");
  }
  *time = absl::FromUnixSeconds(wire.seconds()) + absl::Nanoseconds(wire.nanos());
  return absl::OkStatus();
}

void FromKey(const ObjectKey& key, v1::ObjectKey* wire) {
  wire->set_group(key.group);
  wire->set_kind(key.kind);
  wire->set_namespace_(key.namespace_);
  wire->set_name(key.name);
}

absl::Status ReadKey(absl::string_view field, const v1::ObjectKey& wire, ObjectKey* key) {
  *key = ObjectKey{wire.group(), wire.kind(), wire.namespace_(), wire.name()};
  for (const std::string* part : {&key->group, &key->kind, &key->namespace_, &key->name}) {
    if (!IsUtf8(*part)) return Wrong(field, "not UTF-8");
  }
  return Annotate(CheckObjectKey(*key), field);
}

absl::Status ReadKeys(absl::string_view field,
                      const google::protobuf::RepeatedPtrField<v1::ObjectKey>& wire, Order order,
                      std::vector<ObjectKey>* keys) {
  LOCKSTEP_RETURN_IF_ERROR(CheckCount(field, static_cast<size_t>(wire.size()), kWireObjectsMax));
  keys->reserve(static_cast<size_t>(wire.size()));
  for (int i = 0; i < wire.size(); ++i) {
    LOCKSTEP_RETURN_IF_ERROR(ReadKey(Element(field, i), wire[i], &keys->emplace_back()));
    if (order == Order::kAscending && i > 0 && !((*keys)[i - 1] < (*keys)[i])) {
      return Wrong(Element(field, i), "out of order or named twice; keys are sorted");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCount(absl::string_view field, size_t count, size_t most) {
  if (count > most) return Wrong(field, count, " elements, at most ", most, " are allowed");
  return absl::OkStatus();
}

}  // namespace wire
}  // namespace lockstep
