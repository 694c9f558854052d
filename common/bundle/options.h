#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

namespace lockstep {

/// How an agent treats one application: travels beside the manifest and is covered by the cluster
/// root.
struct ApplicationOptions {
  absl::Duration interval = absl::Minutes(10);  // Full comparison with the target.
  bool prune = true;
  bool suspend = false;
  bool delete_objects_on_release = false;     // deletionPolicy: Delete.
  std::string default_namespace = "default";  // For keys whose scope the hub did not know.
  std::string service_account;    // To act as, in the application's namespace; empty: none.
  bool create_namespace = false;  // Make default_namespace where it lacks.

  friend bool operator==(const ApplicationOptions&, const ApplicationOptions&) = default;
};

/// A canonical JSON object: sorted keys, defaults left out, so that a new option changes no digest.
std::string EncodeOptions(const ApplicationOptions& options);

/// INVALID_ARGUMENT names what is wrong. Unknown members are ignored: hub and agents upgrade apart.
absl::StatusOr<ApplicationOptions> DecodeOptions(absl::string_view bytes);

}  // namespace lockstep
