#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/health/kinds.h"
#include "common/object/value.h"

namespace lockstep {

/// What one run of a rule may use. The defaults hold everywhere; tests make them smaller.
struct LuaLimits {
  int64_t steps = 300'000;          // Of the interpreter, and of matching patterns.
  int64_t bytes = 32 << 20;         // Ever allocated: nothing is collected during a run.
  int64_t string_bytes = 64 << 10;  // Of one string; those of the object are cut to it.
};

/// A script that judges objects, in the form of Argo CD's health.lua: it sees the object as `obj`
/// and returns a table with `status` and `message`. Compiled once; runs share nothing, so that any
/// thread may run it. About 15 µs of CPU for a simple rule on an ordinary object.
///
/// The sandbox and its limits: docs/health.md.
class LuaRule {
 public:
  /// INVALID_ARGUMENT for a script that does not compile ("ORIGIN:LINE: …") or is over 256 KiB.
  static absl::StatusOr<LuaRule> Compile(absl::string_view script, absl::string_view origin);

  /// What the script says; nothing where it returns nothing, or a table without status.
  ///
  /// Errors, all with "ORIGIN:LINE: …": FAILED_PRECONDITION for what is outside the sandbox and
  /// for every other mistake of the script; RESOURCE_EXHAUSTED for a limit.
  absl::StatusOr<std::optional<Judgement>> Run(const Value& object, absl::Time now,
                                               const LuaLimits& limits = {}) const;

  const std::string& origin() const { return origin_; }

 private:
  LuaRule(std::string bytecode, std::string origin)
      : bytecode_(std::move(bytecode)), origin_(std::move(origin)) {}

  std::string bytecode_;
  std::string origin_;
};

}  // namespace lockstep
