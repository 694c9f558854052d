#include "tests/bench/echo.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/mutex.h"
#include "common/base/thread.h"
#include "common/rpc/credentials.h"
#include "tests/bench/fleet.h"
#include "tests/bench/harness.h"
#include "tests/testing/test_authority.h"

namespace lockstep {
namespace {

constexpr char kStreamMethod[] = "/bench.Echo/Stream";
constexpr char kRoundMethod[] = "/bench.Echo/Round";

grpc::ByteBuffer Buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string Bytes(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  Must(buffer.DumpToSingleSlice(&slice).ok() ? absl::OkStatus() : absl::InternalError("bytes"));
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

/// The server: streams that wait, and the call that asks for a round.
class EchoService : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  class Stream;
  class Asker;

  void Join(Stream* stream);
  void Begin(Asker* asker, const grpc::ByteBuffer& message);
  void Answered();

  Mutex mutex_;
  std::vector<Stream*> streams_ ABSL_GUARDED_BY(mutex_);
  Asker* asker_ ABSL_GUARDED_BY(mutex_) = nullptr;
  size_t missing_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration begun_ ABSL_GUARDED_BY(mutex_);
};

class EchoService::Stream : public grpc::ServerGenericBidiReactor {
 public:
  explicit Stream(EchoService* service) : service_(service) {
    StartSendInitialMetadata();
    service_->Join(this);
    StartRead(&answer_);
  }
  void Tell(const grpc::ByteBuffer& message) {
    message_ = message;
    StartWrite(&message_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    service_->Answered();
    StartRead(&answer_);
  }
  void OnDone() override { delete this; }

 private:
  EchoService* const service_;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer answer_;
};

class EchoService::Asker : public grpc::ServerGenericBidiReactor {
 public:
  explicit Asker(EchoService* service) : service_(service) { StartRead(&message_); }
  void Tell(absl::Duration took) {
    answer_ = Buffer(absl::StrCat(absl::ToInt64Nanoseconds(took)));
    StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnReadDone(bool ok) override {
    if (ok) service_->Begin(this, message_);
  }
  void OnDone() override { delete this; }

 private:
  EchoService* const service_;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer answer_;
};

grpc::ServerGenericBidiReactor* EchoService::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  if (context->method() == kRoundMethod) return new Asker(this);
  return new Stream(this);
}

void EchoService::Join(Stream* stream) {
  MutexLock lock(&mutex_);
  streams_.push_back(stream);
}

void EchoService::Begin(Asker* asker, const grpc::ByteBuffer& message) {
  MutexLock lock(&mutex_);
  asker_ = asker;
  missing_ = streams_.size();
  begun_ = Now();
  for (Stream* stream : streams_) stream->Tell(message);
}

void EchoService::Answered() {
  MutexLock lock(&mutex_);
  if (--missing_ == 0) asker_->Tell(Now() - begun_);
}

}  // namespace

int RunEchoServer(const std::string& directory) {
  PrepareForThousands();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(
      "127.0.0.1:0",
      Must(MakeServerCredentials(
          {directory + "/key.pem", directory + "/certificate.pem", directory + "/roots.pem"},
          [](const PeerIdentity&) { return absl::OkStatus(); })),
      &port);
  EchoService service;
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  MustBe(server != nullptr, "starting the echo server");
  std::printf("%d\n", port);
  std::fflush(stdout);
  server->Wait();
  return 0;
}

/// One client: what it reads it hands to the pool, which writes a file and then the answer.
class EchoFleet::Client : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Client(const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
         const std::string& file, Impl* fleet);
  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void Cancel() { context_.TryCancel(); }

 private:
  void Keep();

  Impl* const fleet_;
  const OwnedFd file_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer answer_;
};

struct EchoFleet::Impl {
  explicit Impl(int threads) : pool("keep", threads) {}

