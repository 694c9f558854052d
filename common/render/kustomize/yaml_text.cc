#include "common/render/kustomize/yaml_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "common/object/yaml_scalar.h"

namespace lockstep::kustomize {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kSimpleKeyMax = 128;

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// A character of UTF-8 and where it stands. Texts are valid UTF-8: the reader has seen to it.
struct Character {
  uint32_t code = 0;
  size_t size = 1;
};

Character CharacterAt(absl::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<uint32_t>(static_cast<unsigned char>(text[at + i]))
                                : 0U;
  };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xe0) return {(first & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  if (first < 0xf0) return {(first & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f),
          4};
}

bool IsBreak(uint32_t code) {
  return code == '\n' || code == '\r' || code == 0x85 || code == 0x2028 || code == 0x2029;
}

bool IsPrintable(uint32_t code) {
  if (code < 0x80) return code == '\n' || (code >= 0x20 && code <= 0x7e);
  return code >= 0xa0 && code != 0xfeff && code != 0xfffe && code != 0xffff && code <= 0xffff;
}

// What the bytes of a text come to; one pass.
struct Analysis {
  bool multiline = false;
  bool plain_allowed = true;
  bool single_quoted_allowed = true;
  bool block_allowed = true;
};

bool IsIndicatorFirst(char c) { return absl::StrContains("#,[]{}&*!|>'\"%@`", c); }

// Whether plain text would be taken for YAML's own signs.
bool HasIndicators(absl::string_view text) {
  if (absl::StartsWith(text, "---") || absl::StartsWith(text, "...")) return true;
  const auto blank_after = [&](size_t i) {
    return i + 1 >= text.size() || text[i + 1] == ' ' || text[i + 1] == '\t';
  };
  if (IsIndicatorFirst(text[0])) return true;
  if ((text[0] == '?' || text[0] == ':' || text[0] == '-') && blank_after(0)) return true;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == ':' && blank_after(i)) return true;
    if (text[i] == '#' && (text[i - 1] == ' ' || text[i - 1] == '\t' || text[i - 1] == '\n')) {
      return true;
    }
  }
  return false;
}

// Bytes that change nothing: letters, digits and most signs of ASCII.
constexpr std::array<bool, 256> MakeOrdinary() {
  std::array<bool, 256> ordinary{};
  for (size_t c = 0x21; c <= 0x7e; ++c) ordinary[c] = true;
  return ordinary;
}
constexpr std::array<bool, 256> kOrdinary = MakeOrdinary();

Analysis Analyze(absl::string_view text) {
  Analysis found;
  if (text.empty()) return {.block_allowed = false};
  if (HasIndicators(text)) found.plain_allowed = false;
  bool special = false;
  bool break_space = false;  // A space after a break.
  bool space_break = false;
  char before = 'x';  // ' ' and '\n' count.
  for (size_t at = 0; at < text.size();) {
    if (kOrdinary[static_cast<unsigned char>(text[at])]) {
      before = 'x';
      ++at;
      continue;
    }
    const Character character = CharacterAt(text, at);
    const bool is_break = IsBreak(character.code);
    special = special || !IsPrintable(character.code) || (is_break && character.code != '\n');
    const char now = character.code == ' ' ? ' ' : is_break ? '\n' : 'x';
    if (now == '\n') found.multiline = true;
    if (before == '\n' && now == ' ') break_space = true;
    if (before == ' ' && now == '\n') space_break = true;
    const bool edge = at == 0 || at + character.size == text.size();
    if (edge && now != 'x') found.plain_allowed = false;
    if (now == ' ' && at + 1 == text.size()) found.block_allowed = false;
    before = now;
    at += character.size;
  }
  if (break_space) found.plain_allowed = found.single_quoted_allowed = false;
  if (space_break || special) {
    found.plain_allowed = found.single_quoted_allowed = found.block_allowed = false;
  }
  if (found.multiline) found.plain_allowed = false;
  return found;
}

