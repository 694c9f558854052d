#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

struct SuspendFlags {
  std::string kind;
  std::string name;
  std::string reason;
};

absl::StatusOr<v1::ResourceKey> Key(CommandContext& context, const SuspendFlags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string kind, ParseKind(flags.kind));
  if (kind == "Secret") return absl::InvalidArgumentError("a Secret cannot be suspended");
  return MakeKey(kind, flags.name, context.flags());
}

absl::StatusOr<int> Suspend(CommandContext& context, const SuspendFlags& flags) {
  v1::SuspendRequest request;
  LOCKSTEP_ASSIGN_OR_RETURN(*request.mutable_key(), Key(context, flags));
  request.set_reason(flags.reason);
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_RETURN_IF_ERROR(
      (client->Call<v1::SuspendRequest, v1::SuspendResponse>(&FleetClient::Stub::Suspend, request))
          .status());
  context.out() << KeyText(request.key()) << " suspended\n";
  return kExitDone;
}

absl::StatusOr<int> Resume(CommandContext& context, const SuspendFlags& flags) {
  v1::ResumeRequest request;
  LOCKSTEP_ASSIGN_OR_RETURN(*request.mutable_key(), Key(context, flags));
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(
      const v1::ResumeResponse response,
      (client->Call<v1::ResumeRequest, v1::ResumeResponse>(&FleetClient::Stub::Resume, request)));
  if (response.still_suspended_by().empty()) {
    context.out() << KeyText(request.key()) << " resumed\n";
    return kExitDone;
  }
  context.talk() << KeyText(request.key()) << " stays suspended by "
                 << ForTerminal(response.still_suspended_by()) << "\n";
  return kExitFailed;
}

void AddOptions(CLI::App* app, SuspendFlags* flags) {
  app->add_option("kind", flags->kind, "application, gitrepository or cluster")->required();
  app->add_option("name", flags->name, "its name")->required();
}

}  // namespace

void AddSuspendCommands(CommandSet* set) {
  auto suspend = std::make_shared<SuspendFlags>();
  CLI::App* app =
      set->Add("suspend", "stop fetching, applying and correcting",
               [suspend](CommandContext& context) { return Suspend(context, *suspend); });
  AddOptions(app, suspend.get());
  app->add_option("--reason", suspend->reason, "why, for those who find it suspended");
  auto resume = std::make_shared<SuspendFlags>();
  AddOptions(set->Add("resume", "end a suspension",
                      [resume](CommandContext& context) { return Resume(context, *resume); }),
             resume.get());
}

}  // namespace lockstep
