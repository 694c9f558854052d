#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// Where an agent's identity is kept: one text, which changes as a whole.
class IdentityPlace {
 public:
  virtual ~IdentityPlace() = default;

  /// NOT_FOUND where the agent has none yet.
  virtual absl::StatusOr<std::string> Read() const = 0;

  /// Durable when it returns: a reader sees the old text or the new one. May block for some
  /// seconds.
  virtual absl::Status Write(absl::string_view text) const = 0;

  /// For messages: `"/state/identity.pem"`.
  virtual std::string Name() const = 0;
};

/// DIRECTORY/identity.pem, of mode 0600.
class IdentityFile : public IdentityPlace {
 public:
  explicit IdentityFile(absl::string_view directory);

  absl::StatusOr<std::string> Read() const override;
  absl::Status Write(absl::string_view text) const override;
  std::string Name() const override;

 private:
  const std::string path_;
};

}  // namespace lockstep
