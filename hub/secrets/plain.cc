#include "hub/secrets/plain.h"

#include <cstdint>
#include <optional>

namespace lockstep {
namespace {

void AppendSized(absl::string_view bytes, std::string* out) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out->push_back(static_cast<char>((bytes.size() >> shift) & 0xff));
  out->append(bytes.data(), bytes.size());
}

std::optional<absl::string_view> TakeSized(absl::string_view* rest) {
  if (rest->size() < 4) return std::nullopt;
  uint32_t size = 0;
  for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>((*rest)[i]);
  rest->remove_prefix(4);
  if (size > rest->size()) return std::nullopt;
  const absl::string_view taken = rest->substr(0, size);
  rest->remove_prefix(size);
  return taken;
}

}  // namespace

std::string EncodeSecretData(const SecretData& data) {
  std::string out;
  for (const auto& [name, value] : data.values) {
    AppendSized(name, &out);
    AppendSized(value, &out);
  }
  return out;
}

absl::StatusOr<SecretData> DecodeSecretData(absl::string_view bytes) {
  SecretData data;
  while (!bytes.empty()) {
    const std::optional<absl::string_view> name = TakeSized(&bytes);
    const std::optional<absl::string_view> value =
        name.has_value() ? TakeSized(&bytes) : std::nullopt;
    if (!value.has_value() || !data.values.emplace(*name, *value).second) {
      return absl::DataLossError("reading a secret: its bytes are damaged");
    }
  }
  return data;
}

}  // namespace lockstep
