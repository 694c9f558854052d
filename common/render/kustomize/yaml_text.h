#pragma once

#include <string>

#include <absl/strings/string_view.h>

namespace lockstep::kustomize {

/// Appends to a YAML text as go-yaml 2's emitter lays it out: the choice of quotes, escapes,
/// literal blocks, the folding of lines over 80 characters. Source: go-yaml 2.4, emitterc.go and
/// encode.go.
class YamlText {
 public:
  explicit YamlText(std::string* out) : out_(*out), line_start_(out->size()) {}

  /// Ends the line, unless nothing stands on it.
  void NewLine();
  /// Spaces up to `column` on an empty line.
  void Indent(size_t column) { out_.append(column, ' '); }
  void Append(absl::string_view text) { out_.append(text.data(), text.size()); }

  /// A string as a value: lines that it continues on are indented by `indent`.
  void String(absl::string_view text, size_t indent);
  /// A string as a key: on one line.
  void Key(absl::string_view text);
  /// Whether a string may be a key on the line of its value; otherwise it needs "? ".
  static bool IsSimpleKey(absl::string_view text);
  /// A finite number that is no integer of 64 bits.
  void Double(double number);

 private:
  enum class Folding { kAllowed, kNone };

  /// In characters.
  size_t Column() const;
  void BreakLine(size_t indent);
  void Folded(absl::string_view text, size_t indent, bool quoted);
  void Plain(absl::string_view text, size_t indent, Folding folding);
  void SingleQuoted(absl::string_view text, size_t indent, Folding folding);
  void DoubleQuoted(absl::string_view text, size_t indent, Folding folding);
  void Literal(absl::string_view text, size_t indent);
  bool MayFold(absl::string_view text, Folding folding) const;

  std::string& out_;
  size_t line_start_;  // Where the present line begins in out_.
};

}  // namespace lockstep::kustomize
