#include "hub/rpc/server.h"

#include <utility>

#include <absl/strings/str_cat.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "grpc/health/v1/health.pb.h"

#include "common/base/clock.h"
#include "common/rpc/wire.h"

namespace lockstep {
namespace {

// What the command line takes: an answer about a whole fleet is larger than any question.
constexpr int kAnswerBytesMax = 16 << 20;

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

// Windows are small and fixed, because ten thousand large ones are the hub's memory (PROTOCOL 5); a
// dead peer is found within 30 s (FAULTS F-26); compressed messages are refused, since what they
// unpack to has no limit.
void Configure(grpc::ServerBuilder* builder, const HubServerOptions& options) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(kWireBytesMax));
  builder->SetMaxSendMessageSize(kAnswerBytesMax);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive.silence));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                              Milliseconds(options.keepalive.answer));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              Milliseconds(options.keepalive.silence / 2));
  builder->AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 100);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 << 10);
  builder->AddChannelArgument("grpc.server_handshake_timeout_ms", 10'000);
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT,
                              0);  // A second hub on the port is an error.
  // Reflection is the one service with a thread per call.
  builder->SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  grpc::ResourceQuota quota("hub");
  quota.Resize(options.memory_bytes_max).SetMaxThreads(16);
  builder->SetResourceQuota(quota);
}

}  // namespace

HubServer::HubServer(HubServerOptions options) : options_(std::move(options)) {}

HubServer::~HubServer() { Stop(absl::ZeroDuration()); }

absl::Status HubServer::Start() {
  grpc::EnableDefaultHealthCheckService(true);
  // The library has the service and not its description, which reflection is asked for.
  google::protobuf::LinkMessageReflection<grpc::health::v1::HealthCheckRequest>();
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  Configure(&builder, options_);
  if (options_.credentials != nullptr) {
    builder.AddListeningPort(options_.address, options_.credentials, &port_);
  }
  for (grpc::Service* service : options_.services) builder.RegisterService(service);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("listening on ", options_.address,
                     ": it is taken or not this machine's; choose another address"));
  }
  return absl::OkStatus();
}

void HubServer::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

void HubServer::Stop(absl::Duration drain) {
  if (server_ == nullptr) return;
  server_->GetHealthCheckService()->Shutdown();
  server_->Shutdown(absl::ToChronoTime(SystemClock()->Now() + drain));
  server_->Wait();
  server_.reset();
}

std::shared_ptr<grpc::Channel> HubServer::InProcessChannel() {
  return server_->InProcessChannel(grpc::ChannelArguments());
}

}  // namespace lockstep
