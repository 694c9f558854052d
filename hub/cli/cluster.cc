#include <map>
#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/text/count.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

struct ClusterFlags {
  std::string name;
  std::vector<std::string> labels;
  std::string application;
  bool yes = false;
};

absl::StatusOr<int> JoinToken(CommandContext& context, const ClusterFlags& flags) {
  v1::CreateJoinTokenRequest request;
  request.set_cluster(flags.name);
  for (const std::string& label : flags.labels) {
    const std::vector<std::string> parts = absl::StrSplit(label, absl::MaxSplits('=', 1));
    if (parts.size() != 2)
      return absl::InvalidArgumentError(absl::StrCat("--label \"", label, "\" is not KEY=VALUE"));
    (*request.mutable_labels())[parts[0]] = parts[1];
  }
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::CreateJoinTokenResponse response,
                            (client->Call<v1::CreateJoinTokenRequest, v1::CreateJoinTokenResponse>(
                                &FleetClient::Stub::CreateJoinToken, request)));
  LOCKSTEP_ASSIGN_OR_RETURN(const OutputFormat format, context.Output());
  if (format == OutputFormat::kName) {
    context.out() << response.token() << "\n";
    return kExitDone;
  }
  if (response.created_cluster()) context.talk() << "Cluster " << flags.name << " created\n";
  context.talk() << "Run this on the cluster within "
                 << absl::FormatDuration(
                        absl::Ceil(TimeOf(response.expires()) - context.Now(), absl::Minutes(1)))
                 << "; it works once:\n\n";
  context.out() << "lockstep-agent run --state /var/lib/lockstep-agent --target "
                   "directory:/srv/lockstep --join "
                << response.token() << "\n";
  return kExitDone;
}

absl::StatusOr<int> Accept(CommandContext& context, const ClusterFlags& flags) {
  v1::AcceptClusterRequest request;
  request.set_cluster(flags.name);
  if (!flags.application.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(*request.mutable_application(),
                              MakeKey("Application", flags.application, context.flags()));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::AcceptClusterResponse response,
                            (client->Call<v1::AcceptClusterRequest, v1::AcceptClusterResponse>(
                                &FleetClient::Stub::AcceptCluster, request)));
  context.out() << "Cluster " << flags.name << " accepted for "
                << Counted(response.applications_size(), "application") << "\n";
  return kExitDone;
}

absl::StatusOr<int> Label(CommandContext& context, const ClusterFlags& flags) {
  v1::LabelClusterRequest request;
  request.set_cluster(flags.name);
  for (const std::string& label : flags.labels) {
    if (absl::EndsWith(label, "-") && !absl::StrContains(label, "=")) {
      request.add_remove(label.substr(0, label.size() - 1));
      continue;
    }
    const std::vector<std::string> parts = absl::StrSplit(label, absl::MaxSplits('=', 1));
    if (parts.size() != 2) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", label, "\" is neither KEY=VALUE nor KEY-"));
    }
    (*request.mutable_set())[parts[0]] = parts[1];
  }
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::LabelClusterResponse response,
                            (client->Call<v1::LabelClusterRequest, v1::LabelClusterResponse>(
                                &FleetClient::Stub::LabelCluster, request)));
  const std::map<std::string, std::string> sorted(response.labels().begin(),
                                                  response.labels().end());
  context.out() << "Cluster " << flags.name << " labelled "
                << absl::StrJoin(sorted, ",", absl::PairFormatter("=")) << "\n";
  return kExitDone;
}

absl::StatusOr<int> Remove(CommandContext& context, const ClusterFlags& flags) {
  const std::string question = absl::StrCat("Remove cluster ", flags.name,
                                            " and revoke its agent's identity? Its objects stay.");
  if (!flags.yes && !context.Confirm(question)) {
    return absl::CancelledError("nothing was removed; answer yes, or give --yes");
  }
  v1::RemoveClusterRequest request;
  request.set_cluster(flags.name);
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::RemoveClusterResponse response,
                            (client->Call<v1::RemoveClusterRequest, v1::RemoveClusterResponse>(
                                &FleetClient::Stub::RemoveCluster, request)));
  context.out() << "Cluster " << flags.name << " removed\n";
  if (!response.told()) {
    context.talk() << "its agent, if it has one, is offline and goes on correcting; run "
                      "`lockstep-agent release` there to end it\n";
  }
  return kExitDone;
}

}  // namespace

void AddClusterCommands(CommandSet* set) {
  set->AddGroup("cluster", "enrol, accept, label and remove clusters")->require_subcommand(1);
  auto flags = std::make_shared<ClusterFlags>();
  const auto add = [&](absl::string_view name, absl::string_view summary, auto action) {
    CLI::App* app = set->Add(name, summary, [flags, action](CommandContext& context) {
      return action(context, *flags);
    });
    app->add_option("name", flags->name, "the cluster")->required();
    return app;
  };
  add("cluster join-token", "make a one-time token for the cluster's agent", JoinToken)
      ->add_option("--label", flags->labels, "KEY=VALUE, for a cluster that is new")
      ->expected(1)
      ->take_all();
  add("cluster accept", "take over what already lies on the cluster", Accept)
      ->add_option("--application", flags->application, "only for this application");
  add("cluster label", "set (KEY=VALUE) or remove (KEY-) labels", Label)
      ->add_option("labels", flags->labels, "KEY=VALUE or KEY-")
      ->required();
  add("cluster remove", "revoke its identity and forget it; its objects stay", Remove)
      ->add_flag("-y,--yes", flags->yes, "do not ask");
}

}  // namespace lockstep
