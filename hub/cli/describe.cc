#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

constexpr int kEventsShown = 20;

struct DescribeFlags {
  std::string kind;
  std::string name;
};

void PrintEvents(CommandContext& context, const std::vector<v1::FleetEvent>& events) {
  if (events.empty()) return;
  context.out() << "events:\n";
  Table table({"AGE", "TYPE", "REASON", "CLUSTER", "BY", "MESSAGE"});
  for (const v1::FleetEvent& event : events) {
    table.AddRow({ShortAge(context.Now() - TimeOf(event.time())), event.type(), event.reason(),
                  event.cluster(), event.by(), ShortRevision(event.message())});
  }
  context.out() << table.ToString();
}

absl::StatusOr<int> Describe(CommandContext& context, const DescribeFlags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string kind, ParseKind(flags.kind));
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::ResourceKey key, MakeKey(kind, flags.name, context.flags()));
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::GetResponse response, client->Get(key));
  context.out() << FormatResource(response.resource(), OutputFormat::kYaml);
  v1::EventsRequest request;
  *request.mutable_about() = key;
  request.set_last(kEventsShown);
  std::vector<v1::FleetEvent> events;
  LOCKSTEP_RETURN_IF_ERROR((client->Stream<v1::EventsRequest, v1::EventsResponse>(
      &FleetClient::Stub::Events, request, [&](const v1::EventsResponse& part) {
        events.insert(events.end(), part.events().begin(), part.events().end());
        return true;
      })));
  PrintEvents(context, events);
  return kExitDone;
}

}  // namespace

void AddDescribeCommand(CommandSet* set) {
  auto flags = std::make_shared<DescribeFlags>();
  CLI::App* app = set->Add("describe", "show one resource with its status and latest events",
                           [flags](CommandContext& context) { return Describe(context, *flags); });
  app->add_option("kind", flags->kind, "application, gitrepository, cluster or secret")->required();
  app->add_option("name", flags->name, "its name")->required();
}

}  // namespace lockstep
