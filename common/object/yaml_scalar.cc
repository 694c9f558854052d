#include "common/object/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <absl/time/civil_time.h>

#include "common/text/utf8.h"

namespace lockstep {
namespace {

using Kind = YamlScalar::Kind;

constexpr absl::string_view kYamlTag = "tag:yaml.org,2002:";

constexpr size_t kLongestWord = 5;  // "false".

// Which texts a first byte may begin that are no strings.
enum Hint : uint8_t { kNothing, kWord, kPoint, kNumber };

constexpr std::array<Hint, 256> MakeHints() {
  std::array<Hint, 256> hints{};
  for (const char c : {'y', 'Y', 'n', 'N', 't', 'T', 'f', 'F', 'o', 'O', '~'}) {
    hints[static_cast<unsigned char>(c)] = kWord;
  }
  for (const char c : {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '-'}) {
    hints[static_cast<unsigned char>(c)] = kNumber;
  }
  hints['.'] = kPoint;
  return hints;
}
constexpr std::array<Hint, 256> kHints = MakeHints();

YamlScalar Integer(int64_t value) { return {.kind = Kind::kInt, .integer = value}; }
YamlScalar Number(double value) { return {.kind = Kind::kDouble, .number = value}; }
YamlScalar Boolean(bool value) { return {.kind = Kind::kBool, .boolean = value}; }
YamlScalar Text(absl::string_view value) {
  return {.kind = Kind::kString, .text = std::string(value)};
}

// "word", "Word" or "WORD", where `word` is in lower case.
bool IsCased(absl::string_view text, absl::string_view word) {
  if (text.size() != word.size() || !absl::EqualsIgnoreCase(text, word)) return false;
  const absl::string_view rest = text.substr(1);
  if (rest == word.substr(1)) return true;
  return absl::ascii_isupper(static_cast<unsigned char>(text[0])) &&
         std::none_of(rest.begin(), rest.end(), [](unsigned char c) { return c >= 'a'; });
}

std::optional<YamlScalar> ResolveWord(absl::string_view text) {
  if (text == "~" || IsCased(text, "null")) return YamlScalar{.kind = Kind::kNull};
  for (const absl::string_view word : {"y", "yes", "true", "on"}) {
    if (IsCased(text, word)) return Boolean(true);
  }
  for (const absl::string_view word : {"n", "no", "false", "off"}) {
    if (IsCased(text, word)) return Boolean(false);
  }
  return std::nullopt;
}

std::optional<YamlScalar> ResolveSpecialNumber(absl::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") {
    return Number(std::numeric_limits<double>::quiet_NaN());
  }
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  if (text == ".inf" || text == ".Inf" || text == ".INF") {
    const double infinity = std::numeric_limits<double>::infinity();
    return Number(negative ? -infinity : infinity);
  }
  return std::nullopt;
}

// Go's strconv.ParseInt and ParseUint of digits in one base: a sign, then digits to the end.
template <typename T>
std::optional<T> ParseDigits(absl::string_view text, bool negative, int base) {
  if (text.empty() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[0]))) {
    return std::nullopt;
  }
  std::string copy;
  if (negative) {
    copy = absl::StrCat("-", text);
    text = copy;
  }
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool ConsumeBase(absl::string_view* text, char letter) {
  if (text->size() < 3 || (*text)[0] != '0' || ((*text)[1] | 0x20) != letter) return false;
  text->remove_prefix(2);
  return true;
}

std::optional<YamlScalar> ResolveInteger(absl::string_view text) {
  absl::string_view digits = text;
  const bool negative = absl::ConsumePrefix(&digits, "-");
  const bool positive = !negative && absl::ConsumePrefix(&digits, "+");
  int base = 10;
  if (ConsumeBase(&digits, 'x')) {
    base = 16;
  } else if (ConsumeBase(&digits, 'b')) {
    base = 2;
  } else if (ConsumeBase(&digits, 'o') || (digits.size() > 1 && digits[0] == '0')) {
    base = 8;
  }
  if (const auto value = ParseDigits<int64_t>(digits, negative, base)) return Integer(*value);
  if (!negative && !positive) {
    if (const auto value = ParseDigits<uint64_t>(digits, false, base)) {
      return YamlScalar{.kind = Kind::kUint, .large = *value};
    }
  }
  // An accident of the original: a sign may stand after "0b".
  if (absl::ConsumePrefix(&text, "0b") && !text.empty()) {
    const bool minus = text[0] == '-';
    if (minus || text[0] == '+') {
      if (const auto value = ParseDigits<int64_t>(text.substr(1), minus, 2)) {
        return Integer(*value);
      }
    }
  }
  return std::nullopt;
}

size_t CountDigits(absl::string_view text) {
  size_t count = 0;
  while (count < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[count]))) {
    ++count;
  }
  return count;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? within the range of a double.
