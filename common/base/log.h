#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>

#include <absl/status/status.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

namespace lockstep {

/// kError: someone must act. kWarning: degraded, continuing. kInfo: changes of state at fleet
/// scale. kDebug: one agent, one message.
enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

enum class LogFormat : uint8_t { kText, kJson };

/// One fact of a log line: a constant name and a value. Never a secret: names and digests only.
struct LogFact {
  template <typename T>
  LogFact(absl::string_view fact_name, const T& fact_value)
      : name(fact_name), value(Text(fact_value)) {
    numeric = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
  }

  absl::string_view name;
  std::string value;
  bool numeric = false;  // Printed without quotes in JSON.

 private:
  static std::string Text(bool value) { return value ? "true" : "false"; }
  static std::string Text(const absl::Status& status) { return status.ToString(); }
  static std::string Text(absl::Duration value) { return absl::FormatDuration(value); }
  static std::string Text(absl::Time value) { return absl::FormatTime(value, absl::UTCTimeZone()); }
  template <typename T>
  static std::string Text(const T& value) {
    return absl::StrCat(value);
  }
};

/// Sets the least level that is written and the format. Standard error is the sink. Call once,
/// before threads start.
void ConfigureLog(LogLevel least, LogFormat format);

/// Reads a level by its name (debug, info, warning, error) into `level`; false for any other text.
bool ParseLogLevel(absl::string_view text, LogLevel* level);

/// Writes one line: `message` is constant, what varies is in `facts`. Control characters are
/// escaped. Thread-safe.
///
///     Log(LogLevel::kInfo, "repository fetched", {{"repository", name}, {"commits", 3}});
void Log(LogLevel level, absl::string_view message, std::initializer_list<LogFact> facts = {});

}  // namespace lockstep
