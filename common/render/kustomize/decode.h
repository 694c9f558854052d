#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include "common/base/status.h"
#include "common/object/value.h"

namespace lockstep::kustomize {

/// A text of a kustomization and where it stands.
struct Text {
  std::string text;
  Place place;
};

/// Where a value stands in its document ("patches[2].target"), for messages.
struct FieldPath {
  const FieldPath* parent = nullptr;
  absl::string_view name;  // Or an index.
  size_t index = 0;

  std::string ToString() const;
};

/// What decoding may need to tell: "FILE:LINE:COLUMN: message".
class Decoder {
 public:
  using DescribePlace = std::function<std::string(Place)>;

  /// kStrict, a kustomization: unknown fields are errors, nothing is made a text. kLenient, other
  /// configuration: unknown fields are passed over, numbers and booleans become texts where one is
  /// asked for. kNamesOnly: as kLenient, but unknown fields are errors.
  enum class Strictness { kStrict, kLenient, kNamesOnly };

  Decoder(Strictness strictness, DescribePlace describe)
      : strictness_(strictness), describe_(std::move(describe)) {}

  absl::Status Error(const Value& value, absl::string_view message) const {
    return absl::InvalidArgumentError(absl::StrCat(describe_(value.place()), ": ", message));
  }
  std::string Describe(Place place) const { return describe_(place); }

  using Decode = std::function<absl::Status(const Value& value, const FieldPath& path)>;
  struct Field {
    absl::string_view name;
    Decode decode;
  };
  using Fields = std::vector<Field>;

  /// Decodes the members of a mapping; names match without regard to case. A null member is as none
  /// at all; so is a null mapping.
  absl::Status Object(const Value& value, const FieldPath& path, const Fields& fields) const;

  // What becomes of a member.
  Decode String(std::string* out) const;
  Decode String(Text* out) const;
  Decode Bool(bool* out) const;
  Decode Integer(int64_t* out) const;
  Decode Strings(std::vector<Text>* out) const;
  Decode StringMap(std::map<std::string, std::string>* out) const;
  /// Anything.
  Decode Keep(const Value** out) const;

  /// A list, each item of which `decode` makes a T of. Appends.
  template <typename T>
  Decode List(std::vector<T>* out,
              std::function<absl::Status(const Value&, const FieldPath&, T*)> decode) const {
    return [this, out, decode](const Value& value, const FieldPath& path) {
      LOCKSTEP_RETURN_IF_ERROR(Expect(Value::Type::kArray, value, path));
      size_t index = 0;
      for (const Value& item : value.AsArray()) {
        out->emplace_back();
        LOCKSTEP_RETURN_IF_ERROR(decode(item, {.parent = &path, .index = index++}, &out->back()));
      }
      return absl::OkStatus();
    };
  }

 private:
  absl::Status Expect(Value::Type type, const Value& value, const FieldPath& path) const;
  absl::Status Unknown(const Value& value, const FieldPath& path, absl::string_view name,
                       const Fields& fields) const;

  const Strictness strictness_;
  const DescribePlace describe_;
};

}  // namespace lockstep::kustomize
