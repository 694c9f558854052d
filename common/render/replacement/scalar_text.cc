#include "common/render/replacement/scalar_text.h"

#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/object/yaml.h"
#include "common/object/yaml_scalar.h"
#include "common/object/yaml_writer.h"
#include "common/render/patch/scalar.h"

namespace lockstep::kustomize {
namespace {

using Kind = YamlScalar::Kind;

Kind Unsigned(Kind kind) { return kind == Kind::kUint ? Kind::kInt : kind; }

/// What a scalar was written as: 1.0 is a number with a point, although its value is an integer.
Kind KindOf(const Value& scalar) {
  if (scalar.IsString()) return Kind::kString;
  if (!scalar.source_text().empty())
    return Unsigned(ResolvePlainGoYaml3(scalar.source_text()).kind);
  if (scalar.IsNull()) return Kind::kNull;
  if (scalar.IsBool()) return Kind::kBool;
  return scalar.IsDouble() ? Kind::kDouble : Kind::kInt;
}

}  // namespace

Value PlainScalar(absl::string_view text) {
  const YamlScalar resolved = ResolvePlainGoYaml3(text);
  if (resolved.kind != Kind::kString) {
    absl::StatusOr<Value> value = ScalarValue(resolved);
    if (value.ok()) {
      value->set_source_text(text);
      return *std::move(value);
    }
  }
  Value value = Value::String(text);
  value.set_plain_time(IsTimestamp(text));
  return value;
}

absl::Status SetText(absl::string_view text, Value* scalar) {
  const Place place = scalar->place();
  if (scalar->IsNull() && place.line == 0 && scalar->source_text().empty()) {
    *scalar = PlainScalar(text);
    return absl::OkStatus();
  }
  if (scalar->IsString()) {
    const bool quoted = scalar->is_quoted();
    const bool is_time = scalar->is_plain_time() && IsTimestamp(text);
    *scalar = Value::String(text);
    scalar->set_place(place);
    scalar->set_quoted(quoted);
    scalar->set_plain_time(is_time);
    return absl::OkStatus();
  }
  const Kind wanted = KindOf(*scalar);
  const Kind given = Unsigned(ResolvePlainGoYaml3(text).kind);
  if (given != wanted && !(wanted == Kind::kDouble && given == Kind::kInt)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the field is a ", scalar->TypeName(), " (", patch::TextOf(*scalar), "), \"",
                     text, "\" is none; quote what stands in the field, or take another value"));
  }
  *scalar = PlainScalar(text);
  scalar->set_place(place);
  return absl::OkStatus();
}

std::string WrittenText(const Value& value) {
  if (value.IsArray() || value.IsObject()) {
    return std::string(absl::StripAsciiWhitespace(WriteYaml(value)));
  }
  const std::string text = patch::TextOf(value);
  return value.is_quoted() ? absl::StrCat("\"", text, "\"") : text;
}

absl::StatusOr<Value> ReadText(absl::string_view text) {
  YamlOptions options;
  options.dialect = YamlOptions::Dialect::kGoYaml3;
  options.keep_source_text = true;
  options.first_document_only = true;
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Value> documents, ReadYamlWith(text, "the text", options));
  return documents.empty() ? Value() : std::move(documents[0]);
}

}  // namespace lockstep::kustomize
