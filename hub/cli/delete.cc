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

struct DeleteFlags {
  std::string kind;
  std::string name;
  std::string cluster;
  bool orphan = false;
  bool objects = false;
  bool yes = false;
  bool wait = false;
};

absl::StatusOr<v1::DeleteResponse> Ask(FleetClient* client, const v1::DeleteRequest& request) {
  return client->Call<v1::DeleteRequest, v1::DeleteResponse>(&FleetClient::Stub::Delete, request);
}

// The lists are shown, and the answer yes is the approval of exactly these.
absl::Status ApproveLists(CommandContext& context, FleetClient* client, bool yes,
                          v1::DeleteRequest* request) {
  v1::DeleteRequest look = *request;
  look.set_dry_run(true);
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::DeleteResponse lists, Ask(client, look));
  LOCKSTEP_ASSIGN_OR_RETURN(const int64_t objects, PrintHeldLists(context.out(), lists.lists()));
  const std::string question = absl::StrCat("Delete ", Counted(objects, "object"), " on ",
                                            Counted(lists.lists_size(), "cluster"), "?");
  if (!yes && !context.Confirm(question)) {
    return absl::CancelledError("nothing was deleted; answer yes, or give --yes");
  }
  *request->mutable_approved() = NameHeldLists(lists.lists());
  return absl::OkStatus();
}

absl::StatusOr<int> DeleteOrphans(CommandContext& context, const DeleteFlags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<v1::OrphanList> found, client->Orphans(flags.cluster));
  if (found.empty()) {
    context.talk() << "no orphans\n";
    return kExitDone;
  }
  int objects = 0;
  v1::DeleteOrphansRequest request;
  for (v1::OrphanList& list : found) {
    for (const std::string& object : list.objects())
      context.out() << list.cluster() << ": " << ForTerminal(object) << "\n";
    objects += list.objects_size();
    list.clear_objects();
    *request.add_lists() = std::move(list);
  }
  if (!flags.yes && !context.Confirm(absl::StrCat("Delete ", Counted(objects, "object"), "?"))) {
    return absl::CancelledError("nothing was deleted; answer yes, or give --yes");
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::DeleteOrphansResponse response,
                            (client->Call<v1::DeleteOrphansRequest, v1::DeleteOrphansResponse>(
                                &FleetClient::Stub::DeleteOrphans, request)));
  context.out() << response.requested() << " deletes handed to their agents\n";
  if (response.requested() < objects) {
    context.talk() << objects - response.requested()
                   << " more than an agent is told at once stay: ask again when these are gone\n";
  }
  return kExitDone;
}

absl::StatusOr<int> Delete(CommandContext& context, const DeleteFlags& flags) {
  if (flags.kind == "orphans") return DeleteOrphans(context, flags);
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string kind, ParseKind(flags.kind));
  if (flags.name.empty())
    return absl::InvalidArgumentError("delete needs the name of what to delete");
  if (kind == "Cluster") {
    return absl::InvalidArgumentError(
        absl::StrCat("a cluster is removed with `lockstep cluster remove ", flags.name,
                     "`, which also revokes its agent's identity"));
  }
  if (flags.orphan && flags.objects)
    return absl::InvalidArgumentError("--orphan and --objects exclude each other");
  v1::DeleteRequest request;
  LOCKSTEP_ASSIGN_OR_RETURN(*request.mutable_key(), MakeKey(kind, flags.name, context.flags()));
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  if (flags.orphan) request.set_objects(v1::DeleteRequest::ORPHAN);
  if (flags.objects) {
    request.set_objects(v1::DeleteRequest::DELETE);
    LOCKSTEP_RETURN_IF_ERROR(ApproveLists(context, client, flags.yes, &request));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::DeleteResponse response, Ask(client, request));
  if (response.waiting_for().empty()) {
    context.out() << KeyText(request.key()) << " deleted\n";
    return kExitDone;
  }
  context.out() << KeyText(request.key()) << " is going; " << response.waiting_for_size()
                << " clusters are to report:";
  for (const std::string& cluster : response.waiting_for()) context.out() << " " << cluster;
  context.out() << "\n";
  if (!flags.wait) return kExitDone;
  LOCKSTEP_ASSIGN_OR_RETURN(const absl::Duration timeout, context.Timeout());
  LOCKSTEP_RETURN_IF_ERROR(client->WaitUntil(timeout, [&]() -> absl::StatusOr<bool> {
    const absl::StatusOr<v1::GetResponse> left = client->Get(request.key());
    if (absl::IsNotFound(left.status())) return true;
    return left.ok() ? absl::StatusOr<bool>(false) : left.status();
  }));
  context.out() << KeyText(request.key()) << " deleted\n";
  return kExitDone;
}

}  // namespace

void AddDeleteCommand(CommandSet* set) {
  auto flags = std::make_shared<DeleteFlags>();
  CLI::App* app = set->Add("delete", "let resources go",
                           [flags](CommandContext& context) { return Delete(context, *flags); });
  app->add_option("kind", flags->kind, "application, gitrepository, secret or orphans")->required();
  app->add_option("name", flags->name, "its name");
  app->add_option("--cluster", flags->cluster, "only orphans of this cluster");
  app->add_flag("--orphan", flags->orphan, "stop waiting for clusters; objects stay");
  app->add_flag("--objects", flags->objects, "delete the application's objects too");
  app->add_flag("-y,--yes", flags->yes, "do not ask");
  app->add_flag("--wait", flags->wait, "wait until it is gone");
}

}  // namespace lockstep
