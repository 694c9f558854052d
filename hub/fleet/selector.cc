#include "hub/fleet/selector.h"

#include <algorithm>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"
#include "common/text/names.h"

namespace lockstep {
namespace {

using Operator = LabelRequirement::Operator;

// Reads kubectl's selector form: requirements joined by commas.
class SelectorReader {
 public:
  explicit SelectorReader(absl::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<LabelSelector> Read() {
    LabelSelector selector;
    if (AtEnd()) return selector;
    do {
      LOCKSTEP_ASSIGN_OR_RETURN(LabelRequirement requirement, ReadRequirement());
      selector.match_expressions.push_back(std::move(requirement));
    } while (Take(","));
    if (!AtEnd()) return Error(absl::StrCat("unexpected \"", absl::CHexEscape(rest_), "\""));
    return selector;
  }

 private:
  absl::Status Error(absl::string_view why) const {
    return absl::InvalidArgumentError(
        absl::StrCat("selector \"", absl::CHexEscape(text_), "\": ", why));
  }

  void SkipSpace() { rest_ = absl::StripLeadingAsciiWhitespace(rest_); }
  bool AtEnd() {
    SkipSpace();
    return rest_.empty();
  }
  bool Take(absl::string_view token) {
    SkipSpace();
    return absl::ConsumePrefix(&rest_, token);
  }
  absl::string_view TakeWord() {
    SkipSpace();
    const size_t end = rest_.find_first_of(" \t\r\n,()=!<>");
    const absl::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(word.size());
    return word;
  }

  absl::StatusOr<LabelRequirement> ReadRequirement() {
    LabelRequirement requirement;
    const bool negated = Take("!");
    requirement.key = std::string(TakeWord());
    if (requirement.key.empty()) return Error("a label's key is missing");
    if (const absl::Status status = CheckLabelKey(requirement.key); !status.ok()) {
      return Error(status.message());
    }
    if (negated) {
      requirement.op = Operator::kDoesNotExist;
      return requirement;
    }
    if (AtEnd() || rest_[0] == ',') {
      requirement.op = Operator::kExists;
      return requirement;
    }
    if (Take("!=")) {
      requirement.op = Operator::kNotIn;
      LOCKSTEP_RETURN_IF_ERROR(AddValue(TakeWord(), requirement));
      return requirement;
    }
    if (Take("==") || Take("=")) {
      LOCKSTEP_RETURN_IF_ERROR(AddValue(TakeWord(), requirement));
      return requirement;
    }
    return ReadSet(std::move(requirement));
  }

  absl::StatusOr<LabelRequirement> ReadSet(LabelRequirement requirement) {
    const absl::string_view word = TakeWord();
    if (word != "in" && word != "notin") {
      return Error(absl::StrCat("after ", requirement.key, " comes =, ==, !=, in or notin"));
    }
    requirement.op = word == "in" ? Operator::kIn : Operator::kNotIn;
    if (!Take("(")) return Error(absl::StrCat("after ", word, " comes a list such as (eu, us)"));
    do {
      LOCKSTEP_RETURN_IF_ERROR(AddValue(TakeWord(), requirement));
    } while (Take(","));
    if (!Take(")")) return Error("a \")\" is missing");
    return requirement;
  }

  absl::Status AddValue(absl::string_view value, LabelRequirement& requirement) {
    if (const absl::Status status = CheckLabelValue(value); !status.ok()) {
      return Error(status.message());
    }
    requirement.values.emplace_back(value);
    return absl::OkStatus();
  }

  const absl::string_view text_;
  absl::string_view rest_;
};

}  // namespace

bool LabelRequirement::Matches(const Labels& labels) const {
  const auto label = labels.find(key);
  const bool there = label != labels.end();
  const auto is_listed = [&] {
    return std::find(values.begin(), values.end(), label->second) != values.end();
  };
  switch (op) {
    case Operator::kIn:
      return there && is_listed();
    case Operator::kNotIn:
      return !there || !is_listed();
    case Operator::kExists:
      return there;
    case Operator::kDoesNotExist:
      return !there;
  }
  return false;
}

bool LabelSelector::Matches(const Labels& labels) const {
  for (const auto& [key, value] : match_labels) {
    const auto label = labels.find(key);
    if (label == labels.end() || label->second != value) return false;
  }
  return std::all_of(match_expressions.begin(), match_expressions.end(),
                     [&](const LabelRequirement& one) { return one.Matches(labels); });
}

absl::StatusOr<LabelSelector> ParseLabelSelector(absl::string_view text) {
  return SelectorReader(text).Read();
}

}  // namespace lockstep
