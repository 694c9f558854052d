#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <google/protobuf/message.h>

#include "lockstep/v1/fleet.pb.h"

#include "common/base/clock.h"
#include "hub/cli/output.h"

namespace CLI {
class App;
}

namespace lockstep {

class FleetClient;

/// What a command ends with.
enum ExitCode : int {
  kExitDone = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitNotConverged = 3,  // Also: differences found.
};

/// Flags that every command takes.
struct GlobalFlags {
  std::string context_file;  // "": $LOCKSTEP_CONFIG, then DefaultContextPath().
  std::string context;       // "": the file's current one.
  std::string name_space = "default";
  bool all_namespaces = false;
  std::string output = "table";
  std::string timeout = "30s";  // Of one call; for waiting commands of the whole wait.
};

/// What a command works with while it runs. One thread.
class CommandContext {
 public:
  using Connector = std::function<absl::StatusOr<std::unique_ptr<FleetClient>>(const GlobalFlags&)>;

  /// All borrowed but `connector`. `interactive`: `out` is a terminal, a person can be asked on
  /// `in`.
  CommandContext(std::istream* in, std::ostream* out, std::ostream* talk, bool interactive,
                 const Clock* clock, Connector connector);
  ~CommandContext();

  GlobalFlags& flags() { return flags_; }
  /// Answers go here.
  std::ostream& out() { return *out_; }
  /// Progress, warnings and questions go here.
  std::ostream& talk() { return *talk_; }
  bool interactive() const { return interactive_; }
  absl::Time Now() const { return clock_->Now(); }
  const Clock& clock() const { return *clock_; }

  /// `-o`; INVALID_ARGUMENT for an unknown one.
  absl::StatusOr<OutputFormat> Output() const;
  /// `--timeout`; INVALID_ARGUMENT where it is no positive duration.
  absl::StatusOr<absl::Duration> Timeout() const;
  /// Connects at the first call.
  absl::StatusOr<FleetClient*> Client();

  /// Asks a person to type yes. False where nobody can be asked or the answer is another.
  bool Confirm(absl::string_view question);

 private:
  GlobalFlags flags_;
  std::istream* const in_;
  std::ostream* const out_;
  std::ostream* const talk_;
  const bool interactive_;
  const Clock* const clock_;
  const Connector connector_;
  std::unique_ptr<FleetClient> client_;
};

/// The commands of `lockstep`, as a CLI11 tree whose help texts are docs/cli/*.md.
class CommandSet {
 public:
  using Action = absl::AnyInvocable<absl::StatusOr<int>(CommandContext&)>;

  explicit CommandSet(CommandContext* context);
  ~CommandSet();

  /// A command ("get", or "cluster label" below an added "cluster"); `action` runs it. `summary` is
  /// its line in the list.
  CLI::App* Add(absl::string_view name, absl::string_view summary, Action action);
  /// A command that only holds others.
  CLI::App* AddGroup(absl::string_view name, absl::string_view summary);

  CLI::App& root() { return *root_; }

  /// Parses and runs. Messages to `talk`; returns the exit code.
  int Run(std::vector<std::string> arguments);

 private:
  CommandContext* const context_;
  std::unique_ptr<CLI::App> root_;
  struct Entry;
  std::vector<std::unique_ptr<Entry>> entries_;
};

/// Adds all commands.
void AddAllCommands(CommandSet* set);

// One per file.
void AddApplyCommand(CommandSet* set);
void AddApproveCommand(CommandSet* set);
void AddClusterCommands(CommandSet* set);
void AddCompletionCommand(CommandSet* set);
void AddDeleteCommand(CommandSet* set);
void AddDescribeCommand(CommandSet* set);
void AddDiffCommand(CommandSet* set);
void AddEventsCommand(CommandSet* set);
void AddGetCommand(CommandSet* set);
void AddHealthCommand(CommandSet* set);
void AddHistoryCommand(CommandSet* set);
void AddRenderCommand(CommandSet* set);
void AddSuspendCommands(CommandSet* set);
void AddSyncCommand(CommandSet* set);
void AddValidateCommand(CommandSet* set);
void AddVersionCommand(CommandSet* set);

/// The kind that `word` means: Application for application, applications, app or apps, and so on;
/// INVALID_ARGUMENT with the nearest known word otherwise.
absl::StatusOr<std::string> ParseKind(absl::string_view word);
/// "application.lockstep.dev/shop/web", for `-o name`.
std::string NameOf(const v1::Resource& resource);
const v1::ObjectMeta& MetaOf(const v1::Resource& resource);
/// From KIND and NAME, or NAMESPACE/NAME, with `-n` for a name alone.
absl::StatusOr<v1::ResourceKey> MakeKey(absl::string_view kind, absl::string_view name,
                                        const GlobalFlags& flags);
/// "Application shop/web", for messages.
std::string KeyText(const v1::ResourceKey& key);
absl::Time TimeOf(const google::protobuf::Timestamp& time);

/// `message` as YAML or JSON, ending in a newline.
std::string FormatMessage(const google::protobuf::Message& message, OutputFormat format);
/// The resource itself: FormatMessage of what it holds.
std::string FormatResource(const v1::Resource& resource, OutputFormat format);

/// Waits until the application is Ready on all of its clusters (`at_least` in its revision, if not
/// empty), with progress on `talk`. kExitNotConverged after the time.
absl::StatusOr<int> WaitForApplication(CommandContext& context, const v1::ResourceKey& key,
                                       absl::string_view at_least);

}  // namespace lockstep
