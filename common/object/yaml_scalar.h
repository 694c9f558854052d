#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

/// What a YAML scalar means, before it is a value or a key: the two differ (1.5e6 is the number
/// 1500000, but the key "1.5e+06").
struct YamlScalar {
  enum class Kind : uint8_t { kNull, kBool, kInt, kUint, kDouble, kString };

  Kind kind = Kind::kString;
  bool boolean = false;
  int64_t integer = 0;
  uint64_t large = 0;  // kUint: over the largest int64_t.
  double number = 0;   // kDouble: may be infinite or no number.
  std::string text;    // kString.
};

/// What plain text without a tag means; where it is a string, `text` is left empty: the caller has
/// it. Source: go-yaml 2, resolve.go.
YamlScalar ResolvePlain(absl::string_view text);

/// The same for go-yaml 3: `yes`, `no`, `on`, `off`, `y` and `n` are strings.
YamlScalar ResolvePlainGoYaml3(absl::string_view text);

/// Whether this is a date or time as YAML writes them: "2020-01-01", "2020-1-1T12:00:00Z".
bool IsTimestamp(absl::string_view text);

/// Whether plain text may mean something else than a string: false settles it, by a byte or two.
bool MayResolve(absl::string_view text);

/// What text with an explicit tag ("tag:yaml.org,2002:int", "!mine") means. A tag that is not
/// YAML's own makes a string. INVALID_ARGUMENT where the text is not of the tag's type.
absl::StatusOr<YamlScalar> ResolveTagged(absl::string_view tag, absl::string_view text);

/// The value. INVALID_ARGUMENT for infinity and not-a-number, which JSON cannot hold.
absl::StatusOr<Value> ScalarValue(YamlScalar scalar);

/// The member name. INVALID_ARGUMENT for null and for integers over 63 bits, which cannot be one.
/// Source: sigs.k8s.io/yaml, convertToJSONableObject.
absl::StatusOr<std::string> ScalarKey(YamlScalar scalar);

/// Whether some reader of YAML takes this plain text for something else than a string: ours, or one
/// of YAML 1.1 or 1.2 that knows dates and base 60. For writers.
bool NeedsQuotes(absl::string_view text);

}  // namespace lockstep
