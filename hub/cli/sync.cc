#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

struct SyncFlags {
  std::vector<std::string> words;  // [KIND] NAME
  bool wait = false;
};

absl::StatusOr<int> Sync(CommandContext& context, const SyncFlags& flags) {
  std::string kind = "Application";
  if (flags.words.size() == 2) {
    LOCKSTEP_ASSIGN_OR_RETURN(kind, ParseKind(flags.words.front()));
  }
  if (kind != "Application" && kind != "GitRepository") {
    return absl::InvalidArgumentError("applications and gitrepositories can be synced");
  }
  v1::SyncRequest request;
  LOCKSTEP_ASSIGN_OR_RETURN(*request.mutable_key(),
                            MakeKey(kind, flags.words.back(), context.flags()));
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(
      const v1::SyncResponse response,
      (client->Call<v1::SyncRequest, v1::SyncResponse>(&FleetClient::Stub::Sync, request)));
  context.out() << KeyText(request.key()) << " at " << ShortRevision(response.revision())
                << (response.changed() ? ", new" : ", unchanged") << "\n";
  if (!flags.wait || kind != "Application") return kExitDone;
  return WaitForApplication(context, request.key(), response.revision());
}

}  // namespace

void AddSyncCommand(CommandSet* set) {
  auto flags = std::make_shared<SyncFlags>();
  CLI::App* app = set->Add("sync", "look at Git and compare now",
                           [flags](CommandContext& context) { return Sync(context, *flags); });
  app->add_option("what", flags->words, "[application|gitrepository] NAME")
      ->required()
      ->expected(1, 2);
  app->add_flag("--wait", flags->wait, "wait until the application is ready at that revision");
}

}  // namespace lockstep
