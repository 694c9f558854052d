#include "common/render/substitute/expansion.h"

#include <algorithm>

#include <absl/cleanup/cleanup.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/render/substitute/rune.h"
#include "common/text/nearest.h"

namespace lockstep {

Expansion::Expansion(const Substitution* substitution, absl::string_view text)
    : substitution_(*substitution), text_(text) {
  budget_.bytes = substitution->limits_.output_bytes;
  budget_.steps = substitution->limits_.steps;
}

absl::StatusOr<std::string> Expansion::Run() {
  std::string out;
  while (true) {
    const size_t dollar = std::min(text_.find('$', at_), text_.size());
    LOCKSTEP_RETURN_IF_ERROR(Grow(text_.substr(at_, dollar - at_), &out));
    at_ = dollar;
    if (AtEnd()) return out;
    if (AtExpression()) {
      begin_ = at_;
      at_ += 2;
      LOCKSTEP_ASSIGN_OR_RETURN(const std::string value, Expression());
      LOCKSTEP_RETURN_IF_ERROR(Grow(value, &out));
      continue;
    }
    // "$$" is one "$", and the second begins no expression.
    at_ += text_.substr(at_, 2) == "$$" ? 2 : 1;
    LOCKSTEP_RETURN_IF_ERROR(Grow("$", &out));
  }
}

absl::Status Expansion::Grow(absl::string_view more, std::string* text) const {
  if (text->size() + more.size() > budget_.bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the text would be over ", budget_.bytes, " bytes with its variables"));
  }
  absl::StrAppend(text, more);
  return absl::OkStatus();
}

absl::Status Expansion::Wrong(absl::string_view what) const {
  constexpr size_t kShown = 60;
  const absl::string_view rest = text_.substr(begin_, kShown);
  const size_t end = rest.find_first_of("}\n");
  const absl::string_view shown =
      end == absl::string_view::npos ? rest : rest.substr(0, end + (rest[end] == '}' ? 1 : 0));
  return absl::InvalidArgumentError(absl::StrCat(shown, ": ", what));
}

absl::StatusOr<std::string> Expansion::Expression() {
  if (++depth_ > substitution_.limits_.depth) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "expressions lie more than ", substitution_.limits_.depth, " deep inside one another"));
  }
  const absl::Cleanup leave = [this] { --depth_; };
  if (Peek() == '#') return Length();
  LOCKSTEP_ASSIGN_OR_RETURN(const Variable variable, ReadVariable());
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string function, ReadFunction(variable.takes_slashes));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<std::string> arguments, ReadArguments(function));
  if (function.empty() && !variable.is_set) {
    if (substitution_.unset_ == Substitution::Unset::kEmpty) return "";
    return Wrong(absl::StrCat("the variable ", variable.name, " is not set; set it, or write ${",
                              variable.name, ":=DEFAULT}, or $${ for the text itself"));
  }
  absl::StatusOr<std::string> result =
      substitute::CallFunction(function, variable.value, arguments, &budget_);
  if (absl::IsInvalidArgument(result.status())) return Wrong(result.status().message());
  return result;
}

absl::StatusOr<std::string> Expansion::Length() {
  ++at_;
  LOCKSTEP_ASSIGN_OR_RETURN(const Variable variable, ReadVariable());
  LOCKSTEP_RETURN_IF_ERROR(ReadBrace());
  return substitute::CallFunction("#", variable.value, {}, &budget_);
}

absl::StatusOr<Expansion::Variable> Expansion::ReadVariable() {
  const size_t begin = at_;
  while (!AtEnd()) {
    const substitute::Rune rune = substitute::FirstRune(text_.substr(at_));
    if (rune.value != '_' && !substitute::IsLetterOrDigit(rune.value)) break;
    at_ += rune.bytes;
  }
  const absl::string_view name = text_.substr(begin, at_ - begin);
  if (name.empty())
    return Wrong("there is no variable's name behind ${; write $${ for the text itself");
  if (name == "cluster" && Peek() == '.') return ReadClusterVariable();
  const auto it = substitution_.variables_.find(std::string(name));
  if (it == substitution_.variables_.end()) return Variable{.name = std::string(name)};
  return Variable{.name = it->first, .is_set = true, .value = it->second};
}

absl::StatusOr<Expansion::Variable> Expansion::ReadClusterVariable() {
  ++at_;
  const size_t begin = at_;
  at_ = std::min(text_.find_first_of("}:=,^#%$\n", at_), text_.size());
  const absl::string_view fact = text_.substr(begin, at_ - begin);
  if (!substitution_.cluster_.has_value()) {
    return Wrong("there is no cluster here; this is rendered without one");
  }
  const ClusterFacts& cluster = *substitution_.cluster_;
  Variable variable{.name = absl::StrCat("cluster.", fact), .takes_slashes = false};
  if (fact == "name") {
    variable.is_set = true;
    variable.value = cluster.name;
    return variable;
  }
  if (!absl::StartsWith(fact, "labels.")) {
    const std::string near = NearestWord(fact, {"name", "labels"});
    return Wrong(absl::StrCat("a cluster has no ", fact, "; ",
                              near.empty() ? "" : absl::StrCat("did you mean ", near, "? "),
                              "write ${cluster.name} or ${cluster.labels.KEY}"));
  }
  const auto label = cluster.labels.find(std::string(fact.substr(7)));
  if (label != cluster.labels.end()) {
    variable.is_set = true;
    variable.value = label->second;
  }
  return variable;
}

