// Waiting for an application to be everywhere what Git says, with progress for a person or for a
// log.

#include <ostream>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

bool IsReady(const v1::ApplicationStatus& status) {
  for (const v1::Condition& condition : status.conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

// One line on a terminal, rewritten; a line per change elsewhere.
class Progress {
 public:
  explicit Progress(CommandContext* context) : context_(context) {}

  void Show(const std::string& line) {
    if (line == last_) return;
    if (context_->interactive()) {
      context_->talk() << "\r\033[K" << ForTerminal(line) << std::flush;
    } else {
      context_->talk() << ForTerminal(line) << "\n" << std::flush;
    }
    last_ = line;
  }
  ~Progress() {
    if (context_->interactive() && !last_.empty()) context_->talk() << "\n";
  }

 private:
  CommandContext* const context_;
  std::string last_;
};

}  // namespace

absl::StatusOr<int> WaitForApplication(CommandContext& context, const v1::ResourceKey& key,
                                       absl::string_view at_least) {
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(const absl::Duration timeout, context.Timeout());
  std::string line;
  absl::Status waited;
  {
    Progress progress(&context);
    waited = client->WaitUntil(timeout, [&]() -> absl::StatusOr<bool> {
      LOCKSTEP_ASSIGN_OR_RETURN(const v1::GetResponse response, client->Get(key));
      const v1::ApplicationStatus& status = response.resource().application().status();
      line = absl::StrCat(KeyText(key), ": ", status.clusters_ready(), "/", status.clusters(),
                          " clusters ready, ", status.state(),
                          status.revision().empty() ? "" : ", ", ShortRevision(status.revision()));
      progress.Show(line);
      return IsReady(status) && (at_least.empty() || status.revision() == at_least);
    });
  }
  if (waited.ok()) return kExitDone;
  if (!absl::IsDeadlineExceeded(waited)) return waited;
  context.talk() << "error: waited " << absl::FormatDuration(timeout) << " for "
                 << ForTerminal(line) << "; see `lockstep describe application " << key.namespace_()
                 << "/" << key.name() << "`\n";
  return kExitNotConverged;
}

}  // namespace lockstep
