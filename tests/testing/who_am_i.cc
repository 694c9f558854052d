#include "tests/testing/who_am_i.h"

#include <chrono>
#include <vector>

#include <absl/strings/str_cat.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "common/rpc/credentials.h"

namespace lockstep {
namespace {

constexpr std::chrono::seconds kDeadline{20};

std::string Show(const absl::StatusOr<PeerIdentity>& peer) {
  if (!peer.ok()) return peer.status().ToString();
  return absl::StrCat(static_cast<int>(peer->kind), " ", peer->name, " ",
                      peer->fingerprint.ToHex());
}

class Answer : public grpc::ServerGenericBidiReactor {
 public:
  explicit Answer(const std::string& text) {
    const grpc::Slice slice(text);
    bytes_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&bytes_, {}, grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer bytes_;
};

std::string Text(const grpc::ByteBuffer& bytes) {
  std::vector<grpc::Slice> slices;
  bytes.Dump(&slices);
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

}  // namespace

grpc::ServerGenericBidiReactor* WhoAmI::CreateReactor(grpc::GenericCallbackServerContext* context) {
  return new Answer(Show(ReadPeer(*context->auth_context())));
}

absl::StatusOr<std::string> AskWhoAmI(
    int port, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  grpc::GenericStub stub(
      grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port), credentials, arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  grpc::CompletionQueue queue;
  grpc::ByteBuffer answer;
  grpc::Status status;
  const auto call = stub.PrepareUnaryCall(&context, "/test/WhoAmI", grpc::ByteBuffer(), &queue);
  call->StartCall();
  call->Finish(&answer, &status, &queue);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (status.ok()) return Text(answer);
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace lockstep
