// Completion scripts from the command tree itself, so that they can never name what is not there.

#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "hub/cli/command.h"

namespace lockstep {
namespace {

// Words that may follow a path of commands ("", "cluster", "cluster label", …).
struct Level {
  std::string path;
  std::vector<std::string> words;
};

void AddOptions(const CLI::App* app, std::vector<std::string>* words) {
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& name : option->get_lnames()) words->push_back(absl::StrCat("--", name));
  }
}

void Collect(const CLI::App* root, const CLI::App* app, const std::string& path,
             std::vector<Level>* levels) {
  Level level{path, {}};
  for (const CLI::App* sub : app->get_subcommands({})) level.words.push_back(sub->get_name());
  AddOptions(app, &level.words);
  if (app != root) AddOptions(root, &level.words);
  levels->push_back(std::move(level));
  for (const CLI::App* sub : app->get_subcommands({})) {
    Collect(root, sub, path.empty() ? sub->get_name() : absl::StrCat(path, " ", sub->get_name()),
            levels);
  }
}

constexpr absl::string_view kKinds = "applications gitrepositories clusters secrets";

std::string Bash(const std::vector<Level>& levels) {
  std::string out = R"(# bash completion for lockstep: source <(lockstep completion bash)
_lockstep() {
  local cur=${COMP_WORDS[COMP_CWORD]} path="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *)
      case "${path:+$path }$word" in
)";
  for (const Level& level : levels) {
    if (!level.path.empty())
      absl::StrAppend(&out, "        \"", level.path, "\") path=\"", level.path, "\" ;;\n");
  }
  out += "      esac ;;\n    esac\n  done\n  local words=\"\"\n  case \"$path\" in\n";
  for (const Level& level : levels) {
    const bool kinds = level.path == "get" || level.path == "describe" || level.path == "delete" ||
                       level.path == "suspend" || level.path == "resume";
    absl::StrAppend(&out, "    \"", level.path, "\") words=\"", absl::StrJoin(level.words, " "),
                    kinds ? absl::StrCat(" ", kKinds) : "", "\" ;;\n");
  }
  out +=
      "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F "
      "_lockstep lockstep\n";
  return out;
}

std::string Fish(const std::vector<Level>& levels) {
  std::string out = "# fish completion for lockstep: lockstep completion fish | source\n";
  for (const Level& level : levels) {
    const std::string condition = level.path.empty()
                                      ? "__fish_use_subcommand"
                                      : absl::StrCat("__fish_seen_subcommand_from ",
                                                     level.path.substr(level.path.rfind(' ') + 1));
    for (const std::string& word : level.words) {
      const bool option = word.substr(0, 2) == "--";
      absl::StrAppend(&out, "complete -c lockstep -n '", condition, "' ", option ? "-l " : "-a ",
                      option ? word.substr(2) : word, "\n");
    }
  }
  return out;
}

}  // namespace

void AddCompletionCommand(CommandSet* set) {
  auto shell = std::make_shared<std::string>();
  CLI::App* root = &set->root();
  CLI::App* app = set->Add("completion", "print a completion script for bash, zsh or fish",
                           [shell, root](CommandContext& context) -> absl::StatusOr<int> {
                             std::vector<Level> levels;
                             Collect(root, root, "", &levels);
                             if (*shell == "fish") {
                               context.out() << Fish(levels);
                             } else {
                               if (*shell == "zsh")
                                 context.out() << "autoload -U +X bashcompinit && bashcompinit\n";
                               context.out() << Bash(levels);
                             }
                             return kExitDone;
                           });
  app->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

}  // namespace lockstep
