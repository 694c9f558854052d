#include "common/object/yaml_writer.h"

#include <cstdint>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/object/json_text.h"
#include "common/object/number.h"
#include "common/object/yaml_scalar.h"

namespace lockstep {
namespace {

// How a text may be written.
enum class Form : uint8_t { kPlain, kSingleQuoted, kDoubleQuoted, kLiteral };

constexpr size_t kSimpleKeyMax = 128;  // Longer keys are written as "? key".

// Characters over ASCII that YAML takes for line ends or does not print: U+0080-U+009F, U+2028,
// U+2029, U+FEFF, U+FFFE and U+FFFF.
bool IsSpecialAt(absl::string_view text, size_t at) {
  const absl::string_view rest = text.substr(at);
  if (rest[0] == '\xc2') return rest.size() > 1 && static_cast<unsigned char>(rest[1]) < 0xa0;
  if (rest[0] == '\xe2') {
    return absl::StartsWith(rest, "\xe2\x80\xa8") || absl::StartsWith(rest, "\xe2\x80\xa9");
  }
  if (rest[0] == '\xef') {
    return absl::StartsWith(rest, "\xef\xbb\xbf") || absl::StartsWith(rest, "\xef\xbf\xbe") ||
           absl::StartsWith(rest, "\xef\xbf\xbf");
  }
  return false;
}

bool BeginsLikeSyntax(absl::string_view text) {
  if (absl::StrContains(",[]{}#&*!|>'\"%@`", text[0])) return true;
  if (absl::StrContains("-?:", text[0])) return text.size() == 1 || text[1] == ' ';
  return false;
}

Form FormOf(absl::string_view text) {
  if (NeedsQuotes(text)) return Form::kDoubleQuoted;
  bool lines = false;
  bool tabs = false;
  bool plain = text.front() != ' ' && text.back() != ' ' && text.back() != ':' &&
               !BeginsLikeSyntax(text) && !absl::StartsWith(text, "---") &&
               !absl::StartsWith(text, "...");
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\n') {
      lines = true;
    } else if (c == '\t') {
      tabs = true;
    } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && IsSpecialAt(text, i))) {
      return Form::kDoubleQuoted;
    } else if ((c == ':' && i + 1 < text.size() && text[i + 1] == ' ') ||
               (c == '#' && i > 0 && text[i - 1] == ' ')) {
      plain = false;
    }
  }
  if (lines) {
    const bool empty = text.find_first_not_of("\n \t") == absl::string_view::npos;
    return empty ? Form::kDoubleQuoted : Form::kLiteral;
  }
  if (tabs) return Form::kDoubleQuoted;
  return plain ? Form::kPlain : Form::kSingleQuoted;
}

class Writer {
 public:
  // Writes `value` where its parent left off: scalars and empty containers after a space, others on
  // lines of their own. `column` is that of the mapping or list that holds it.
  void WriteAfter(const Value& value, size_t column, size_t list_column) {
    if (value.IsObject() && !value.AsObject().empty()) {
      out_.push_back('\n');
      WriteMembers(value.AsObject(), column + 2, /*begun=*/false);
    } else if (value.IsArray() && !value.AsArray().empty()) {
      out_.push_back('\n');
      WriteItems(value.AsArray(), list_column, /*begun=*/false);
    } else {
      out_.push_back(' ');
      WriteScalar(value, column);
      out_.push_back('\n');
    }
  }

