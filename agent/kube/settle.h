#pragma once

#include <string>
#include <utility>

#include <absl/strings/string_view.h>

#include "agent/kube/discovery.h"
#include "agent/target/target.h"

namespace lockstep {

/// "NAMESPACE/NAME", or a "GROUP/VERSION", in two; without a slash the first is empty.
std::pair<absl::string_view, absl::string_view> SplitName(absl::string_view name);

/// The namespace that an object of `kind` lies in, which was written as `given`.
std::string SettledNamespace(const KindInfo& kind, const std::string& given,
                             absl::string_view default_namespace);

/// The user that the account is, in its application's namespace; empty for the agent itself.
std::string UserOf(const ActingAs& as);

}  // namespace lockstep
