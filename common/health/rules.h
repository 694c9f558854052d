#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/health/lua_rule.h"
#include "common/object/value.h"

namespace lockstep {

/// Lua rules by group and kind. Filled once, then read by any number of threads.
class HealthRules {
 public:
  /// No user's rules; the shipped ones.
  HealthRules();
  ~HealthRules();
  HealthRules(HealthRules&&) noexcept;
  HealthRules& operator=(HealthRules&&) noexcept;

  /// Adds a user's rule. `key` is GROUP/KIND, or KIND for the core group; '*' stands for any text
  /// ('/' too) and '?' for any one character, in either part. A key that is there already is
  /// replaced. `origin` is what messages call the script.
  ///
  /// INVALID_ARGUMENT for a bad key and for a script that does not compile, with its line.
  absl::Status Add(absl::string_view key, absl::string_view script, absl::string_view origin);

  /// As Add, for many, from an argocd-cm ConfigMap: `data` holds `resource.customizations` (YAML:
  /// GROUP/KIND: {health.lua: …}) and `resource.customizations.health.GROUP_KIND`, which wins over
  /// the former for the same key. Everything else in it is passed over. `origin` names the file.
  absl::Status AddConfigMap(const Value& config_map, absl::string_view origin);

  /// The user's rule for a kind, or null. A key without wildcards goes first; then the key with the
  /// most characters that are no wildcard; then the first in the order of bytes.
  const LuaRule* FindUserRule(absl::string_view group, absl::string_view kind) const;
  /// The shipped rule for a kind by the same order, or null.
  static const LuaRule* FindShippedRule(absl::string_view group, absl::string_view kind);

  size_t size() const;

 private:
  class Table;
  static const Table& Shipped();

  std::unique_ptr<Table> user_;
};

/// GROUP/KIND of each shipped rule, sorted, with '*' as wildcard.
std::vector<std::string> ShippedHealthRules();

}  // namespace lockstep
