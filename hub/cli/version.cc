#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

absl::StatusOr<int> Version(CommandContext& context, bool client_only) {
  context.out() << "lockstep " << LOCKSTEP_VERSION << "\n";
  if (client_only) return kExitDone;
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::GetHubResponse hub,
                            (client->Call<v1::GetHubRequest, v1::GetHubResponse>(
                                &FleetClient::Stub::GetHub, v1::GetHubRequest())));
  context.out() << "hub " << ForTerminal(hub.version()) << ", up "
                << ShortAge(context.Now() - TimeOf(hub.started())) << ", " << hub.clusters_online()
                << " of " << hub.clusters() << " clusters online, commit " << hub.commit_counter()
                << ", you are " << ForTerminal(hub.user()) << "\n";
  if (hub.behind()) {
    context.talk() << "warning: the hub is behind " << hub.behind_agents_size()
                   << " of its agents and pushes nothing; see `lockstep approve --help`\n";
  }
  if (hub.read_only())
    context.talk()
        << "warning: the hub's disk is nearly full; it changes nothing until there is room\n";
  return kExitDone;
}

}  // namespace

void AddVersionCommand(CommandSet* set) {
  auto client_only = std::make_shared<bool>(false);
  set->Add("version", "show the versions of this program and of the hub",
           [client_only](CommandContext& context) { return Version(context, *client_only); })
      ->add_flag("--client", *client_only, "only this program's");
}

}  // namespace lockstep
