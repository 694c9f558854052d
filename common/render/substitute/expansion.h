#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/render/substitute/functions.h"
#include "common/render/substitute/substitute.h"

namespace lockstep {

/// One text's way through a Substitution: reads and carries out in one pass.
class Expansion {
 public:
  Expansion(const Substitution* substitution, absl::string_view text);

  absl::StatusOr<std::string> Run();

 private:
  /// What may be read of an argument.
  enum class Escapes { kNone, kDollarSlashAndBackslash };

  /// A variable as an expression names it.
  struct Variable {
    std::string name;
    bool is_set = false;
    std::string value;
    bool takes_slashes = true;  // A label's key holds them, so they cannot begin a function.
  };

  bool AtEnd() const { return at_ >= text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }
  bool AtExpression() const { return text_.substr(at_, 2) == "${"; }

  /// Behind "${"; moves behind the closing brace and returns what the expression stands for.
  absl::StatusOr<std::string> Expression();
  absl::StatusOr<std::string> Length();
  absl::StatusOr<Variable> ReadVariable();
  absl::StatusOr<Variable> ReadClusterVariable();
  /// The characters of a function's name, as many of `set` as follow, at most `most`.
  std::string ReadName(absl::string_view set, size_t most);
  absl::StatusOr<std::string> ReadFunction(bool takes_slashes);
  absl::StatusOr<std::vector<std::string>> ReadArguments(absl::string_view function);
  absl::StatusOr<std::vector<std::string>> ReadDefault();
  absl::StatusOr<std::vector<std::string>> ReadSubstring();
  absl::StatusOr<std::vector<std::string>> ReadReplacement();
  /// Text up to a byte of `stops`, or one expression. An empty one is an error.
  absl::StatusOr<std::string> ReadArgument(absl::string_view stops, Escapes escapes);
  absl::Status ReadBrace();

  absl::Status Grow(absl::string_view more, std::string* text) const;
  absl::Status Wrong(absl::string_view what) const;

  const Substitution& substitution_;
  const absl::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  size_t begin_ = 0;  // Of the outermost expression, for messages.
  substitute::Budget budget_;
};

}  // namespace lockstep