  void WriteRoot(const Value& value) {
    if (value.IsObject() && !value.AsObject().empty()) {
      WriteMembers(value.AsObject(), 0, /*begun=*/false);
    } else if (value.IsArray() && !value.AsArray().empty()) {
      WriteItems(value.AsArray(), 0, /*begun=*/false);
    } else {
      WriteScalar(value, 0);
      out_.push_back('\n');
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  void Indent(size_t column) { out_.append(column, ' '); }

  // `begun`: the first line has been indented, by "- " of the list that this is an item of.
  void WriteMembers(const Object& object, size_t column, bool begun) {
    for (const Object::Member& member : object) {
      if (!begun) Indent(column);
      begun = false;
      const bool simple = member.key.size() <= kSimpleKeyMax;
      if (!simple) out_.append("? ");
      WriteKey(member.key);
      if (!simple) {
        out_.push_back('\n');
        Indent(column);
      }
      out_.push_back(':');
      WriteAfter(member.value, column, column);
    }
  }

  void WriteItems(const Value::Array& items, size_t column, bool begun) {
    for (const Value& item : items) {
      if (!begun) Indent(column);
      begun = false;
      out_.push_back('-');
      if (item.IsObject() && !item.AsObject().empty()) {
        out_.push_back(' ');
        WriteMembers(item.AsObject(), column + 2, /*begun=*/true);
      } else if (item.IsArray() && !item.AsArray().empty()) {
        out_.push_back(' ');
        WriteItems(item.AsArray(), column + 2, /*begun=*/true);
      } else {
        WriteAfter(item, column, column);
      }
    }
  }

  void WriteScalar(const Value& value, size_t column) {
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
        WriteText(value.AsString(), column);
        return;
      case Value::Type::kArray:
        out_.append("[]");
        return;
      case Value::Type::kObject:
        out_.append("{}");
        return;
    }
  }

  void WriteKey(absl::string_view key) {
    const Form form = FormOf(key);
    WriteForm(key, form == Form::kLiteral ? Form::kDoubleQuoted : form, 0);
  }

  void WriteText(absl::string_view text, size_t column) { WriteForm(text, FormOf(text), column); }

  void WriteForm(absl::string_view text, Form form, size_t column) {
    switch (form) {
      case Form::kPlain:
        absl::StrAppend(&out_, text);
        return;
      case Form::kSingleQuoted:
        out_.push_back('\'');
        for (const char c : text) out_.append(c == '\'' ? 2 : 1, c);
        out_.push_back('\'');
        return;
      case Form::kDoubleQuoted:
        WriteDoubleQuoted(text);
        return;
      case Form::kLiteral:
        WriteLiteral(text, column);
        return;
    }
  }

  // JSON's escapes are YAML's too; what only YAML needs is added.
  void WriteDoubleQuoted(absl::string_view text) {
    std::string json;
    AppendJsonString(text, &json);
    for (size_t i = 0; i < json.size(); ++i) {
      const auto c = static_cast<unsigned char>(json[i]);
      if (c == 0x7f) {
        out_.append("\\x7F");
      } else if (c >= 0x80 && IsSpecialAt(json, i)) {
        i += WriteEscaped(absl::string_view(json).substr(i)) - 1;
      } else {
        out_.push_back(json[i]);
      }
    }
  }

  // One special character as \uNNNN. Returns its length.
  size_t WriteEscaped(absl::string_view text) {
    const auto at = [text](size_t i) {
      return static_cast<uint32_t>(static_cast<unsigned char>(text[i]));
    };
    const bool two = at(0) < 0xe0;
    const uint32_t code = two ? (at(0) & 0x1f) << 6 | (at(1) & 0x3f)
                              : (at(0) & 0x0f) << 12 | (at(1) & 0x3f) << 6 | (at(2) & 0x3f);
    absl::StrAppend(&out_, "\\u", absl::Hex(code, absl::kZeroPad4));
    return two ? 2 : 3;
  }

  void WriteLiteral(absl::string_view text, size_t column) {
    out_.push_back('|');
    // Where the first line does not show the indentation, a digit says it.
    if (absl::StrContains(" \t\n", text[0])) out_.push_back('2');
    if (text.back() != '\n') {
      out_.push_back('-');
    } else if (text[text.size() - 2] == '\n') {
      out_.push_back('+');
    }
    if (text.back() == '\n') text.remove_suffix(1);
    while (true) {
      const size_t end = text.find('\n');
      const absl::string_view line = text.substr(0, end);
      out_.push_back('\n');
      if (!line.empty()) Indent(column + 2);
      absl::StrAppend(&out_, line);
      if (end == absl::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }

  std::string out_;
};

}  // namespace

std::string WriteYaml(const Value& value) {
  Writer writer;
  writer.WriteRoot(value);
  return writer.Take();
}

std::string WriteYamlDocuments(const std::vector<Value>& documents) {
  std::string out;
  for (const Value& document : documents) {
    if (!out.empty()) out.append("---\n");
    out.append(WriteYaml(document));
  }
  return out;
}

}  // namespace lockstep