std::string Expansion::ReadName(absl::string_view set, size_t most) {
  std::string name;
  while (name.size() < most && !AtEnd() && absl::StrContains(set, Peek())) {
    name.push_back(text_[at_++]);
  }
  return name;
}

absl::StatusOr<std::string> Expansion::ReadFunction(bool takes_slashes) {
  switch (Peek()) {
    case ':': {
      std::string name = ReadName(":", 1);
      return name + ReadName("=-?+", 1);
    }
    case '=':
      return ReadName("=", 1);
    case ',':
    case '^':
      return ReadName(",^", 2);
    case '#':
      return ReadName("#", 2);
    case '%':
      return ReadName("%", 2);
    case '/': {
      if (!takes_slashes) break;
      std::string name = ReadName("/", 1);
      return name + ReadName("/#%", 1);
    }
    case '}':
      return "";
    default:
      break;
  }
  if (AtEnd()) return Wrong("the closing brace is missing");
  return Wrong(absl::StrCat("\"", text_.substr(at_, substitute::FirstRune(text_.substr(at_)).bytes),
                            "\" begins no function; for a default write :- or :="));
}

absl::StatusOr<std::vector<std::string>> Expansion::ReadArguments(absl::string_view function) {
  std::vector<std::string> arguments;
  if (function == ":") return ReadSubstring();
  if (function.size() > 0 && function[0] == '/') return ReadReplacement();
  if (function == "=" || (function.size() == 2 && function[0] == ':')) return ReadDefault();
  if (!function.empty() && (function[0] == '#' || function[0] == '%')) {
    LOCKSTEP_ASSIGN_OR_RETURN(arguments.emplace_back(), ReadArgument("}", Escapes::kNone));
  }
  LOCKSTEP_RETURN_IF_ERROR(ReadBrace());
  return arguments;
}

absl::StatusOr<std::vector<std::string>> Expansion::ReadDefault() {
  std::vector<std::string> arguments;
  while (Peek() != '}') {
    LOCKSTEP_ASSIGN_OR_RETURN(arguments.emplace_back(), ReadArgument("}", Escapes::kNone));
  }
  LOCKSTEP_RETURN_IF_ERROR(ReadBrace());
  return arguments;
}

absl::StatusOr<std::vector<std::string>> Expansion::ReadSubstring() {
  std::vector<std::string> arguments;
  LOCKSTEP_ASSIGN_OR_RETURN(arguments.emplace_back(), ReadArgument(":}", Escapes::kNone));
  if (ReadName(":", text_.size()).empty()) {
    LOCKSTEP_RETURN_IF_ERROR(ReadBrace());
    return arguments;
  }
  LOCKSTEP_ASSIGN_OR_RETURN(arguments.emplace_back(), ReadArgument("}", Escapes::kNone));
  LOCKSTEP_RETURN_IF_ERROR(ReadBrace());
  return arguments;
}

absl::StatusOr<std::vector<std::string>> Expansion::ReadReplacement() {
  std::vector<std::string> arguments;
  LOCKSTEP_ASSIGN_OR_RETURN(arguments.emplace_back(),
                            ReadArgument("/", Escapes::kDollarSlashAndBackslash));
  if (ReadName("/", text_.size()).empty()) return Wrong("the second slash is missing");
  if (Peek() != '}') {
    LOCKSTEP_ASSIGN_OR_RETURN(arguments.emplace_back(),
                              ReadArgument("}", Escapes::kDollarSlashAndBackslash));
  }
  LOCKSTEP_RETURN_IF_ERROR(ReadBrace());
  return arguments;
}

absl::StatusOr<std::string> Expansion::ReadArgument(absl::string_view stops, Escapes escapes) {
  if (AtExpression()) {
    at_ += 2;
    return Expression();
  }
  std::string argument;
  for (; !AtEnd() && !AtExpression(); ++at_) {
    const absl::string_view two = text_.substr(at_, 2);
    if (escapes != Escapes::kNone && (two == "$$" || two == "\\/" || two == "\\\\")) {
      ++at_;
    } else if (absl::StrContains(stops, Peek())) {
      break;
    }
    argument.push_back(text_[at_]);
  }
  if (argument.empty()) {
    return Wrong(AtEnd() ? "the closing brace is missing" : "an argument of its function is empty");
  }
  return argument;
}

absl::Status Expansion::ReadBrace() {
  if (Peek() == '}') {
    ++at_;
    return absl::OkStatus();
  }
  return Wrong(AtEnd() ? "the closing brace is missing"
                       : "a closing brace is missing, or it is no expression");
}

}  // namespace lockstep
