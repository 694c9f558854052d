#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "lockstep/v1/resources.pb.h"

#include "hub/fleet/field_path.h"
#include "hub/fleet/resource.h"

namespace lockstep {

// Between the messages of lockstep.v1, which are the definition, and our own types. Into our types
// everything is checked and defaults are filled in; the way back writes every default, so that what
// is shown says what holds.

// One with every fault, each as "spec.interval: message", a line each, in INVALID_ARGUMENT.
absl::StatusOr<GitRepository> FromProto(const v1::GitRepository& message);
absl::StatusOr<Application> FromProto(const v1::Application& message);
absl::StatusOr<Cluster> FromProto(const v1::Cluster& message);
absl::StatusOr<Secret> FromProto(const v1::Secret& message);

// As FromProto, but with the place of each fault for those who know more of it (a file and line).
// The result counts only where `errors` stayed empty.
GitRepository FromProto(const v1::GitRepository& message, std::vector<FieldError>& errors);
Application FromProto(const v1::Application& message, std::vector<FieldError>& errors);
Cluster FromProto(const v1::Cluster& message, std::vector<FieldError>& errors);
Secret FromProto(const v1::Secret& message, std::vector<FieldError>& errors);

// Without status: that is the core's to add.
v1::GitRepository ToProto(const GitRepository& resource);
v1::Application ToProto(const Application& resource);
v1::Cluster ToProto(const Cluster& resource);
/// Names and sizes of the keys in `status`; never a value.
v1::Secret ToProto(const Secret& resource);

v1::ObjectMeta ToProto(const Meta& meta);

}  // namespace lockstep
