#include "common/render/replacement/styled_yaml.h"

#include <algorithm>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>

#include "common/object/json.h"
#include "common/object/yaml_scalar.h"
#include "common/object/yaml_writer.h"
#include "common/render/patch/scalar.h"

namespace lockstep::kustomize {
namespace {

/// The text that a document was read from, asked by place.
class Source {
 public:
  explicit Source(absl::string_view text) : lines_(absl::StrSplit(text, '\n')) {}

  /// What the value's text begins with; '\0' where it has no place.
  char StyleOf(const Value& value) const {
    const absl::string_view rest = At(value.place());
    return rest.empty() ? '\0' : rest[0];
  }

  absl::string_view Line(size_t line) const {
    return line >= 1 && line <= lines_.size() ? lines_[line - 1] : absl::string_view();
  }

  /// From the place to the end of its line.
  absl::string_view At(Place place) const {
    absl::string_view line = Line(place.line);
    for (uint32_t column = 1; column < place.column && !line.empty(); ++column) {
      line.remove_prefix(1);
      while (!line.empty() && (static_cast<unsigned char>(line[0]) & 0xc0) == 0x80) {
        line.remove_prefix(1);
      }
    }
    return line;
  }

  /// " # text" behind a scalar on its line, or "".
  std::string CommentBehind(const Value& scalar) const {
    absl::string_view rest = At(scalar.place());
    if (rest.empty()) return "";
    size_t from = 0;
    if (rest[0] == '"' || rest[0] == '\'') {
      from = rest.find(rest[0], 1);
      if (from == absl::string_view::npos) return "";
    }
    const size_t hash = rest.find(" #", from);
    if (hash == absl::string_view::npos) return "";
    return absl::StrCat(" ", absl::StripTrailingAsciiWhitespace(rest.substr(hash + 1)));
  }

  /// The line that a member or element begins on: of a collection below its key the key's.
  size_t BeginOf(const Value& value, absl::string_view key) const {
    size_t line = value.place().line;
    const char style = StyleOf(value);
    if (key.empty() || (!value.IsArray() && !value.IsObject()) || style == '[' || style == '{') {
      return line;
    }
    while (line > 1 && !absl::StrContains(Line(line), absl::StrCat(key, ":")) &&
           !absl::StrContains(Line(line), absl::StrCat(key, "\":"))) {
      --line;
    }
    return line;
  }

 private:
  std::vector<absl::string_view> lines_;
};

class Writer {
 public:
  explicit Writer(absl::string_view source) : source_(source) {}

  std::string Write(const Value& document) {
    if (IsBlock(document)) {
      Block(document, 0);
    } else {
      absl::StrAppend(&out_, Inline(document), "\n");
    }
    return std::move(out_);
  }

 private:
  bool IsBlock(const Value& value) const {
    const char style = source_.StyleOf(value);
    return ((value.IsObject() && !value.AsObject().empty()) ||
            (value.IsArray() && !value.AsArray().empty())) &&
           style != '{' && style != '[';
  }

  void Block(const Value& value, size_t indent) {
    bool first = true;
    const auto begin_line = [&](size_t line) {
      Comments(line, first && at_dash_ ? 0 : indent);
      if (!(first && at_dash_)) out_.append(indent, ' ');
      at_dash_ = first = false;
    };
    if (value.IsArray()) {
      for (const Value& item : value.AsArray()) {
        begin_line(source_.BeginOf(item, ""));
        out_ += "- ";
        if (IsBlock(item)) {
          at_dash_ = true;
          Block(item, indent + 2);
        } else {
          Scalar(item, indent);
        }
      }
      return;
    }
    for (const auto& [key, member] : value.AsObject()) {
      begin_line(source_.BeginOf(member, key));
      absl::StrAppend(&out_, Key(key, member), ":");
      if (IsBlock(member)) {
        out_ += "\n";
        Block(member, member.IsArray() ? indent : indent + 2);
      } else {
        out_ += " ";
        Scalar(member, indent);
      }
    }
  }

