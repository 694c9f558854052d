#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "lockstep/v1/agent.pb.h"
#include "lockstep/v1/fleet.pb.h"

namespace lockstep {

/// The path of every method that the service of lockstep.v1 declares, so that a new one is among
/// them by itself.
inline std::vector<std::string> MethodsOf(const std::string& name) {
  const google::protobuf::ServiceDescriptor* service =
      v1::ApplyRequest::descriptor()->file()->FindServiceByName(name);
  if (service == nullptr) service = v1::AgentMessage::descriptor()->file()->FindServiceByName(name);
  std::vector<std::string> paths;
  for (int i = 0; service != nullptr && i < service->method_count(); ++i) {
    paths.push_back(absl::StrCat("/", service->full_name(), "/", service->method(i)->name()));
  }
  return paths;
}

/// Calls a method with an empty request and reads to its end.
inline grpc::Status CallByName(const std::shared_ptr<grpc::Channel>& channel,
                               const std::string& path) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  // A stream that was let in would wait for its first message.
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, path, &queue);
  const auto await = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  await();
  grpc::ByteBuffer message;
  grpc::Slice empty;
  call->WriteLast(grpc::ByteBuffer(&empty, 1), grpc::WriteOptions(), nullptr);
  await();
  while (true) {
    call->Read(&message, nullptr);
    if (!await()) break;
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  await();
  return status;
}

}  // namespace lockstep
