#include "hub/cli/connect.h"

#include <stdlib.h>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/credentials.h"
#include "hub/identity/context.h"

namespace lockstep {
namespace {

constexpr int kMessageBytesMax = 16 << 20;
constexpr absl::Duration kConnectTime = absl::Seconds(3);  // Of one hub of several.

std::string ContextPath(const GlobalFlags& flags) {
  if (!flags.context_file.empty()) return flags.context_file;
  const char* from_environment = getenv("LOCKSTEP_CONFIG");
  return from_environment != nullptr && *from_environment != '\0' ? from_environment
                                                                  : DefaultContextPath();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FleetClient>> ConnectToHub(const GlobalFlags& flags) {
  absl::Duration timeout;
  if (!absl::ParseDuration(flags.timeout, &timeout) || timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--timeout \"", flags.timeout, "\" is no duration such as 30s or 5m"));
  }
  const std::string path = ContextPath(flags);
  const absl::StatusOr<ContextFile> file = LoadContextFile(path);
  if (absl::IsNotFound(file.status())) {
    return absl::NotFoundError(absl::StrCat(
        "reading contexts from \"", path, "\": there is no such file; `lockstep-hub init` ",
        "writes one for the first admin, `lockstep-hub user add` for others"));
  }
  LOCKSTEP_RETURN_IF_ERROR(file.status());
  LOCKSTEP_ASSIGN_OR_RETURN(const Context context, file->Find(flags.context));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                            MakeHubChannelCredentials(context.material));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Several hubs are tried in turn; the last one's call tells what is wrong if none answers.
  std::shared_ptr<grpc::Channel> channel;
  for (const std::string& hub : context.hubs) {
    channel = grpc::CreateCustomChannel(hub, credentials, arguments);
    if (context.hubs.size() == 1) break;
    if (channel->WaitForConnected(absl::ToChronoTime(SystemClock()->Now() + kConnectTime))) break;
  }
  return std::make_unique<FleetClient>(v1::FleetService::NewStub(channel),
                                       absl::StrJoin(context.hubs, ", "), timeout);
}

}  // namespace lockstep