// [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?
bool IsBase60(absl::string_view text) {
  if (!absl::StrContains(text, ':')) return false;
  const auto is_digit = [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); };
  size_t at = text[0] == '-' || text[0] == '+' ? 1 : 0;
  if (at == text.size() || !is_digit(text[at])) return false;
  while (at < text.size() && (is_digit(text[at]) || text[at] == '_')) ++at;
  size_t groups = 0;
  for (; at < text.size() && text[at] == ':'; ++groups) {
    size_t digits = 0;
    while (digits < 3 && at + 1 + digits < text.size() && is_digit(text[at + 1 + digits])) ++digits;
    if (digits == 0 || digits > 2 || (digits == 2 && text[at + 1] > '5')) return false;
    at += 1 + digits;
  }
  if (groups == 0) return false;
  if (at < text.size() && text[at] == '.') ++at;
  while (at < text.size() && (is_digit(text[at]) || text[at] == '_')) ++at;
  return at == text.size();
}

// Whether go-yaml 2 would read plain text as something else than a string.
bool ReadsAsOther(absl::string_view text) {
  if (text.empty()) return true;
  if (!MayResolve(text)) return false;
  return ResolvePlain(text).kind != YamlScalar::Kind::kString || IsTimestamp(text) ||
         IsBase60(text);
}

char ShortEscape(uint32_t code) {
  switch (code) {
    case 0:
      return '0';
    case 7:
      return 'a';
    case 8:
      return 'b';
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case 0x0b:
      return 'v';
    case 0x0c:
      return 'f';
    case '\r':
      return 'r';
    case 0x1b:
      return 'e';
    case '"':
    case '\\':
      return static_cast<char>(code);
    case 0x85:
      return 'N';
    case 0x2028:
      return 'L';
    case 0x2029:
      return 'P';
    default:
      return 0;
  }
}

std::string Escape(uint32_t code) {
  if (const char letter = ShortEscape(code)) return {'\\', letter};
  std::string hex = absl::AsciiStrToUpper(absl::StrCat(absl::Hex(code)));
  const size_t width = code <= 0xff ? 2 : code <= 0xffff ? 4 : 8;
  hex.insert(0, width - hex.size(), '0');
  return absl::StrCat("\\", width == 2 ? "x" : width == 4 ? "u" : "U", hex);
}

}  // namespace

void YamlText::NewLine() {
  out_.push_back('\n');
  line_start_ = out_.size();
}

size_t YamlText::Column() const {
  size_t column = 0;
  for (size_t i = line_start_; i < out_.size(); ++i) column += IsContinuation(out_[i]) ? 0 : 1;
  return column;
}

void YamlText::BreakLine(size_t indent) {
  NewLine();
  Indent(indent);
}

bool YamlText::MayFold(absl::string_view text, Folding folding) const {
  return folding == Folding::kAllowed && out_.size() - line_start_ + text.size() > kWidth;
}

// The first single space past the width becomes a line break. `quoted` in single quotes.
void YamlText::Folded(absl::string_view text, size_t indent, bool quoted) {
  size_t column = Column();
  bool after_space = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool next_is_space = i + 1 < text.size() && text[i + 1] == ' ';
    const bool inside = !quoted || (i > 0 && i + 1 < text.size());
    if (c == ' ' && !after_space && column > kWidth && !next_is_space && inside) {
      BreakLine(indent);
      column = indent;
    } else {
      if (quoted && c == '\'') {
        out_.push_back('\'');
        ++column;
      }
      out_.push_back(c);
      if (!IsContinuation(c)) ++column;
    }
    after_space = c == ' ';
  }
}

void YamlText::Plain(absl::string_view text, size_t indent, Folding folding) {
  if (!MayFold(text, folding)) return Append(text);
  Folded(text, indent, false);
}

