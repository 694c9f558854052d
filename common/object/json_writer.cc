#include <algorithm>
#include <cstdint>
#include <vector>

#include <absl/strings/str_cat.h>

#include "common/object/json.h"
#include "common/object/json_text.h"
#include "common/object/number.h"

namespace lockstep {
namespace {

enum class Order : uint8_t { kOwn, kSorted };

class Writer {
 public:
  Writer(Order order, int indent) : order_(order), indent_(indent) {}

  void Write(const Value& value, int level) {
    switch (value.type()) {
      case Value::Type::kNull:
        out_.append("null");
        return;
      case Value::Type::kBool:
        out_.append(value.AsBool() ? "true" : "false");
        return;
      case Value::Type::kInt:
        absl::StrAppend(&out_, value.AsInt());
        return;
      case Value::Type::kUint:
        absl::StrAppend(&out_, value.AsUint());
        return;
      case Value::Type::kDouble:
        AppendDouble(value.AsDouble(), &out_);
        return;
      case Value::Type::kString:
        AppendJsonString(value.AsString(), &out_);
        return;
      case Value::Type::kArray:
        WriteArray(value.AsArray(), level + 1);
        return;
      case Value::Type::kObject:
        WriteObject(value.AsObject(), level + 1);
        return;
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  void NewLine(int level) {
    if (indent_ == 0) return;
    out_.push_back('\n');
    out_.append(static_cast<size_t>(indent_ * level), ' ');
  }

  void WriteArray(const Value::Array& items, int level) {
    out_.push_back('[');
    bool first = true;
    for (const Value& item : items) {
      if (!first) out_.push_back(',');
      first = false;
      NewLine(level);
      Write(item, level);
    }
    if (!first) NewLine(level - 1);
    out_.push_back(']');
  }

  void WriteMember(const Object::Member& member, bool first, int level) {
    if (!first) out_.push_back(',');
    NewLine(level);
    AppendJsonString(member.key, &out_);
    out_.append(indent_ == 0 ? ":" : ": ");
    Write(member.value, level);
  }

  void WriteObject(const Object& object, int level) {
    out_.push_back('{');
    bool first = true;
    if (order_ == Order::kOwn) {
      for (const Object::Member& member : object) {
        WriteMember(member, first, level);
        first = false;
      }
    } else {
      for (const Object::Member* member : Sorted(object)) {
        WriteMember(*member, first, level);
        first = false;
      }
    }
    if (!first) NewLine(level - 1);
    out_.push_back('}');
  }

  static std::vector<const Object::Member*> Sorted(const Object& object) {
    std::vector<const Object::Member*> members;
    members.reserve(object.size());
    for (const Object::Member& member : object) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const Object::Member* a, const Object::Member* b) { return a->key < b->key; });
    return members;
  }

  const Order order_;
  const int indent_;
  std::string out_;
};

}  // namespace

void AppendJsonString(absl::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  size_t copied = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out->append(text.data() + copied, i - copied);
    copied = i + 1;
    constexpr absl::string_view kShort = "\"\\\b\f\n\r\t";
    constexpr absl::string_view kLetters = "\"\\bfnrt";
    if (const size_t at = kShort.find(text[i]); at != absl::string_view::npos) {
      out->push_back('\\');
      out->push_back(kLetters[at]);
    } else {
      out->append("\\u00");
      out->push_back(kHex[c >> 4]);
      out->push_back(kHex[c & 15]);
    }
  }
  out->append(text.data() + copied, text.size() - copied);
  out->push_back('"');
}

std::string CanonicalJson(const Value& value) {
  Writer writer(Order::kSorted, 0);
  writer.Write(value, 0);
  return writer.Take();
}

std::string WriteJson(const Value& value, int indent) {
  Writer writer(Order::kOwn, indent);
  writer.Write(value, 0);
  return writer.Take();
}

}  // namespace lockstep
