#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/string_view.h>

#include "tests/e2e/fleet.h"

namespace lockstep {

/// What `lockstep` said to a list of commands, as a reviewer reads it: a sentence on top, then each
/// command with its output under it. Errors follow the output with "! " before them, an exit code
/// other than 0 stands last. Kept in tests/e2e/transcripts/NAME.txt; LOCKSTEP_UPDATE_GOLDEN=1
/// rewrites the file.
class Transcript {
 public:
  Transcript(Fleet* fleet, std::string name) : fleet_(fleet), name_(std::move(name)) {}

  void Comment(absl::string_view text);
  /// Runs it and writes down what it says. Arguments are split at blanks.
  void Run(const std::string& command);
  /// The same for a command that goes on: waits until it shows `first`, makes the `change`, waits
  /// until it shows `then`, and ends it.
  void Watch(const std::string& command, const std::string& first,
             const std::function<void()>& change, const std::string& then);

  /// Fails the test where the file says something else.
  void Compare() const;

 private:
  Fleet* const fleet_;
  const std::string name_;
  std::string text_;
};

/// `text` without what differs from run to run: times, ages, addresses, tokens, ids. Tables are
/// aligned anew.
std::string Normalised(const std::string& text, const Fleet& fleet);

}  // namespace lockstep
