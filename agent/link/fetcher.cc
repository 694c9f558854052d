#include "agent/link/fetcher.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <absl/strings/str_cat.h>
#include <grpcpp/grpcpp.h>

#include "lockstep/v1/agent.grpc.pb.h"

#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr size_t kStackBytes = 256 << 10;
// Of one call. What it brought stays; the next one asks for the rest.
constexpr absl::Duration kCallDeadline = absl::Minutes(5);

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// Puts parts together; they come in the order of the request.
class Assembler {
 public:
  Assembler(std::deque<WantedBlob>* missing, std::string* partial,
            const BlobFetcher::OnBlob* on_blob)
      : missing_(missing), partial_(partial), on_blob_(on_blob) {}

  absl::Status Take(v1::BlobPart part) {
    if (missing_->empty() || part.digest() != missing_->front().digest.bytes() ||
        part.offset() != partial_->size()) {
      return absl::DataLossError("the hub sent a part of a blob that was not its turn");
    }
    const WantedBlob& blob = missing_->front();
    if (partial_->size() + part.data().size() > blob.bytes_max) {
      partial_->clear();
      return absl::ResourceExhaustedError(
          absl::StrCat("blob ", blob.digest.Short(), " is over ", blob.bytes_max, " bytes"));
    }
    *partial_ += part.data();
    return part.last() ? Complete() : absl::OkStatus();
  }

 private:
  absl::Status Complete() {
    const Digest digest = missing_->front().digest;
    std::string bytes = std::exchange(*partial_, std::string());
    if (Digest::Of(bytes) != digest) {
      return absl::DataLossError(absl::StrCat("what the hub sent is not blob ", digest.Short()));
    }
    LOCKSTEP_RETURN_IF_ERROR((*on_blob_)(digest, std::move(bytes)));
    missing_->pop_front();
    return absl::OkStatus();
  }

  std::deque<WantedBlob>* const missing_;
  std::string* const partial_;  // Of missing_->front(), as far as it came.
  const BlobFetcher::OnBlob* const on_blob_;
};

}  // namespace

GrpcBlobFetcher::GrpcBlobFetcher(std::function<std::shared_ptr<grpc::Channel>()> channel)
    : channel_(std::move(channel)) {}

GrpcBlobFetcher::~GrpcBlobFetcher() { Stop(); }

void GrpcBlobFetcher::Fetch(std::vector<WantedBlob> blobs, OnBlob on_blob, OnDone done) {
  std::optional<Job> replaced;
  {
    MutexLock lock(&mutex_);
    if (stopping_) return;
    replaced = std::exchange(
        next_, Job{{blobs.begin(), blobs.end()}, {}, std::move(on_blob), std::move(done)});
    cancelled_ = true;
    if (call_ != nullptr) call_->TryCancel();
    if (!std::exchange(started_, true))
      thread_ = Thread(
          "fetch", [this] { Run(); }, kStackBytes);
  }
  if (replaced) replaced->done(absl::CancelledError("another fetch took its place"));
}

void GrpcBlobFetcher::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    if (call_ != nullptr) call_->TryCancel();
  }
  thread_.Join();
}

void GrpcBlobFetcher::Run() {
  while (true) {
    Job job;
    {
      MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &GrpcBlobFetcher::HasWork));
      if (stopping_) return;
      job = *std::exchange(next_, std::nullopt);
      cancelled_ = false;
    }
    absl::Status status = RunJob(&job);
    {
      MutexLock lock(&mutex_);
      if (stopping_) return;
      if (cancelled_) status = absl::CancelledError("another fetch took its place");
    }
    job.done(std::move(status));
  }
}

absl::Status GrpcBlobFetcher::RunJob(Job* job) {
  while (!job->missing.empty()) {
    const std::shared_ptr<grpc::Channel> channel = channel_();
    if (channel == nullptr) return absl::UnavailableError("there is no hub at present");
    const std::pair before(job->missing.size(), job->partial.size());
    const absl::Status status = Call(channel, job);
    const bool again = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
    const bool brought = job->missing.size() < before.first || job->partial.size() > before.second;
    if (status.ok() && !brought && !job->missing.empty())
      return absl::DataLossError("the hub ended a fetch and sent nothing");
    if (!status.ok() && !(again && brought)) return status;
  }
  return absl::OkStatus();
}

absl::Status GrpcBlobFetcher::Call(const std::shared_ptr<grpc::Channel>& channel, Job* job) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(SystemClock()->Now() + kCallDeadline));
  {
    MutexLock lock(&mutex_);
    if (cancelled_ || stopping_) return absl::CancelledError("the fetch was given up");
    call_ = &context;
  }
  v1::FetchRequest request;
  for (size_t i = 0; i < std::min(job->missing.size(), kFetchAtOnce); ++i) {
    request.add_digests(std::string(job->missing[i].digest.bytes()));
  }
  request.set_offset(job->partial.size());
  const std::unique_ptr<v1::AgentService::Stub> stub = v1::AgentService::NewStub(channel);
  Assembler assembler(&job->missing, &job->partial, &job->on_blob);
  absl::Status status;
  {
    const auto reader = stub->Fetch(&context, request);
    v1::FetchResponse response;
    while (status.ok() && reader->Read(&response)) {
      for (v1::BlobPart& part : *response.mutable_parts()) {
        if (status.ok()) status = assembler.Take(std::move(part));
      }
    }
    if (!status.ok()) context.TryCancel();
    const absl::Status end = FromGrpc(reader->Finish());
    if (status.ok()) status = end;
  }
  MutexLock lock(&mutex_);
  call_ = nullptr;
  return status;
}

}  // namespace lockstep
