#pragma once

#include <optional>

#include <absl/strings/string_view.h>

#include "common/render/kustomize/build.h"

namespace lockstep::kustomize {

/// Takes apart what kustomize takes for a repository ("https://host/org/repo//path?ref=v1",
/// "git@host:org/repo.git", "github.com/org/repo"), or nothing for any other text.
/// Source: kustomize 5.8.1, NewRepoSpecFromURL.
std::optional<NeededRepository> ParseRepository(absl::string_view text);

/// Whether kustomize would first try to fetch this as a file over HTTP.
bool IsHttp(absl::string_view text);

}  // namespace lockstep::kustomize
