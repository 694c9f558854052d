#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/time/civil_time.h>

#include "common/render/kustomize/build.h"
#include "common/render/kustomize/plain_time.h"
#include "common/render/kustomize/yaml_text.h"

namespace lockstep::kustomize {
namespace {

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

// What is not ASCII is nearly always a letter.
bool IsLetter(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || absl::ascii_isalpha(byte);
}

// The order that go-yaml 2 sorts keys in: "f2" before "f10", "a-b" before "ab".
bool KeyComesBefore(absl::string_view a, absl::string_view b) {
  const size_t both = std::min(a.size(), b.size());
  size_t at = 0;
  while (at < both && a[at] == b[at]) ++at;
  if (at == both) return a.size() < b.size();
  const bool letter_a = IsLetter(a[at]);
  const bool letter_b = IsLetter(b[at]);
  if (letter_a && letter_b) {
    return static_cast<unsigned char>(a[at]) < static_cast<unsigned char>(b[at]);
  }
  if (letter_a || letter_b) return letter_b;
  int64_t number_a = 0;
  int64_t number_b = 0;
  if (a[at] == '0' || b[at] == '0') {
    for (size_t i = at; i > 0 && IsDigit(a[i - 1]); --i) {
      if (a[i - 1] != '0') {
        number_a = number_b = 1;
        break;
      }
    }
  }
  const auto read = [at](absl::string_view text, int64_t* number) {
    size_t end = at;
    // Wraps around like the original.
    for (; end < text.size() && IsDigit(text[end]); ++end) {
      *number = static_cast<int64_t>(static_cast<uint64_t>(*number) * 10 +
                                     static_cast<uint64_t>(text[end] - '0'));
    }
    return end;
  };
  const size_t end_a = read(a, &number_a);
  const size_t end_b = read(b, &number_b);
  if (number_a != number_b) return number_a < number_b;
  if (end_a != end_b) return end_a < end_b;
  return static_cast<unsigned char>(a[at]) < static_cast<unsigned char>(b[at]);
}

// Recursion is bounded by the depth that the reader allows, and what patches put inside.
class Printer {
 public:
  explicit Printer(std::string* out) : text_(out) {}

  void Document(const Value& value) {
    if (value.IsObject() && !value.AsObject().empty()) {
      Mapping(value.AsObject(), 0);
    } else if (value.IsArray() && !value.AsArray().empty()) {
      List(value.AsArray(), 0);
    } else {
      Scalar(value, 0);
      text_.NewLine();
    }
  }

 private:
  // Begins on a line that stands at column `indent` already.
  void Mapping(const Object& object, size_t indent) {
    std::vector<const Object::Member*>& sorted = Sorted(object);
    bool first = true;
    for (size_t i = 0; i < sorted.size(); ++i) {
      if (!first) text_.Indent(indent);
      first = false;
      Member(*sorted[i], indent);
    }
    Release();
  }

  void Member(const Object::Member& member, size_t indent) {
    if (YamlText::IsSimpleKey(member.key)) {
      text_.Key(member.key);
      text_.Append(":");
      MemberValue(member.value, indent);
      return;
    }
    text_.Append("? ");
    text_.String(member.key, indent + 2);
    text_.NewLine();
    text_.Indent(indent);
    text_.Append(":");
    if (member.value.IsObject() && !member.value.AsObject().empty()) {
      text_.Append(" ");
      Mapping(member.value.AsObject(), indent + 2);
    } else if (member.value.IsArray() && !member.value.AsArray().empty()) {
      text_.Append(" ");
      List(member.value.AsArray(), indent + 2);
    } else {
      text_.Append(" ");
      Scalar(member.value, indent + 2);
      text_.NewLine();
    }
  }

  void MemberValue(const Value& value, size_t indent) {
    if (value.IsObject() && !value.AsObject().empty()) {
      text_.NewLine();
      text_.Indent(indent + 2);
      Mapping(value.AsObject(), indent + 2);
    } else if (value.IsArray() && !value.AsArray().empty()) {
      text_.NewLine();
      text_.Indent(indent);
      List(value.AsArray(), indent);
    } else {
      text_.Append(" ");
      Scalar(value, indent + 2);
      text_.NewLine();
    }
  }

  void List(const Value::Array& items, size_t indent) {
    bool first = true;
    for (const Value& item : items) {
      if (!first) text_.Indent(indent);
      first = false;
      text_.Append("- ");
      if (item.IsObject() && !item.AsObject().empty()) {
        Mapping(item.AsObject(), indent + 2);
      } else if (item.IsArray() && !item.AsArray().empty()) {
        List(item.AsArray(), indent + 2);
      } else {
        Scalar(item, indent + 2);
        text_.NewLine();
      }
    }
  }

  void Scalar(const Value& value, size_t indent) {
    switch (value.type()) {
      case Value::Type::kNull:
        return text_.Append("null");
      case Value::Type::kBool:
        return text_.Append(value.AsBool() ? "true" : "false");
      case Value::Type::kInt:
        return text_.Append(absl::AlphaNum(value.AsInt()).Piece());
      case Value::Type::kUint:
        return text_.Append(absl::AlphaNum(value.AsUint()).Piece());
      case Value::Type::kDouble:
        return text_.Double(value.AsDouble());
      case Value::Type::kString:
        if (value.is_plain_time()) return text_.String(ExpandPlainTime(value.AsString()), indent);
        return text_.String(value.AsString(), indent);
      case Value::Type::kArray:
        return text_.Append("[]");
      case Value::Type::kObject:
        return text_.Append("{}");
    }
  }

  // Arrays for sorting, one per level, used again and again.
  std::vector<const Object::Member*>& Sorted(const Object& object) {
    if (depth_ == levels_.size()) levels_.push_back(std::make_unique<Level>());
    Level& level = *levels_[depth_++];
    level.clear();
    level.reserve(object.size());
    bool in_order = true;
    for (const Object::Member& member : object) {
      in_order = in_order && (level.empty() || KeyComesBefore(level.back()->key, member.key));
      level.push_back(&member);
    }
    if (!in_order) {
      std::sort(level.begin(), level.end(), [](const Object::Member* a, const Object::Member* b) {
        return KeyComesBefore(a->key, b->key);
      });
    }
    return level;
  }
  void Release() { --depth_; }

  using Level = std::vector<const Object::Member*>;

  YamlText text_;
  std::vector<std::unique_ptr<Level>> levels_;
  size_t depth_ = 0;
};

}  // namespace

absl::StatusOr<std::string> WriteResources(const std::vector<Resource>& resources) {
  std::string out;
  for (const Resource& resource : resources) {
    if (!out.empty()) out.append("---\n");
    Printer(&out).Document(resource.value);
  }
  return out;
}

}  // namespace lockstep::kustomize
