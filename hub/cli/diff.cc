#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

struct DiffFlags {
  std::string application;
  std::string revision;
  std::string cluster;
};

absl::string_view Sign(v1::ObjectChange::Action action) {
  switch (action) {
    case v1::ObjectChange::ADD:
      return "+";
    case v1::ObjectChange::REMOVE:
      return "-";
    default:
      return "~";
  }
}

// A Secret's fields come without values.
std::string Values(const v1::FieldChange& field) {
  if (field.before().empty() && field.after().empty()) return "(hidden, changed)";
  return absl::StrCat(field.before().empty() ? "(absent)" : ForTerminal(field.before()), " → ",
                      field.after().empty() ? "(absent)" : ForTerminal(field.after()));
}

void PrintCluster(std::ostream& out, const v1::DiffResponse& cluster) {
  out << cluster.cluster() << " at " << ShortRevision(cluster.revision()) << ": ";
  if (!cluster.error().empty()) {
    out << "cannot be rendered\n  " << ForTerminal(cluster.error()) << "\n";
    return;
  }
  if (cluster.changes().empty()) {
    out << "no change\n";
    return;
  }
  out << cluster.changes_size() << (cluster.changes_size() == 1 ? " object" : " objects")
      << (cluster.held() ? "; its deletes would be held" : "") << "\n";
  for (const v1::ObjectChange& change : cluster.changes()) {
    out << "  " << Sign(change.action()) << " " << ForTerminal(change.object()) << "\n";
    for (const v1::FieldChange& field : change.fields()) {
      out << "      " << ForTerminal(field.path()) << ": " << Values(field) << "\n";
    }
  }
}

absl::StatusOr<int> Diff(CommandContext& context, const DiffFlags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const OutputFormat format, context.Output());
  v1::DiffRequest request;
  LOCKSTEP_ASSIGN_OR_RETURN(*request.mutable_application(),
                            MakeKey("Application", flags.application, context.flags()));
  request.set_revision(flags.revision);
  request.set_cluster(flags.cluster);
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  bool differs = false;
  bool failed = false;
  LOCKSTEP_RETURN_IF_ERROR((client->Stream<v1::DiffRequest, v1::DiffResponse>(
      &FleetClient::Stub::Diff, request, [&](const v1::DiffResponse& cluster) {
        differs |= !cluster.changes().empty();
        failed |= !cluster.error().empty();
        if (format == OutputFormat::kJson || format == OutputFormat::kYaml) {
          context.out() << (format == OutputFormat::kYaml ? "---\n" : "")
                        << FormatMessage(cluster, format);
        } else {
          PrintCluster(context.out(), cluster);
        }
        return true;
      })));
  if (failed) return kExitFailed;
  return differs ? kExitNotConverged : kExitDone;
}

}  // namespace

void AddDiffCommand(CommandSet* set) {
  auto flags = std::make_shared<DiffFlags>();
  CLI::App* app = set->Add("diff", "show what a revision would change on which cluster",
                           [flags](CommandContext& context) { return Diff(context, *flags); });
  app->add_option("application", flags->application, "the application")->required();
  app->add_option("--revision", flags->revision, "branch, tag or commit; absent: the newest known");
  app->add_option("--cluster", flags->cluster, "only this cluster");
}

}  // namespace lockstep
