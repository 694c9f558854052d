#pragma once

#include <vector>

#include "lockstep/v1/resources.pb.h"

#include "hub/fleet/field_path.h"
#include "hub/fleet/resource.h"

namespace lockstep {

// Each reads one part of a message into our own type, with its defaults, and adds an error per
// fault.

Meta ReadMeta(const v1::ObjectMeta& message, ResourceKind kind, std::vector<FieldError>& errors);
GitRepositorySpec ReadSpec(const v1::GitRepositorySpec& message, std::vector<FieldError>& errors);
ApplicationSpec ReadSpec(const v1::ApplicationSpec& message, const Meta& meta,
                         std::vector<FieldError>& errors);
Placement ReadPlacement(const v1::Placement& message, const FieldPath& path,
                        std::vector<FieldError>& errors);
SecretData ReadSecret(const v1::Secret& message, std::vector<FieldError>& errors);

// What several of them need.

/// Adds an error for `field` unless the status is OK.
void Check(const absl::Status& status, const FieldPath& field, std::vector<FieldError>& errors);
/// `message` where `present`, else `absent`; an error outside of [at_least, at_most].
absl::Duration ReadDuration(bool present, const google::protobuf::Duration& message,
                            absl::Duration absent, absl::Duration at_least, absl::Duration at_most,
                            const FieldPath& field, std::vector<FieldError>& errors);

}  // namespace lockstep
