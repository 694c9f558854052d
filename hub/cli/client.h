#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <grpcpp/grpcpp.h>

#include "lockstep/v1/fleet.grpc.pb.h"

namespace lockstep {

/// Calls of FleetService with a deadline each. Not thread-safe.
class FleetClient {
 public:
  using Stub = v1::FleetService::StubInterface;

  /// Owns the stub. `address` is for messages; `timeout` bounds each unary call.
  FleetClient(std::unique_ptr<Stub> stub, std::string address, absl::Duration timeout);

  /// One call: `client.Call(&FleetClient::Stub::Get, request)`. The hub's status; UNAVAILABLE says
  /// which hub and what to look at.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    grpc::ClientContext context;
    SetDeadline(&context);
    Response response;
    if (grpc::Status status = (stub_.get()->*method)(&context, request, &response); !status.ok()) {
      return Translate(status);
    }
    return response;
  }

  /// A streaming answer: hands each message to `take` until it returns false or the stream ends.
  /// `bounded` puts the deadline on it; a watch has none.
  template <typename Request, typename Response>
  absl::Status Stream(std::unique_ptr<grpc::ClientReaderInterface<Response>> (Stub::*method)(
                          grpc::ClientContext*, const Request&),
                      const Request& request, const std::function<bool(const Response&)>& take,
                      bool bounded = true) {
    grpc::ClientContext context;
    if (bounded) SetDeadline(&context);
    const auto reader = (stub_.get()->*method)(&context, request);
    Response response;
    while (reader->Read(&response)) {
      if (take(response)) continue;
      context.TryCancel();
      while (reader->Read(&response)) {
      }
      reader->Finish();
      return absl::OkStatus();
    }
    return Translate(reader->Finish());
  }

  /// The resource, as `Get` answers.
  absl::StatusOr<v1::GetResponse> Get(const v1::ResourceKey& key);

  /// What lies on `cluster` (empty: on all) and nothing names any more, each list once and whole.
  absl::StatusOr<std::vector<v1::OrphanList>> Orphans(const std::string& cluster);

  /// Calls `look` now and after each change at the hub, until it returns true, an error, or
  /// `timeout` (monotonic) is over: DEADLINE_EXCEEDED.
  absl::Status WaitUntil(absl::Duration timeout, const std::function<absl::StatusOr<bool>()>& look);

 private:
  void SetDeadline(grpc::ClientContext* context) const;
  absl::Status Translate(const grpc::Status& status) const;

  const std::unique_ptr<Stub> stub_;
  const std::string address_;
  const absl::Duration timeout_;
};

}  // namespace lockstep