void YamlText::SingleQuoted(absl::string_view text, size_t indent, Folding folding) {
  out_.push_back('\'');
  if (MayFold(text, folding)) {
    Folded(text, indent, true);
  } else {
    for (const char c : text) {
      if (c == '\'') out_.push_back('\'');
      out_.push_back(c);
    }
  }
  out_.push_back('\'');
}

void YamlText::DoubleQuoted(absl::string_view text, size_t indent, Folding folding) {
  out_.push_back('"');
  size_t column = Column();
  bool after_space = false;
  for (size_t at = 0; at < text.size();) {
    const Character character = CharacterAt(text, at);
    const uint32_t code = character.code;
    const bool space = code == ' ';
    if (!IsPrintable(code) || IsBreak(code) || code == '"' || code == '\\') {
      const std::string escaped = Escape(code);
      Append(escaped);
      column += escaped.size();
    } else if (space && folding == Folding::kAllowed && !after_space && column > kWidth && at > 0 &&
               at + 1 < text.size()) {
      BreakLine(indent);
      column = indent;
      if (text[at + 1] == ' ') {
        out_.push_back('\\');
        ++column;
      }
    } else {
      Append(text.substr(at, character.size));
      ++column;
    }
    after_space = space;
    at += character.size;
  }
  out_.push_back('"');
}

void YamlText::Literal(absl::string_view text, size_t indent) {
  out_.push_back('|');
  if (text[0] == ' ' || text[0] == '\n') out_.push_back('2');
  if (text.back() != '\n') {
    out_.push_back('-');
  } else if (text.size() == 1 || text[text.size() - 2] == '\n') {
    out_.push_back('+');
  }
  bool first = true;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const absl::string_view line = text.substr(0, end);
    if (first || !line.empty() || end != absl::string_view::npos) NewLine();
    first = false;
    if (!line.empty()) {
      Indent(indent);
      Append(line);
    }
    if (end == absl::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void YamlText::String(absl::string_view text, size_t indent) {
  const bool literal = absl::StrContains(text, '\n');
  const bool other = !literal && ReadsAsOther(text);
  if (other) return DoubleQuoted(text, indent, Folding::kAllowed);
  const Analysis analysis = Analyze(text);
  if (literal) {
    return analysis.block_allowed ? Literal(text, indent)
                                  : DoubleQuoted(text, indent, Folding::kAllowed);
  }
  if (analysis.plain_allowed) return Plain(text, indent, Folding::kAllowed);
  if (analysis.single_quoted_allowed) return SingleQuoted(text, indent, Folding::kAllowed);
  DoubleQuoted(text, indent, Folding::kAllowed);
}

void YamlText::Key(absl::string_view text) {
  if (ReadsAsOther(text)) return DoubleQuoted(text, 0, Folding::kNone);
  const Analysis analysis = Analyze(text);
  if (analysis.plain_allowed) return Append(text);
  if (analysis.single_quoted_allowed) return SingleQuoted(text, 0, Folding::kNone);
  DoubleQuoted(text, 0, Folding::kNone);
}

bool YamlText::IsSimpleKey(absl::string_view text) {
  return text.size() <= kSimpleKeyMax && !Analyze(text).multiline;
}

void YamlText::Double(double number) {
  // Go's 'g' with the shortest digits.
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                 std::chars_format::scientific)
                       .ptr;
  const absl::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  const size_t e = text.rfind('e');
  int exponent = 0;
  absl::string_view digits = text.substr(e + 1);
  if (digits[0] == '+') digits.remove_prefix(1);
  (void)absl::SimpleAtoi(digits, &exponent);
  if (exponent < -4 || exponent >= 6) {
    return Append(absl::StrCat(text.substr(0, e), exponent < 0 ? "e-" : "e+",
                               absl::Dec(std::abs(exponent), absl::kZeroPad2)));
  }
  const auto fixed =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed)
          .ptr;
  Append({buffer.data(), static_cast<size_t>(fixed - buffer.data())});
}

}  // namespace lockstep::kustomize
