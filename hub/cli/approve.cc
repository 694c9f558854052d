#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/text/count.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"
#include "hub/cli/held_lists.h"

namespace lockstep {
namespace {

struct ApproveFlags {
  std::string application;
  std::string cluster;
  bool all = false;
  bool hub = false;
  bool config = false;
  bool yes = false;
};

absl::StatusOr<v1::ApproveResponse> Ask(FleetClient* client, const v1::ApproveRequest& request) {
  return client->Call<v1::ApproveRequest, v1::ApproveResponse>(&FleetClient::Stub::Approve,
                                                               request);
}

absl::StatusOr<int> ApproveDeletes(CommandContext& context, const ApproveFlags& flags) {
  v1::ApproveRequest request;
  v1::ApproveDeletes* deletes = request.mutable_deletes();
  LOCKSTEP_ASSIGN_OR_RETURN(*deletes->mutable_application(),
                            MakeKey("Application", flags.application, context.flags()));
  deletes->set_cluster(flags.cluster);
  deletes->set_all(flags.all);
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  deletes->set_dry_run(true);
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::ApproveResponse shown, Ask(client, request));
  if (shown.approved().empty()) {
    context.talk() << "nothing of " << KeyText(deletes->application())
                   << " waits for an approval\n";
    return kExitDone;
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const int64_t objects, PrintHeldLists(context.out(), shown.approved()));
  const std::string question = absl::StrCat("Delete ", Counted(objects, "object"), " on ",
                                            Counted(shown.approved_size(), "cluster"), "?");
  if (!flags.yes && !context.Confirm(question)) {
    return absl::CancelledError("nothing was approved; answer yes, or give --yes");
  }
  // The lists that were shown, cluster by cluster: one that has changed since is refused.
  deletes->set_dry_run(false);
  *deletes->mutable_expected() = NameHeldLists(shown.approved());
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::ApproveResponse done, Ask(client, request));
  context.out() << "approved on " << done.approved_size() << " clusters\n";
  for (const v1::HeldList& list : shown.left()) {
    context.talk() << list.cluster() << " waits with another list of " << list.object_count()
                   << " objects; approve it with --cluster " << list.cluster() << " or --all\n";
  }
  return kExitDone;
}

absl::StatusOr<int> Approve(CommandContext& context, const ApproveFlags& flags) {
  const int chosen =
      (flags.application.empty() ? 0 : 1) + (flags.hub ? 1 : 0) + (flags.config ? 1 : 0);
  if (chosen != 1)
    return absl::InvalidArgumentError("approve needs an application, --hub or --config");
  if (!flags.application.empty()) return ApproveDeletes(context, flags);
  v1::ApproveRequest request;
  if (flags.hub) request.set_hub(true);
  if (flags.config) request.set_config(true);
  const absl::string_view question =
      flags.hub
          ? "The hub's agents know a later state than the hub. Push what Git says now all the same?"
          : "Delete what vanished from the configuration repository?";
  if (!flags.yes && !context.Confirm(question)) {
    return absl::CancelledError("nothing was approved; answer yes, or give --yes");
  }
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_RETURN_IF_ERROR(Ask(client, request).status());
  context.out() << "approved\n";
  return kExitDone;
}

}  // namespace

void AddApproveCommand(CommandSet* set) {
  auto flags = std::make_shared<ApproveFlags>();
  CLI::App* app = set->Add("approve", "allow deletes that wait for a person",
                           [flags](CommandContext& context) { return Approve(context, *flags); });
  app->add_option("application", flags->application, "the application whose deletes wait");
  app->add_option("--cluster", flags->cluster, "only on this cluster");
  app->add_flag("--all", flags->all, "on every cluster, also where the lists differ");
  app->add_flag("--hub", flags->hub, "let a hub push that is behind its agents");
  app->add_flag("--config", flags->config,
                "deletes of resources that vanished from the configuration repository");
  app->add_flag("-y,--yes", flags->yes, "do not ask");
}

}  // namespace lockstep
