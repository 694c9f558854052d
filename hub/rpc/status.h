#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

namespace lockstep {

/// The codes are the same numbers in both. Only for this folder's own files.
inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

}  // namespace lockstep
