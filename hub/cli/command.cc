#include "hub/cli/command.h"

#include <algorithm>
#include <istream>
#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/command_line/parse.h"
#include "hub/cli/client.h"
#include "hub/cli/help.h"

namespace lockstep {

CommandContext::CommandContext(std::istream* in, std::ostream* out, std::ostream* talk,
                               bool interactive, const Clock* clock, Connector connector)
    : in_(in),
      out_(out),
      talk_(talk),
      interactive_(interactive),
      clock_(clock),
      connector_(std::move(connector)) {}

CommandContext::~CommandContext() = default;

absl::StatusOr<OutputFormat> CommandContext::Output() const {
  OutputFormat format;
  if (ParseOutputFormat(flags_.output, &format)) return format;
  return absl::InvalidArgumentError(
      absl::StrCat("--output \"", flags_.output, "\" is none of table, wide, json, yaml, name"));
}

absl::StatusOr<absl::Duration> CommandContext::Timeout() const {
  absl::Duration timeout;
  if (absl::ParseDuration(flags_.timeout, &timeout) && timeout > absl::ZeroDuration())
    return timeout;
  return absl::InvalidArgumentError(
      absl::StrCat("--timeout \"", flags_.timeout, "\" is no duration such as 30s or 5m"));
}

absl::StatusOr<FleetClient*> CommandContext::Client() {
  if (client_ == nullptr) {
    LOCKSTEP_ASSIGN_OR_RETURN(client_, connector_(flags_));
  }
  return client_.get();
}

bool CommandContext::Confirm(absl::string_view question) {
  if (!interactive_) return false;
  *talk_ << question << " Type yes to go on: " << std::flush;
  std::string answer;
  std::getline(*in_, answer);
  return absl::StripAsciiWhitespace(answer) == "yes";
}

struct CommandSet::Entry {
  CLI::App* app;
  Action action;
};

CommandSet::CommandSet(CommandContext* context)
    : context_(context),
      root_(std::make_unique<CLI::App>("Keeps a fleet of clusters in lockstep with Git.",
                                       "lockstep")) {
  GlobalFlags& flags = context->flags();
  root_->add_option("--config", flags.context_file,
                    "file of contexts; else $LOCKSTEP_CONFIG, ~/.config/lockstep/config");
  root_->add_option("--context", flags.context, "context of that file");
  root_->add_option("-n,--namespace", flags.name_space, "namespace of names that have none");
  root_->add_flag("-A,--all-namespaces", flags.all_namespaces, "all namespaces");
  root_->add_option("-o,--output", flags.output, "table, wide, json, yaml or name");
  root_->add_option("--timeout", flags.timeout, "of the call, or of the whole wait");
  root_->fallthrough();
  root_->require_subcommand(1);
}

CommandSet::~CommandSet() = default;

CLI::App* CommandSet::AddGroup(absl::string_view name, absl::string_view summary) {
  CLI::App* parent = root_.get();
  std::vector<std::string> words = absl::StrSplit(name, ' ');
  for (size_t i = 0; i + 1 < words.size(); ++i) parent = parent->get_subcommand(words[i]);
  CLI::App* app = parent->add_subcommand(words.back(), std::string(summary));
  app->fallthrough();
  const std::string help(HelpText(absl::StrJoin(words, "-")));
  app->formatter_fn(
      [help](const CLI::App*, const std::string&, CLI::AppFormatMode) { return help; });
  return app;
}

CLI::App* CommandSet::Add(absl::string_view name, absl::string_view summary, Action action) {
  CLI::App* app = AddGroup(name, summary);
  entries_.push_back(std::make_unique<Entry>(Entry{app, std::move(action)}));
  return app;
}

int CommandSet::Run(std::vector<std::string> arguments) {
  if (const std::optional<int> code =
          ParseCommandLine(root_.get(), std::move(arguments), context_->out(), context_->talk())) {
    return *code;
  }
  for (const auto& entry : entries_) {
    if (!entry->app->parsed() || !entry->app->get_subcommands().empty()) continue;
    const absl::StatusOr<int> code = entry->action(*context_);
    if (code.ok()) return *code;
    context_->talk() << "error: " << ForTerminal(code.status().message(), /*multiline=*/true)
                     << "\n";
    if (absl::IsInvalidArgument(code.status())) return kExitUsage;
    return absl::IsDeadlineExceeded(code.status()) ? kExitNotConverged : kExitFailed;
  }
  context_->out() << root_->help();
  return kExitUsage;
}

void AddAllCommands(CommandSet* set) {
  AddGetCommand(set);
  AddDescribeCommand(set);
  AddApplyCommand(set);
  AddDeleteCommand(set);
  AddDiffCommand(set);
  AddSyncCommand(set);
  AddApproveCommand(set);
  AddSuspendCommands(set);
  AddHealthCommand(set);
  AddHistoryCommand(set);
  AddEventsCommand(set);
  AddClusterCommands(set);
  AddRenderCommand(set);
  AddValidateCommand(set);
  AddCompletionCommand(set);
  AddVersionCommand(set);
}

}  // namespace lockstep
