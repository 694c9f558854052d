#pragma once

#include <cstdint>
#include <string>

#include <absl/strings/string_view.h>

#include "common/base/digest.h"
#include "common/object/object_key.h"

/// The parts that stored forms are made of. Lengths and counts are LEB128.
namespace lockstep::encoding {

inline void AppendLength(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

inline void AppendSized(absl::string_view bytes, std::string* out) {
  AppendLength(bytes.size(), out);
  out->append(bytes.data(), bytes.size());
}

inline void AppendKey(const ObjectKey& key, std::string* out) {
  AppendSized(key.group, out);
  AppendSized(key.kind, out);
  AppendSized(key.namespace_, out);
  AppendSized(key.name, out);
}

/// Takes from the front; every failure leaves `ok` false and yields nothing.
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

  Digest Hash() { return Digest::FromBytes(Bytes(Digest::kSize)).value_or(Digest()); }

  std::string Sized() { return std::string(Bytes(Length())); }

  ObjectKey Key() {
    ObjectKey key;
    key.group = Sized();
    key.kind = Sized();
    key.namespace_ = Sized();
    key.name = Sized();
    return key;
  }
};

}  // namespace lockstep::encoding
