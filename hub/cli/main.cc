#include <iostream>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"
#include "hub/cli/connect.h"

int main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "NONE",
         /*overwrite=*/0);  // It writes a line per connection on names we do not use.
  std::ios::sync_with_stdio(false);
  const bool interactive = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
  lockstep::CommandContext context(&std::cin, &std::cout, &std::cerr, interactive,
                                   lockstep::SystemClock(), lockstep::ConnectToHub);
  lockstep::CommandSet commands(&context);
  lockstep::AddAllCommands(&commands);
  const int code = commands.Run(std::vector<std::string>(argv + 1, argv + argc));
  std::cout.flush();
  return std::cout ? code : lockstep::kExitFailed;
}
