#include "common/render/patch/scalar.h"

#include "common/object/json.h"

namespace lockstep::patch {

std::string TextOf(const Value& value) {
  if (value.IsString()) return value.AsString();
  if (value.IsArray() || value.IsObject()) return "";
  if (!value.source_text().empty()) return std::string(value.source_text());
  return value.IsNull() ? "" : CanonicalJson(value);
}

bool IsNullOrEmpty(const Value& value) {
  return value.IsNull() || (value.IsObject() && value.AsObject().empty()) ||
         (value.IsArray() && value.AsArray().empty());
}

}  // namespace lockstep::patch
