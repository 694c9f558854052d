#include "hub/cli/client.h"

#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/clock.h"
#include "hub/cli/command.h"

namespace lockstep {

FleetClient::FleetClient(std::unique_ptr<Stub> stub, std::string address, absl::Duration timeout)
    : stub_(std::move(stub)), address_(std::move(address)), timeout_(timeout) {}

absl::StatusOr<v1::GetResponse> FleetClient::Get(const v1::ResourceKey& key) {
  v1::GetRequest request;
  *request.mutable_key() = key;
  return Call(&Stub::Get, request);
}

absl::StatusOr<std::vector<v1::OrphanList>> FleetClient::Orphans(const std::string& cluster) {
  std::vector<v1::OrphanList> lists;
  v1::ListOrphansRequest request;
  request.set_cluster(cluster);
  const auto is_rest_of_last = [&](const v1::OrphanList& part) {
    return !lists.empty() && lists.back().cluster() == part.cluster() &&
           KeyText(lists.back().application()) == KeyText(part.application());
  };
  const auto take = [&](const v1::ListOrphansResponse& response) {
    for (const v1::OrphanList& part : response.lists()) {
      if (is_rest_of_last(part)) {
        lists.back().MergeFrom(part);
      } else {
        lists.push_back(part);
      }
    }
    return true;
  };
  if (absl::Status status = Stream<v1::ListOrphansRequest, v1::ListOrphansResponse>(
          &Stub::ListOrphans, request, take);
      !status.ok()) {
    return status;
  }
  return lists;
}

absl::Status FleetClient::WaitUntil(absl::Duration timeout,
                                    const std::function<absl::StatusOr<bool>()>& look) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(SystemClock()->Now() + timeout));
  const auto reader = stub_->Watch(&context, v1::WatchRequest());
  // The first message says that the watch stands: a look before it could miss a change.
  v1::WatchResponse response;
  absl::Status result;
  bool done = false;
  while (!done && reader->Read(&response)) {
    const absl::StatusOr<bool> seen = look();
    if (!seen.ok()) result = seen.status();
    done = !seen.ok() || *seen;
  }
  if (done) context.TryCancel();
  const grpc::Status finish = reader->Finish();
  return done ? result : Translate(finish);
}

void FleetClient::SetDeadline(grpc::ClientContext* context) const {
  context->set_deadline(absl::ToChronoTime(SystemClock()->Now() + timeout_));
}

absl::Status FleetClient::Translate(const grpc::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  if (code == absl::StatusCode::kUnavailable) {
    return absl::UnavailableError(absl::StrCat("asking the hub at ", address_, ": ",
                                               status.error_message(),
                                               "; is `lockstep-hub serve` running there?"));
  }
  if (code == absl::StatusCode::kDeadlineExceeded) {
    return absl::DeadlineExceededError(absl::StrCat(
        "asking the hub at ", address_, ": no answer in ", absl::FormatDuration(timeout_)));
  }
  return absl::Status(code, status.error_message());
}

}  // namespace lockstep
