#include "common/command_line/parse.h"

#include <algorithm>
#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/text/nearest.h"

namespace lockstep {
namespace {

// The first word that is no command where one is expected, with the command that expects it; null
// where all are known.
const CLI::App* FindUnknownWord(const CLI::App* app, const std::vector<std::string>& words,
                                std::string* unknown) {
  for (const std::string& word : words) {
    const auto known = app->get_subcommands({});
    if (known.empty() || absl::StartsWith(word, "-")) return nullptr;
    const auto at = std::find_if(known.begin(), known.end(),
                                 [&](const CLI::App* sub) { return sub->get_name() == word; });
    if (at == known.end()) {
      *unknown = word;
      return app;
    }
    app = *at;
  }
  return nullptr;
}

std::string UnknownWord(const CLI::App& where, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* sub : where.get_subcommands({})) known.push_back(sub->get_name());
  const std::string nearest = NearestWord(word, known);
  return absl::StrCat("\"", absl::Utf8SafeCEscape(word), "\" is no command",
                      nearest.empty() ? "" : absl::StrCat("; did you mean \"", nearest, "\"?"));
}

// CLI11's sentences, as ours begin.
std::string Sentence(std::string text) {
  if (text.size() > 1 && absl::ascii_isupper(text[0]) && !absl::ascii_isupper(text[1])) {
    text[0] = absl::ascii_tolower(text[0]);
  }
  return text;
}

// "lockstep cluster label": as far as the words were understood.
std::string CommandOf(const CLI::App& root) {
  std::string command = root.get_name();
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    absl::StrAppend(&command, " ", app->get_name());
  }
  return command;
}

int WrongUse(std::ostream& talk, const std::string& message, const std::string& command) {
  talk << "error: " << message << "\nsee `" << command << " --help`\n";
  return kExitWrongUse;
}

}  // namespace

std::optional<int> ParseCommandLine(CLI::App* app, std::vector<std::string> arguments,
                                    std::ostream& out, std::ostream& talk) {
  std::string unknown;
  if (const CLI::App* where = FindUnknownWord(app, arguments, &unknown); where != nullptr) {
    std::string command;
    for (const CLI::App* each = where; each != nullptr; each = each->get_parent()) {
      command = absl::StrCat(each->get_name(), command.empty() ? "" : " ", command);
    }
    return WrongUse(talk, UnknownWord(*where, unknown), command);
  }
  std::reverse(arguments.begin(), arguments.end());  // As CLI11 wants them.
  try {
    app->parse(arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app->exit(error, out, talk);
    return WrongUse(talk, Sentence(error.what()), CommandOf(*app));
  }
  return std::nullopt;
}

}  // namespace lockstep
