#include <algorithm>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>

#include "common/base/digest.h"
#include "common/object/number.h"
#include "common/render/kustomize/generators.h"

namespace lockstep::kustomize {
namespace {

constexpr size_t kHashSize = 10;

// A string as Go's encoding/json writes it.
void AppendGoString(absl::string_view text, std::string* out) {
  out->push_back('"');
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->append({'\\', c});
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '\r') {
      out->append("\\r");
    } else if (c == '\t') {
      out->append("\\t");
    } else if (c == '\b') {
      out->append("\\b");
    } else if (c == '\f') {
      out->append("\\f");
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      absl::StrAppend(out, "\\u00", absl::Hex(byte, absl::kZeroPad2));
    } else if (text.substr(i, 3) == "\xe2\x80\xa8" || text.substr(i, 3) == "\xe2\x80\xa9") {
      out->append(text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029");
      i += 2;
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

void AppendGoJson(const Value& value, std::string* out);

void AppendGoObject(const Object& object, std::string* out) {
  std::vector<const Object::Member*> sorted;
  for (const Object::Member& member : object) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(),
            [](const Object::Member* a, const Object::Member* b) { return a->key < b->key; });
  out->push_back('{');
  for (const Object::Member* member : sorted) {
    if (member != sorted.front()) out->push_back(',');
    AppendGoString(member->key, out);
    out->push_back(':');
    AppendGoJson(member->value, out);
  }
  out->push_back('}');
}

// Recursion is bounded by the reader's depth limit.
void AppendGoJson(const Value& value, std::string* out) {
  switch (value.type()) {
    case Value::Type::kNull:
      out->append("null");
      return;
    case Value::Type::kBool:
      out->append(value.AsBool() ? "true" : "false");
      return;
    case Value::Type::kInt:
      return absl::StrAppend(out, value.AsInt());
    case Value::Type::kUint:
      return absl::StrAppend(out, value.AsUint());
    case Value::Type::kDouble:
      return AppendDouble(value.AsDouble(), out);
    case Value::Type::kString:
      return AppendGoString(value.AsString(), out);
    case Value::Type::kObject:
      return AppendGoObject(value.AsObject(), out);
    case Value::Type::kArray:
      break;
  }
  out->push_back('[');
  for (const Value& item : value.AsArray()) {
    if (&item != value.AsArray().data()) out->push_back(',');
    AppendGoJson(item, out);
  }
  out->push_back(']');
}

// The member, or "" as the original has it for a missing one.
Value MemberOrEmpty(const Value& object, absl::string_view key) {
  const Value* const member = object.Find(key);
  if (member == nullptr || member->IsNull()) return Value::String("");
  if (member->IsObject() || member->IsArray()) return *member;
  return Value::String(ScalarText(*member));
}

}  // namespace

std::string NameHash(const Value& object) {
  const bool secret = object.StringAt("kind") == "Secret";
  Object hashed;
  hashed.Add("kind", Value::String(secret ? "Secret" : "ConfigMap"));
  hashed.Add("name", Value::String(""));  // It looks the name up in a way that never finds it.
  hashed.Add("data", MemberOrEmpty(object, "data"));
  const char* const more = secret ? "stringData" : "binaryData";
  const Value* const map = object.Find(more);
  if (map != nullptr && map->IsObject()) hashed.Add(more, *map);
  if (secret) hashed.Add("type", MemberOrEmpty(object, "type"));
  std::string json;
  AppendGoObject(hashed, &json);
  std::string hash = Digest::Of(json).ToHex().substr(0, kHashSize);
  // No words come of it.
  for (char& c : hash) {
    switch (c) {
      case '0':
        c = 'g';
        break;
      case '1':
        c = 'h';
        break;
      case '3':
        c = 'k';
        break;
      case 'a':
        c = 'm';
        break;
      case 'e':
        c = 't';
        break;
      default:
        break;
    }
  }
  return hash;
}

}  // namespace lockstep::kustomize
