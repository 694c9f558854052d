#include "common/base/log.h"

#include <memory>

#include <absl/time/clock.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace lockstep {
namespace {

struct Sink {
  Sink() : logger("lockstep", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_pattern("%v");
    logger.flush_on(spdlog::level::debug);
  }
  spdlog::logger logger;
  LogFormat format = LogFormat::kText;
};

Sink& TheSink() {
  static auto* sink = new Sink();  // Outlives every thread that may still log at exit.
  return *sink;
}

spdlog::level::level_enum Native(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

absl::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// A JSON string without its quotes; terminals are safe from it too.
std::string Escape(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20 || c == 0x7f) {
      absl::StrAppend(&out, "\\u", absl::Hex(c, absl::kZeroPad4));
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

bool NeedsQuotes(absl::string_view text) {
  if (text.empty()) return true;
  for (const unsigned char c : text) {
    if (c <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
  }
  return false;
}

}  // namespace

void ConfigureLog(LogLevel least, LogFormat format) {
  TheSink().logger.set_level(Native(least));
  TheSink().format = format;
}

bool ParseLogLevel(absl::string_view text, LogLevel* level) {
  for (const LogLevel known :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (text != Name(known)) continue;
    *level = known;
    return true;
  }
  return false;
}

void Log(LogLevel level, absl::string_view message, std::initializer_list<LogFact> facts) {
  Sink& sink = TheSink();
  if (!sink.logger.should_log(Native(level))) return;
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  std::string line;
  if (sink.format == LogFormat::kJson) {
    absl::StrAppend(&line, R"({"time":")", time, R"(","level":")", Name(level), R"(","msg":")",
                    Escape(message), "\"");
    for (const LogFact& fact : facts) {
      absl::StrAppend(&line, ",\"", fact.name, "\":");
      if (fact.numeric) {
        line += fact.value;
      } else {
        absl::StrAppend(&line, "\"", Escape(fact.value), "\"");
      }
    }
    line += "}";
  } else {
    absl::StrAppend(&line, "time=", time, " level=", Name(level), " msg=\"", Escape(message), "\"");
    for (const LogFact& fact : facts) {
      absl::StrAppend(&line, " ", fact.name, "=");
      if (NeedsQuotes(fact.value)) {
        absl::StrAppend(&line, "\"", Escape(fact.value), "\"");
      } else {
        line += fact.value;
      }
    }
  }
  sink.logger.log(Native(level), "{}", line);
}

}  // namespace lockstep
