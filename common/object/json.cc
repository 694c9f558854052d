#include "common/object/json.h"

#include <simdjson.h>
#include <utility>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"

// The only file that knows simdjson.

namespace lockstep {
namespace {

namespace dom = simdjson::dom;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status Error(absl::string_view file, absl::string_view problem, absl::string_view remedy,
                   absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  return absl::Status(code, absl::StrCat(file, ": ", problem, "; ", remedy));
}

absl::Status TooDeep(absl::string_view file, size_t depth) {
  return Error(file, absl::StrCat("too deep: more than ", depth, " levels"), "flatten it",
               absl::StatusCode::kResourceExhausted);
}

// Copies simdjson's tree; recursion is bounded by the depth limit.
class Converter {
 public:
  Converter(absl::string_view file, size_t depth_max) : file_(file), depth_max_(depth_max) {}

  absl::StatusOr<Value> Convert(dom::element element, size_t depth) {
    switch (element.type()) {
      case dom::element_type::NULL_VALUE:
        return Value::Null();
      case dom::element_type::BOOL:
        return Value::Bool(bool(element));
      case dom::element_type::INT64:
        return Value::Int(int64_t(element));
      case dom::element_type::UINT64:
        return Value::Uint(uint64_t(element));
      case dom::element_type::DOUBLE:
        return Value::Double(double(element));
      case dom::element_type::STRING:
        return Value::String(View(std::string_view(element)));
      case dom::element_type::ARRAY:
        return ConvertArray(element, depth + 1);
      case dom::element_type::OBJECT:
        return ConvertObject(element, depth + 1);
    }
    return Value::Null();
  }

 private:
  absl::StatusOr<Value> ConvertArray(dom::array array, size_t depth) {
    if (depth > depth_max_) return TooDeep(file_, depth_max_);
    Value::Array items;
    items.reserve(array.size());
    for (const dom::element element : array) {
      LOCKSTEP_ASSIGN_OR_RETURN(Value item, Convert(element, depth));
      items.push_back(std::move(item));
    }
    return Value::MakeArray(std::move(items));
  }

  absl::StatusOr<Value> ConvertObject(dom::object object, size_t depth) {
    if (depth > depth_max_) return TooDeep(file_, depth_max_);
    std::vector<Object::Member> members;
    members.reserve(object.size());
    for (const dom::key_value_pair member : object) {
      LOCKSTEP_ASSIGN_OR_RETURN(Value value, Convert(member.value, depth));
      members.push_back({std::string(member.key), std::move(value)});
    }
    Value value = Value::MakeObject();
    const size_t duplicate = value.AsObject().Assign(std::move(members));
    if (duplicate == Object::npos) return value;
    const std::string& key =
        (value.AsObject().begin() + static_cast<std::ptrdiff_t>(duplicate))->key;
    return Error(file_, absl::StrCat("the member \"", key, "\" stands twice in one object"),
                 "remove one of the two");
  }

  const absl::string_view file_;
  const size_t depth_max_;
};

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

bool Fits64Bits(absl::string_view digits, bool negative) {
  int64_t integer = 0;
  uint64_t large = 0;
  return negative ? absl::SimpleAtoi(absl::StrCat("-", digits), &integer)
                  : absl::SimpleAtoi(digits, &large);
}

// simdjson refuses integers over 64 bits. With "e0" after them they are doubles, as in Kubernetes.
// Anything else that is no JSON stays no JSON.
std::string WithLongIntegersAsDoubles(absl::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 16);
  bool in_string = false;
  for (size_t i = 0; i < bytes.size();) {
    const char c = bytes[i];
    if (in_string || !IsDigit(c)) {
      if (in_string && c == '\\' && i + 1 < bytes.size()) out.push_back(bytes[i++]);
      if (c == '"') in_string = !in_string;
      out.push_back(bytes[i++]);
      continue;
    }
    size_t end = i;
    bool integer = true;
    for (; end < bytes.size() && (IsDigit(bytes[end]) || absl::StrContains(".eE+-", bytes[end]));
         ++end) {
      integer = integer && IsDigit(bytes[end]);
    }
    const absl::string_view digits = bytes.substr(i, end - i);
    const bool negative = i > 0 && bytes[i - 1] == '-';
    absl::StrAppend(&out, digits);
    if (integer && !Fits64Bits(digits, negative)) out.append("e0");
    i = end;
  }
  return out;
}

}  // namespace

absl::StatusOr<Value> ReadJson(absl::string_view bytes, absl::string_view file,
                               const JsonLimits& limits) {
  if (bytes.size() > limits.bytes) {
    return Error(file,
                 absl::StrCat("the document has ", bytes.size(), " bytes, over ", limits.bytes),
                 "split it", absl::StatusCode::kResourceExhausted);
  }
  dom::parser parser;
  dom::element root;
  simdjson::error_code error = parser.parse(bytes.data(), bytes.size()).get(root);
  std::string rewritten;
  if (error == simdjson::NUMBER_ERROR) {
    rewritten = WithLongIntegersAsDoubles(bytes);
    error = parser.parse(rewritten.data(), rewritten.size()).get(root);
  }
  if (error == simdjson::DEPTH_ERROR) return TooDeep(file, limits.depth);
  if (error == simdjson::UTF8_ERROR) return Error(file, "it is not UTF-8", "save it as UTF-8");
  if (error != simdjson::SUCCESS) {
    std::string problem = simdjson::error_message(error);
    while (!problem.empty() && problem.back() == '.') problem.pop_back();
    return Error(file, absl::StrCat("no JSON: ", problem), "correct it");
  }
  return Converter(file, limits.depth).Convert(root, 0);
}

}  // namespace lockstep
