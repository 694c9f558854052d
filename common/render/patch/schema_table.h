#pragma once

#include <absl/strings/string_view.h>

namespace lockstep {

/// schema/kubernetes-1.21.2.txt, built in.
absl::string_view KubernetesSchemaTable();

}  // namespace lockstep
