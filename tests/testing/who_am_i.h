#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/credentials.h>

namespace lockstep {

/// Answers every gRPC call with who its caller is: "KIND name fingerprint", the kind as its number.
class WhoAmI : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;
};

/// Asks the WhoAmI on this port of the loopback over a new connection. Returns its answer or the
/// call's error.
absl::StatusOr<std::string> AskWhoAmI(int port,
                                      const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace lockstep
