#include "common/render/resource/selector.h"

#include <algorithm>
#include <cstdint>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"

namespace lockstep::kustomize {
namespace {

bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }
bool IsSpecial(char c) { return absl::StrContains("=!(),><", c); }

}  // namespace

// Source: k8s.io/apimachinery/pkg/labels, Parse.
class LabelSelectorParser {
 public:
  explicit LabelSelectorParser(absl::string_view text) : text_(text), rest_(text) { Next(); }

  absl::StatusOr<LabelSelector> Parse() {
    LabelSelector selector;
    if (token_.empty()) return selector;
    while (true) {
      LOCKSTEP_RETURN_IF_ERROR(ParseRequirement(&selector));
      if (token_.empty()) return selector;
      if (token_ != ",") return Unexpected("a comma or the end");
      Next();
    }
  }

 private:
  using Operator = LabelSelector::Operator;

  void Next() {
    while (!rest_.empty() && IsSpace(rest_[0])) rest_.remove_prefix(1);
    size_t size = 0;
    if (rest_.empty()) {
      size = 0;
    } else if (IsSpecial(rest_[0])) {
      const absl::string_view two = rest_.substr(0, 2);
      size = two == "==" || two == "!=" ? 2 : 1;
    } else {
      while (size < rest_.size() && !IsSpecial(rest_[size]) && !IsSpace(rest_[size])) ++size;
    }
    token_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  bool IsWord() const { return !token_.empty() && !IsSpecial(token_[0]); }

  absl::Status Unexpected(absl::string_view wanted) const {
    return absl::InvalidArgumentError(
        absl::StrCat("the selector \"", text_, "\" has ",
                     token_.empty() ? "its end" : absl::StrCat("\"", token_, "\""), " where ",
                     wanted, " should stand"));
  }

  absl::Status ParseRequirement(LabelSelector* selector) {
    LabelSelector::Requirement made;
    const bool negated = token_ == "!";
    if (negated) Next();
    if (!IsWord()) return Unexpected("a key");
    made.key = std::string(token_);
    Next();
    if (negated || token_.empty() || token_ == ",") {
      made.op = negated ? Operator::kDoesNotExist : Operator::kExists;
      selector->requirements_.push_back(std::move(made));
      return absl::OkStatus();
    }
    const absl::string_view op = token_;
    Next();
    if (op == "in" || op == "notin") {
      made.op = op == "in" ? Operator::kIn : Operator::kNotIn;
      LOCKSTEP_RETURN_IF_ERROR(ParseValues(&made));
    } else if (op == "=" || op == "==" || op == "!=" || op == ">" || op == "<") {
      made.op = op == "!="  ? Operator::kNotIn
                : op == ">" ? Operator::kGreater
                : op == "<" ? Operator::kLess
                            : Operator::kIn;
      LOCKSTEP_RETURN_IF_ERROR(ParseValue(&made));
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("the selector \"", text_, "\" has \"", op,
                       "\" for an operator; use =, ==, !=, in, notin, > or <"));
    }
    selector->requirements_.push_back(std::move(made));
    return absl::OkStatus();
  }

  absl::Status ParseValue(LabelSelector::Requirement* made) {
    std::string value;
    if (IsWord()) {
      value = std::string(token_);
      Next();
    }
    int64_t number = 0;
    const bool compares = made->op == Operator::kGreater || made->op == Operator::kLess;
    if (compares && !absl::SimpleAtoi(value, &number)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the selector \"", text_, "\" compares with \"", value, "\", no integer"));
    }
    made->values.push_back(std::move(value));
    return absl::OkStatus();
  }

  absl::Status ParseValues(LabelSelector::Requirement* made) {
    if (token_ != "(") return Unexpected("an opening parenthesis");
    Next();
    while (true) {
      std::string value;
      if (IsWord()) {
        value = std::string(token_);
        Next();
      }
      made->values.push_back(std::move(value));
      if (token_ == ")") break;
      if (token_ != ",") return Unexpected("a comma or a closing parenthesis");
      Next();
    }
    Next();
    return absl::OkStatus();
  }

  const absl::string_view text_;
  absl::string_view rest_;
  absl::string_view token_;
};

absl::StatusOr<LabelSelector> LabelSelector::Parse(absl::string_view text) {
  return LabelSelectorParser(text).Parse();
}

bool LabelSelector::Holds(const Requirement& requirement, const Value* map) {
  const Value* const found = map == nullptr ? nullptr : map->Find(requirement.key);
  const bool exists = found != nullptr;
  const absl::string_view text = exists ? ScalarText(*found) : absl::string_view();
  const std::vector<std::string>& values = requirement.values;
  switch (requirement.op) {
    case Operator::kExists:
      return exists;
    case Operator::kDoesNotExist:
      return !exists;
    case Operator::kIn:
      return exists && std::find(values.begin(), values.end(), text) != values.end();
    case Operator::kNotIn:
      return !exists || std::find(values.begin(), values.end(), text) == values.end();
    case Operator::kGreater:
    case Operator::kLess:
      break;
  }
  int64_t have = 0;
  int64_t bound = 0;
  if (!absl::SimpleAtoi(text, &have) || !absl::SimpleAtoi(values[0], &bound)) return false;
  return requirement.op == Operator::kGreater ? have > bound : have < bound;
}

bool LabelSelector::Matches(const Value* map) const {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [map](const Requirement& each) { return Holds(each, map); });
}

absl::StatusOr<Selector> Selector::Compile(const SelectorSpec& spec) {
  Selector made;
  constexpr auto kWhole = Pattern::Extent::kWhole;
  LOCKSTEP_ASSIGN_OR_RETURN(made.group_, Pattern::Compile(spec.group, kWhole));
  LOCKSTEP_ASSIGN_OR_RETURN(made.version_, Pattern::Compile(spec.version, kWhole));
  LOCKSTEP_ASSIGN_OR_RETURN(made.kind_, Pattern::Compile(spec.kind, kWhole));
  LOCKSTEP_ASSIGN_OR_RETURN(made.name_, Pattern::Compile(spec.name, kWhole));
  LOCKSTEP_ASSIGN_OR_RETURN(made.space_, Pattern::Compile(spec.space, kWhole));
  LOCKSTEP_ASSIGN_OR_RETURN(made.labels_, LabelSelector::Parse(spec.label_selector));
  LOCKSTEP_ASSIGN_OR_RETURN(made.annotations_, LabelSelector::Parse(spec.annotation_selector));
  return made;
}

bool Selector::MatchesGvk(const Gvk& gvk) const {
  return group_.Matches(gvk.group) && version_.Matches(gvk.version) && kind_.Matches(gvk.kind);
}

bool Selector::MatchesLabelsAndAnnotations(const Value& object) const {
  const Value* const metadata = object.Find("metadata");
  if (metadata == nullptr) return labels_.Matches(nullptr) && annotations_.Matches(nullptr);
  return labels_.Matches(metadata->Find("labels")) &&
         annotations_.Matches(metadata->Find("annotations"));
}

bool Selector::Matches(const Resource& resource) const {
  const ResourceId current = resource.CurrentId();
  const ResourceId original = resource.OriginalId();
  return (MatchesNamespace(original.space) || MatchesNamespace(current.space)) &&
         (MatchesName(original.name) || MatchesName(current.name)) && MatchesGvk(current.gvk) &&
         MatchesLabelsAndAnnotations(resource.value);
}

}  // namespace lockstep::kustomize