  /// The comment lines before `line` that were not written yet.
  void Comments(size_t line, size_t indent) {
    for (; next_line_ < line; ++next_line_) {
      const absl::string_view text = absl::StripAsciiWhitespace(source_.Line(next_line_));
      if (!absl::StartsWith(text, "#") || at_dash_) continue;
      out_.append(indent, ' ');
      absl::StrAppend(&out_, text, "\n");
    }
    next_line_ = std::max(next_line_, line + 1);
  }

  /// Behind a key or dash, to the end of the line or block.
  void Scalar(const Value& value, size_t indent) {
    const char style = source_.StyleOf(value);
    if (value.IsString() && !value.AsString().empty() &&
        (style == '|' || style == '>' ||
         (style != '"' && style != '\'' && absl::StrContains(value.AsString(), '\n')))) {
      return Literal(value.AsString(), style == '>' ? '>' : '|', indent + 2);
    }
    absl::StrAppend(&out_, Inline(value), source_.CommentBehind(value), "\n");
  }

  void Literal(absl::string_view text, char style, size_t indent) {
    out_.push_back(style);
    if (text[0] == ' ' || text[0] == '\n') out_ += "2";
    if (!absl::EndsWith(text, "\n")) {
      out_ += "-";
    } else if (absl::EndsWith(text, "\n\n")) {
      out_ += "+";
    }
    out_ += "\n";
    if (absl::EndsWith(text, "\n")) text.remove_suffix(1);
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      if (!line.empty()) out_.append(indent, ' ');
      absl::StrAppend(&out_, line, style == '>' ? "\n\n" : "\n");
    }
    if (style == '>') out_.pop_back();
  }

  std::string Inline(const Value& value) const {
    if (value.IsArray()) {
      std::vector<std::string> items;
      for (const Value& item : value.AsArray()) items.push_back(Inline(item));
      return absl::StrCat("[", absl::StrJoin(items, ", "), "]");
    }
    if (value.IsObject()) {
      std::vector<std::string> members;
      for (const auto& [key, member] : value.AsObject()) {
        members.push_back(absl::StrCat(Key(key, member), ": ", Inline(member)));
      }
      return absl::StrCat("{", absl::StrJoin(members, ", "), "}");
    }
    if (!value.IsString()) return patch::TextOf(value);
    const char style = value.is_quoted() || value.place().line > 0 ? source_.StyleOf(value) : '\0';
    if (style == '"') return WriteJson(value, 0);
    if (style == '\'') {
      return absl::StrCat("'", absl::StrReplaceAll(value.AsString(), {{"'", "''"}}), "'");
    }
    return Plain(value.AsString());
  }

  std::string Key(absl::string_view key, const Value& member) const {
    const absl::string_view line = source_.Line(source_.BeginOf(member, key));
    if (absl::StrContains(line, absl::StrCat("\"", key, "\":"))) {
      return WriteJson(Value::String(key), 0);
    }
    if (absl::StrContains(line, absl::StrCat("'", key, "':"))) return absl::StrCat("'", key, "'");
    return Plain(key);
  }

  static std::string Plain(absl::string_view text) {
    if (absl::StrContains(text, '\n')) return WriteJson(Value::String(text), 0);
    // "y" and the like are text to go-yaml 3.
    if (NeedsQuotes(text) && !IsTimestamp(text) &&
        ResolvePlainGoYaml3(text).kind == YamlScalar::Kind::kString && !text.empty()) {
      return std::string(text);
    }
    return std::string(absl::StripAsciiWhitespace(WriteYaml(Value::String(text))));
  }

  const Source source_;
  std::string out_;
  bool at_dash_ = false;  // Behind "- ", where the first member of a mapping stands.
  size_t next_line_ = 1;  // The first whose comments were not written yet.
};

}  // namespace

std::string WriteStyledYaml(const Value& document, absl::string_view source) {
  return Writer(source).Write(document);
}

}  // namespace lockstep::kustomize
