#pragma once

#include <absl/strings/string_view.h>

namespace lockstep {

/// Why a field that is no part of `message` (its full name) but that people know from Flux,
/// Kubernetes or later versions is refused: the end of a message. "" for any other field.
absl::string_view WhyRefused(absl::string_view message, absl::string_view field);

/// Whether the hub sets the field, so that it is read over in input: what `get -o yaml` prints can
/// be applied.
bool IsSetByHub(absl::string_view message, absl::string_view field);

/// Why a kind of this apiVersion cannot be taken, with what to write instead where there is
/// something.
absl::string_view WhyKindRefused(absl::string_view api_version, absl::string_view kind);

}  // namespace lockstep