std::optional<YamlScalar> ResolveDecimal(absl::string_view text) {
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, "-")) absl::ConsumePrefix(&rest, "+");
  const size_t whole = CountDigits(rest);
  rest.remove_prefix(whole);
  if (absl::ConsumePrefix(&rest, ".")) {
    const size_t fraction = CountDigits(rest);
    if (whole == 0 && fraction == 0) return std::nullopt;
    rest.remove_prefix(fraction);
  } else if (whole == 0) {
    return std::nullopt;
  }
  if (absl::ConsumePrefix(&rest, "e") || absl::ConsumePrefix(&rest, "E")) {
    if (!absl::ConsumePrefix(&rest, "-")) absl::ConsumePrefix(&rest, "+");
    const size_t exponent = CountDigits(rest);
    if (exponent == 0) return std::nullopt;
    rest.remove_prefix(exponent);
  }
  double value = 0;
  if (!rest.empty() || !absl::SimpleAtod(text, &value) || std::isinf(value)) return std::nullopt;
  return Number(value);
}

std::optional<YamlScalar> ResolveNumber(absl::string_view text) {
  std::string without;
  if (absl::StrContains(text, '_')) {
    without.assign(text.data(), text.size());
    without.erase(std::remove(without.begin(), without.end(), '_'), without.end());
    text = without;
  }
  if (auto integer = ResolveInteger(text)) return integer;
  return ResolveDecimal(text);
}

// 1 or 2 digits, or -1.
int ConsumeTwoDigits(absl::string_view* text) {
  const size_t count = std::min<size_t>(CountDigits(*text), 2);
  int value = -1;
  if (count > 0) (void)absl::SimpleAtoi(text->substr(0, count), &value);
  text->remove_prefix(count);
  return value;
}

bool ConsumeTimeOfDay(absl::string_view* text) {
  const int hour = ConsumeTwoDigits(text);
  if (hour < 0 || hour > 23 || !absl::ConsumePrefix(text, ":")) return false;
  const int minute = ConsumeTwoDigits(text);
  if (minute < 0 || minute > 59 || !absl::ConsumePrefix(text, ":")) return false;
  const int second = ConsumeTwoDigits(text);
  if (second < 0 || second > 59) return false;
  if (text->size() > 1 && (*text)[0] == '.' && CountDigits(text->substr(1)) > 0) {
    text->remove_prefix(1 + CountDigits(text->substr(1)));
  }
  return true;
}

// "12:30:45", which YAML 1.1 reads as a number of base 60.
bool IsBase60(absl::string_view text) {
  return !text.empty() && absl::StrContains(text, ':') &&
         text.find_first_not_of("0123456789:.+-_") == absl::string_view::npos;
}

absl::StatusOr<YamlScalar> ResolveBinary(absl::string_view text) {
  std::string base64(text);
  base64.erase(
      std::remove_if(base64.begin(), base64.end(), [](char c) { return c == '\n' || c == '\r'; }),
      base64.end());
  std::string bytes;
  const bool strict =
      base64.size() % 4 == 0 && std::none_of(base64.begin(), base64.end(), [](unsigned char c) {
        return c == '.' || absl::ascii_isspace(c);
      });
  if (!strict || !absl::Base64Unescape(base64, &bytes)) {
    return absl::InvalidArgumentError("!!binary is not base64; correct it");
  }
  if (!IsUtf8(bytes)) {
    return absl::InvalidArgumentError(
        "!!binary holds bytes that are no UTF-8, which JSON cannot hold; use a field that takes "
        "base64 text, such as binaryData");
  }
  return Text(bytes);
}

std::string FloatKey(double wide) {
  const auto value = static_cast<float>(wide);
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  // Go's 'g' with the shortest digits: an exponent from a million on and below 1e-4.
  char buffer[64];
  const float magnitude = std::fabs(value);
  const bool exponent = magnitude != 0 && (magnitude < 1e-4F || magnitude >= 1e6F);
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value,
                    exponent ? std::chars_format::scientific : std::chars_format::fixed)
          .ptr;
  return std::string(buffer, end);
}

}  // namespace

bool IsTimestamp(absl::string_view text) {
  int year = 0;
  if (CountDigits(text) != 4 || !absl::SimpleAtoi(text.substr(0, 4), &year)) return false;
  text.remove_prefix(4);
  if (!absl::ConsumePrefix(&text, "-")) return false;
  const int month = ConsumeTwoDigits(&text);
  if (!absl::ConsumePrefix(&text, "-")) return false;
  const int day = ConsumeTwoDigits(&text);
  const absl::CivilDay civil(year, month, day);
  if (civil.month() != month || civil.day() != day) return false;
  if (text.empty()) return true;
  const bool zoned = absl::ConsumePrefix(&text, "T") || absl::ConsumePrefix(&text, "t");
  if (!zoned && !absl::ConsumePrefix(&text, " ")) return false;
  if (!ConsumeTimeOfDay(&text)) return false;
  if (!zoned) return text.empty();
  if (text == "Z") return true;
  return text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':' &&
         CountDigits(text.substr(1)) == 2 && CountDigits(text.substr(4)) == 2;
}

