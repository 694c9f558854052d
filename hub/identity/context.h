#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/credentials/certificate.h"

namespace lockstep {

/// How a person reaches one hub.
struct Context {
  std::string name;
  std::vector<std::string> hubs;  // HOST:PORT, in the order of trying.
  std::string user;
  TlsMaterial material;
};

/// A context file, YAML:
///
///     current: prod
///     contexts:
///       - name: prod
///         hubs: [hub.example.com:7443]
///         user: admin
///         ca: |
///           -----BEGIN CERTIFICATE-----
///         certificate: |
///         key: |
struct ContextFile {
  std::string current;  // Empty if there are no contexts.
  std::vector<Context> contexts;

  /// The context called `name`, the current one for "". NOT_FOUND names those that are there.
  absl::StatusOr<Context> Find(absl::string_view name) const;
};

/// $XDG_CONFIG_HOME/lockstep/config, or ~/.config/lockstep/config.
std::string DefaultContextPath();

/// NOT_FOUND if the file is not there, INVALID_ARGUMENT naming file and field for one that is none.
absl::StatusOr<ContextFile> LoadContextFile(const std::string& path);

/// The file's text.
std::string FormatContextFile(const ContextFile& file);

/// Writes the file, mode 0600.
absl::Status SaveContextFile(const std::string& path, const ContextFile& file);

enum class ExistingContext : uint8_t { kRefuse, kReplace };

/// Adds `context` to the file, which is made if it is not there; the first one becomes the current.
/// ALREADY_EXISTS if its name is taken and `existing` says kRefuse.
absl::Status AddContext(const std::string& path, const Context& context, ExistingContext existing);

}  // namespace lockstep
