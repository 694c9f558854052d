#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "common/render/resource/resource.h"
#include "common/render/resource/selector.h"

namespace lockstep::kustomize {

/// An entry of a kustomization's `replacements`: copies a field of one object into fields of
/// others.
struct Replacement {
  struct Options {
    std::string delimiter;  // "": the whole text.
    int64_t index = 0;
    bool create = false;
  };

  struct Source {
    std::string group, version, kind, name, space;  // Exact; empty is any.
    std::string field_path;                         // "": metadata.name.
    Options options;
  };

  struct Target {
    std::optional<SelectorSpec> select;
    std::vector<SelectorSpec> reject;
    std::vector<std::string> field_paths;  // None: metadata.name.
    Options options;
  };

  std::optional<Source> source;
  std::optional<std::string> source_value;
  std::optional<std::vector<Target>> targets;
};

/// Carries out one replacement, as kustomize 5.8.1 does (docs/rendering.md "Replacements"). Names,
/// namespaces and kinds may change; former ones are not remembered.
///
/// Errors: INVALID_ARGUMENT where the source is not one object or has no such field, a target has
/// no such field, or an expression is none; the message names the field. After an error the
/// resources are not defined.
absl::Status Replace(const Replacement& replacement, std::vector<Resource>* resources);

}  // namespace lockstep::kustomize
