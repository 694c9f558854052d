// The least that a gRPC client over mTLS is: one connection and one open stream, in a program that
// is linked to all libraries of the agent. bench_agent_memory looks at it.
//
//   bench_bare_client TARGET KEY CERTIFICATE ROOTS     PEM files; prints "open" once the stream is

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include <grpcpp/grpcpp.h>

#include "lockstep/v1/fleet.grpc.pb.h"

namespace {

std::string Read(const char* path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  grpc::SslCredentialsOptions options;
  options.pem_private_key = Read(argv[2]);
  options.pem_cert_chain = Read(argv[3]);
  options.pem_root_certs = Read(argv[4]);
  const auto stub = lockstep::v1::FleetService::NewStub(
      grpc::CreateChannel(argv[1], grpc::SslCredentials(options)));
  grpc::ClientContext first;
  lockstep::v1::GetHubResponse hub;
  if (!stub->GetHub(&first, lockstep::v1::GetHubRequest(), &hub).ok()) return 1;
  grpc::ClientContext context;
  const auto reader = stub->Watch(&context, lockstep::v1::WatchRequest());
  std::puts("open");
  std::fflush(stdout);
  lockstep::v1::WatchResponse response;
  while (reader->Read(&response)) {
  }
  const grpc::Status status = reader->Finish();
  std::fprintf(stderr, "%s\n", status.error_message().c_str());
  return 1;
}
