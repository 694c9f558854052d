#pragma once

#include <vector>

#include <absl/status/status.h>

#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/resource_list.h"
#include "common/render/kustomize/session.h"

namespace lockstep::kustomize {

/// Ties each of a kustomization's vars to the object that it reads from, and adds them to `all`.
/// INVALID_ARGUMENT where several objects match, or the name is there already.
absl::Status AddVars(const Session& session, const std::vector<VarEntry>& vars, ResourceList* list,
                     std::vector<VarEntry>* all);

/// The vars of a sub-build join those of its parent.
absl::Status JoinVars(const Session& session, std::vector<VarEntry> vars,
                      std::vector<VarEntry>* all);

/// Puts the values of all vars in place of $(NAME) in the fields `specs`.
absl::Status ResolveVars(const Session& session, const std::vector<VarEntry>& all,
                         const FieldSpecs& specs, ResourceList* list);

}  // namespace lockstep::kustomize
