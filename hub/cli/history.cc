#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

struct HistoryFlags {
  std::string application;
  int limit = 20;
};

absl::StatusOr<int> History(CommandContext& context, const HistoryFlags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const OutputFormat format, context.Output());
  v1::HistoryRequest request;
  LOCKSTEP_ASSIGN_OR_RETURN(*request.mutable_application(),
                            MakeKey("Application", flags.application, context.flags()));
  request.set_limit(flags.limit);
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::HistoryResponse response,
                            (client->Call<v1::HistoryRequest, v1::HistoryResponse>(
                                &FleetClient::Stub::History, request)));
  if (format == OutputFormat::kJson || format == OutputFormat::kYaml) {
    context.out() << FormatMessage(response, format);
    return kExitDone;
  }
  Table table({"AGE", "REVISION", "CLUSTER", "GENERATION", "CHANGES", "CAUSE", "BY"});
  for (const v1::ReleaseRecordView& release : response.releases()) {
    table.AddRow(
        {ShortAge(context.Now() - TimeOf(release.time())), ShortRevision(release.revision()),
         release.cluster(), absl::StrCat(release.generation()),
         absl::StrCat("+", release.added(), " ~", release.changed(), " -", release.removed()),
         release.cause(), release.by()});
  }
  context.out() << table.ToString();
  return kExitDone;
}

}  // namespace

void AddHistoryCommand(CommandSet* set) {
  auto flags = std::make_shared<HistoryFlags>();
  CLI::App* app = set->Add("history", "show an application's releases, newest first",
                           [flags](CommandContext& context) { return History(context, *flags); });
  app->add_option("application", flags->application, "the application")->required();
  app->add_option("--limit", flags->limit, "at most so many")->check(CLI::Range(1, 1000));
}

}  // namespace lockstep