bool MayResolve(absl::string_view text) {
  if (text.empty()) return true;
  const auto first = static_cast<unsigned char>(text[0]);
  switch (kHints[first]) {
    case kNothing:
      return false;
    case kWord:
      return text.size() <= kLongestWord;
    case kPoint:
      return true;
    case kNumber:
      // "-" and "--flag" are common and no numbers; "-_1" is one.
      return absl::ascii_isdigit(first) ||
             (text.size() > 1 && (absl::ascii_isdigit(static_cast<unsigned char>(text[1])) ||
                                  text[1] == '.' || text[1] == '_'));
  }
  return true;
}

YamlScalar ResolvePlain(absl::string_view text) {
  if (text.empty()) return {.kind = Kind::kNull};
  std::optional<YamlScalar> found;
  switch (kHints[static_cast<unsigned char>(text[0])]) {
    case kNothing:
      break;
    case kWord:
      found = ResolveWord(text);
      break;
    case kPoint:
      found = ResolveSpecialNumber(text);
      if (!found) found = ResolveDecimal(text);
      break;
    case kNumber:
      found = ResolveSpecialNumber(text);
      if (!found) found = ResolveNumber(text);
      break;
  }
  return found ? *std::move(found) : YamlScalar();
}

YamlScalar ResolvePlainGoYaml3(absl::string_view text) {
  if (!text.empty() && kHints[static_cast<unsigned char>(text[0])] == kWord) {
    if (text == "~" || IsCased(text, "null")) return {.kind = Kind::kNull};
    if (IsCased(text, "true")) return Boolean(true);
    return IsCased(text, "false") ? Boolean(false) : YamlScalar();
  }
  // A date is text there too.
  return ResolvePlain(text);
}

absl::StatusOr<YamlScalar> ResolveTagged(absl::string_view tag, absl::string_view text) {
  if (!absl::ConsumePrefix(&tag, kYamlTag) || tag == "str") return Text(text);
  if (tag == "binary") return ResolveBinary(text);
  const bool known =
      tag == "bool" || tag == "int" || tag == "float" || tag == "null" || tag == "timestamp";
  if (!known) return Text(text);
  if (tag == "timestamp" && IsTimestamp(text)) return Text(text);
  YamlScalar scalar = ResolvePlain(text);
  const bool fits = (tag == "bool" && scalar.kind == Kind::kBool) ||
                    (tag == "int" && (scalar.kind == Kind::kInt || scalar.kind == Kind::kUint)) ||
                    (tag == "float" && scalar.kind == Kind::kDouble) ||
                    (tag == "null" && scalar.kind == Kind::kNull);
  if (fits) return scalar;
  if (tag == "float" && scalar.kind == Kind::kInt) {
    return Number(static_cast<double>(scalar.integer));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is no !!", tag, "; correct it or remove the tag"));
}

absl::StatusOr<Value> ScalarValue(YamlScalar scalar) {
  switch (scalar.kind) {
    case Kind::kNull:
      return Value::Null();
    case Kind::kBool:
      return Value::Bool(scalar.boolean);
    case Kind::kInt:
      return Value::Int(scalar.integer);
    case Kind::kUint:
      return Value::Uint(scalar.large);
    case Kind::kDouble:
      if (std::isfinite(scalar.number)) return Value::Double(scalar.number);
      return absl::InvalidArgumentError(
          "infinity and not-a-number cannot be written as JSON; quote it if text is meant");
    case Kind::kString:
      return Value::TakeString(std::move(scalar.text));
  }
  return Value::Null();
}

absl::StatusOr<std::string> ScalarKey(YamlScalar scalar) {
  switch (scalar.kind) {
    case Kind::kNull:
      return absl::InvalidArgumentError("null cannot be a key; quote it if text is meant");
    case Kind::kBool:
      return std::string(scalar.boolean ? "true" : "false");
    case Kind::kInt:
      return absl::StrCat(scalar.integer);
    case Kind::kUint:
      return absl::InvalidArgumentError("an integer this large cannot be a key; quote it");
    case Kind::kDouble:
      return FloatKey(scalar.number);
    case Kind::kString:
      return std::move(scalar.text);
  }
  return std::string();
}

bool NeedsQuotes(absl::string_view text) {
  if (text.empty() || text == "<<" || text == "=") return true;
  if (!MayResolve(text)) return false;
  return ResolvePlain(text).kind != Kind::kString || IsTimestamp(text) || IsBase60(text);
}

}  // namespace lockstep
