#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

/// What one file may ask of its reader (defaults: SECURITY 2.4).
struct YamlLimits {
  size_t bytes = 3 << 20;
  size_t documents = 50'000;
  size_t depth = 64;  // Lists and mappings inside one another; the outermost counts as 1.
  /// Values of the whole file, those that aliases and merge keys repeat included. Keys do not
  /// count; every 64 bytes of text that either repeats, keys included, count as one more.
  size_t nodes = 200'000;
};

/// Reads every document of a manifest file; a document without content is a null, with its place.
///
/// A value means what kubectl takes it to mean: YAML 1.1's plain scalars (`yes` is true, `0777` is
/// 511), then the way through JSON (keys become strings, 1.0 is 1), merge keys included. Every
/// value's place is where it stands in the text; what an alias repeats keeps the anchor's place.
///
/// Refused, although kubectl's default reader takes it: keys that stand twice in one mapping, bytes
/// that are no UTF-8 (in !!binary too), documents after "..." without "---", more than the limits.
/// Taken, although it does not: JSON's escape \/, and a file may hold any number of documents.
/// Refused as there: not-a-number and infinity, aliases of themselves, lists and mappings as keys.
///
/// Errors: INVALID_ARGUMENT, or RESOURCE_EXHAUSTED for a limit; the message is "FILE:LINE:COLUMN:
/// what is wrong; what to do". `file` is the name that messages show. Time and memory are linear in
/// bytes + nodes; the stack does not grow with the input. Source: sigs.k8s.io/yaml 1.6 and the
/// go-yaml 2 inside it.
absl::StatusOr<std::vector<Value>> ReadYaml(absl::string_view bytes, absl::string_view file,
                                            const YamlLimits& limits = {});

/// What readers of YAML differ in.
struct YamlOptions {
  enum class Dialect : uint8_t {
    kKubectl,  // As ReadYaml.
    /// As go-yaml 3 with its nodes, which kustomize reads resources with: `yes`, `no`, `on`, `off`,
    /// `y` and `n` are text; a written key wins over a merged one; keys are text but for integers
    /// at the top.
    kGoYaml3,
  };

  YamlLimits limits;
  Dialect dialect = Dialect::kKubectl;
  /// In kGoYaml3, keys that are no text are taken as they are written, as in patches.
  bool any_key = false;
  /// Where a key stands twice in one mapping, the last one wins instead of an error.
  bool last_key_wins = false;
  /// Values keep how nulls, booleans, numbers and times were written, and which strings were quoted
  /// (Value::source_text, is_plain_time, is_quoted).
  bool keep_source_text = false;
  /// What follows the end of the first document is not looked at.
  bool first_document_only = false;
  /// Lines of the file before `bytes`.
  uint32_t lines_before = 0;
  /// Added to the lines of values, not to those of messages: a line then tells the file too, for
  /// who gives each file its own range.
  uint32_t line_base = 0;
};

/// ReadYaml with options.
absl::StatusOr<std::vector<Value>> ReadYamlWith(absl::string_view bytes, absl::string_view file,
                                                const YamlOptions& options);

}  // namespace lockstep
