#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

struct EventsFlags {
  std::vector<std::string> about;  // [KIND NAME]
  int last = 50;
  bool follow = false;
};

std::string Line(const v1::FleetEvent& event) {
  std::string line = absl::StrCat(
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", TimeOf(event.time()), absl::UTCTimeZone()), "  ",
      event.type(), "  ", event.reason());
  if (event.has_about()) absl::StrAppend(&line, "  ", KeyText(event.about()));
  if (!event.cluster().empty()) absl::StrAppend(&line, "  on ", event.cluster());
  absl::StrAppend(&line, "  ", ShortRevision(event.message()));
  if (!event.by().empty()) absl::StrAppend(&line, "  (by ", event.by(), ")");
  return OneLine(line);
}

absl::StatusOr<int> Events(CommandContext& context, const EventsFlags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const OutputFormat format, context.Output());
  v1::EventsRequest request;
  request.set_follow(flags.follow);
  request.set_last(flags.last);
  if (flags.about.size() == 2) {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string kind, ParseKind(flags.about.front()));
    LOCKSTEP_ASSIGN_OR_RETURN(*request.mutable_about(),
                              MakeKey(kind, flags.about.back(), context.flags()));
  } else if (!flags.about.empty()) {
    return absl::InvalidArgumentError("events takes a kind and a name, or neither");
  }
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_RETURN_IF_ERROR((client->Stream<v1::EventsRequest, v1::EventsResponse>(
      &FleetClient::Stub::Events, request,
      [&](const v1::EventsResponse& part) {
        for (const v1::FleetEvent& event : part.events()) {
          if (format == OutputFormat::kJson) {
            context.out() << FormatMessage(event, format);
          } else if (format == OutputFormat::kYaml) {
            context.out() << "---\n" << FormatMessage(event, format);
          } else {
            context.out() << Line(event) << "\n";
          }
        }
        context.out() << std::flush;
        return true;
      },
      /*bounded=*/!flags.follow)));
  return kExitDone;
}

}  // namespace

void AddEventsCommand(CommandSet* set) {
  auto flags = std::make_shared<EventsFlags>();
  CLI::App* app = set->Add("events", "show what happened, oldest first",
                           [flags](CommandContext& context) { return Events(context, *flags); });
  app->add_option("about", flags->about, "[KIND NAME]")->expected(0, 2);
  app->add_option("--last", flags->last, "only the newest so many; 0: all")
      ->check(CLI::Range(0, 100000));
  app->add_flag("-f,--follow", flags->follow, "go on");
}

}  // namespace lockstep