  ThreadPool pool;
  Round round;  // Set between rounds.
  std::string append;
  grpc::ByteBuffer answer;
  std::atomic<int> open{0};
  std::atomic<int> done{0};
  BackgroundProgram server;
  std::shared_ptr<grpc::Channel> control;
  std::vector<std::unique_ptr<Client>> clients;
};

EchoFleet::Client::Client(const std::string& target,
                          const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                          const std::string& file, Impl* fleet)
    : fleet_(fleet),
      file_(open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
      stub_([&] {
        grpc::ChannelArguments arguments;
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        return grpc::CreateCustomChannel(target, credentials, arguments);
      }()) {
  MustBe(file_.valid(), absl::StrCat("opening ", file));
  stub_.PrepareBidiStreamingCall(&context_, kStreamMethod, grpc::StubOptions(), this);
  StartRead(&message_);
  StartCall();
}

void EchoFleet::Client::OnReadInitialMetadataDone(bool ok) {
  MustBe(ok, "opening a bare stream");
  ++fleet_->open;
}

void EchoFleet::Client::OnReadDone(bool ok) {
  if (ok) fleet_->pool.Run([this] { Keep(); });
}

void EchoFleet::Client::OnDone(const grpc::Status&) { ++fleet_->done; }

void EchoFleet::Client::Keep() {
  const std::string& bytes = fleet_->append;
  for (int i = 0; i < fleet_->round.syncs; ++i) {
    MustBe(write(file_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
               fdatasync(file_.get()) == 0,
           "writing a client's file");
  }
  answer_ = fleet_->answer;
  StartRead(&message_);
  StartWrite(&answer_);
}

EchoFleet::EchoFleet(const Options& options) : impl_(std::make_unique<Impl>(options.threads)) {
  Must(MakeDirectories(options.directory, 0700));
  const TestAuthority authority(SystemClock()->Now());
  const TlsMaterial server = authority.Hub();
  const auto keep = [&](const char* name, const std::string& pem) {
    Must(WriteFileAtomic(absl::StrCat(options.directory, "/", name), pem, Durability::kNone, 0600));
  };
  keep("key.pem", server.key_pem);
  keep("certificate.pem", server.certificate_pem);
  keep("roots.pem", server.roots_pem);
  const std::string output = options.directory + "/server.out";
  const OwnedFd file(open(output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  impl_->server =
      BackgroundProgram({.arguments = {"/proc/self/exe", kServerFlag, options.directory},
                         .descriptors = {{1, file.get()}}});
  int port = 0;
  WaitUntil("the echo server", absl::Seconds(20),
            [&] { return absl::SimpleAtoi(Must(ReadFile(output)), &port); });
  const std::string target = absl::StrCat("127.0.0.1:", port);
  for (int i = 0; i < options.clients; ++i) {
    const auto credentials =
        Must(MakeHubChannelCredentials(authority.Agent(absl::StrCat("cluster-", i))));
    impl_->clients.push_back(std::make_unique<Client>(
        target, credentials, absl::StrCat(options.directory, "/client-", i), impl_.get()));
    // Not more handshakes at once than a listen queue holds.
    WaitUntil(
        "the bare streams", absl::Minutes(1), [&] { return impl_->open > i - 50; },
        absl::Milliseconds(1));
  }
  WaitUntil("the bare streams", absl::Minutes(1), [&] { return impl_->open == options.clients; });
  impl_->control =
      grpc::CreateChannel(target, Must(MakeHubChannelCredentials(authority.Agent("control"))));
}

EchoFleet::~EchoFleet() {
  for (const auto& client : impl_->clients) client->Cancel();
  WaitUntil("the bare streams to end", absl::Minutes(1),
            [&] { return impl_->done == static_cast<int>(impl_->clients.size()); });
  impl_->pool.Stop();
}

absl::Duration EchoFleet::Run(const Round& round) {
  impl_->round = round;
  impl_->append = std::string(static_cast<size_t>(round.append_bytes), 'a');
  impl_->answer = Buffer(std::string(static_cast<size_t>(round.answer_bytes), 'r'));
  grpc::GenericStub stub(impl_->control);
  grpc::ClientContext context;
  grpc::ByteBuffer request = Buffer(std::string(static_cast<size_t>(round.message_bytes), 'm'));
  grpc::ByteBuffer response;
  Mutex mutex;
  bool ended = false;
  grpc::Status status;
  stub.UnaryCall(&context, kRoundMethod, grpc::StubOptions(), &request, &response,
                 [&](grpc::Status result) {
                   MutexLock lock(&mutex);
                   status = std::move(result);
                   ended = true;
                 });
  {
    MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&ended));
  }
  MustBe(status.ok(), absl::StrCat("a bare round: ", status.error_message()));
  int64_t nanoseconds = 0;
  MustBe(absl::SimpleAtoi(Bytes(response), &nanoseconds), "reading a bare round's time");
  return absl::Nanoseconds(nanoseconds);
}

}  // namespace lockstep
