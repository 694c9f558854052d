#include "common/render/kustomize/schema_comment.h"

#include <algorithm>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/object/json.h"
#include "common/render/resource/resource.h"

namespace lockstep::kustomize {
namespace {

constexpr absl::string_view kMark = "# {";

// The schemas of a value's fields, as the `properties` of an OpenAPI schema; empty where no comment
// says anything. Recursion is bounded by the reader's depth limit.
class CommentReader {
 public:
  explicit CommentReader(const FileCache& cache) : cache_(cache) {}

  void Read(const Value& object, Object* properties) const {
    if (!object.IsObject()) return;
    for (const Object::Member& member : object.AsObject()) {
      if (!member.value.IsObject() && !member.value.IsArray()) continue;
      if (properties->Contains(member.key)) continue;
      Value schema = SchemaOf(member.value);
      if (!schema.IsNull()) properties->Set(member.key, std::move(schema));
    }
  }

 private:
  Value SchemaOf(const Value& value) const {
    const uint32_t line = value.place().line;
    // A block begins on the line after its key's, a flow list on the same.
    std::optional<std::string> note = line == 0 ? std::nullopt : cache_.NoteAt(line - 1);
    if (!note && line != 0 && value.IsArray()) note = cache_.NoteAt(line);
    if (note) {
      absl::StatusOr<Value> schema = ReadJson(*note, "comment");
      if (schema.ok() && schema->IsObject()) return *std::move(schema);
    }
    Object inner;
    if (value.IsObject()) {
      Read(value, &inner);
      return inner.empty() ? Value() : Wrap("properties", std::move(inner), "object");
    }
    for (const Value& item : value.AsArray()) Read(item, &inner);
    if (inner.empty()) return Value();
    Object items;
    items.Set("properties", Value::MakeObject(std::move(inner)));
    return Wrap("items", std::move(items), "array");
  }

  static Value Wrap(absl::string_view key, Object content, absl::string_view type) {
    Object schema;
    schema.Set("type", Value::String(type));
    schema.Set(key, Value::MakeObject(std::move(content)));
    return Value::MakeObject(std::move(schema));
  }

  const FileCache& cache_;
};

Value TypeName(const Gvk& gvk) {
  Object name;
  name.Set("group", Value::String(gvk.group));
  name.Set("version", Value::String(gvk.version));
  name.Set("kind", Value::String(gvk.kind));
  return Value::MakeArray({Value::MakeObject(std::move(name))});
}

}  // namespace

std::vector<std::pair<uint32_t, std::string>> FindSchemaComments(absl::string_view bytes) {
  std::vector<std::pair<uint32_t, std::string>> found;
  uint32_t line = 1;
  size_t counted = 0;  // Bytes whose line ends are in `line`.
  for (size_t at = bytes.find(kMark); at != absl::string_view::npos;
       at = bytes.find(kMark, at + 1)) {
    absl::string_view text = bytes.substr(at + 2);
    text = text.substr(0, text.find_first_of("\r\n"));
    if (!absl::StrContains(text, "\"x-kubernetes-")) continue;
    line +=
        static_cast<uint32_t>(std::count(bytes.begin() + static_cast<std::ptrdiff_t>(counted),
                                         bytes.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    counted = at;
    found.emplace_back(line, std::string(text));
  }
  return found;
}

std::optional<MergeSchema> SchemaOfComments(const Value& object, const Value& patch,
                                            const FileCache& cache) {
  if (!cache.HasNotes()) return std::nullopt;
  const CommentReader reader(cache);
  Object properties;
  reader.Read(object, &properties);
  reader.Read(patch, &properties);
  if (properties.empty()) return std::nullopt;
  Object type;
  type.Set("x-kubernetes-group-version-kind", TypeName(GvkOf(object)));
  type.Set("properties", Value::MakeObject(std::move(properties)));
  Object definitions;
  definitions.Set("type", Value::MakeObject(std::move(type)));
  Object document;
  document.Set("definitions", Value::MakeObject(std::move(definitions)));
  absl::StatusOr<MergeSchema> schema =
      MergeSchema::FromOpenApi(Value::MakeObject(std::move(document)), "comments");
  if (!schema.ok()) return std::nullopt;
  return *std::move(schema);
}

}  // namespace lockstep::kustomize
