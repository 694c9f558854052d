#include "agent/link/fetcher.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "lockstep/v1/agent.grpc.pb.h"

#include "common/base/channel.h"
#include "common/base/digest.h"
#include "hub/rpc/server.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Serves what it has in parts of seven bytes, and breaks off after so many bytes of every call.
class CuttingHub : public v1::AgentService::Service {
 public:
  grpc::Status Fetch(grpc::ServerContext*, const v1::FetchRequest* request,
                     grpc::ServerWriter<v1::FetchResponse>* writer) override {
    ++calls;
    size_t sent = 0;
    for (const std::string& digest : request->digests()) {
      const std::string& blob = blobs[*Digest::FromBytes(digest)];
      size_t offset = 0;
      do {
        v1::FetchResponse response;
        v1::BlobPart* part = response.add_parts();
        part->set_digest(digest);
        part->set_offset(offset);
        part->set_data(blob.substr(offset, 7));
        offset += part->data().size();
        part->set_last(offset == blob.size());
        if (sent + part->data().size() > cut) return {grpc::StatusCode::UNAVAILABLE, "cut"};
        sent += part->data().size();
        writer->Write(response);
      } while (offset < blob.size());
    }
    return grpc::Status::OK;
  }

  std::map<Digest, std::string> blobs;
  size_t cut = std::string::npos;
  int calls = 0;
};

class FetcherTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = std::make_unique<HubServer>(HubServerOptions{.services = {&hub_}});
    ASSERT_OK(server_->Start());
    channel_ = server_->InProcessChannel();
  }
  void TearDown() override { server_->Stop(absl::Seconds(5)); }

  Digest Add(const std::string& blob) {
    hub_.blobs[Digest::Of(blob)] = blob;
    return Digest::Of(blob);
  }

  // Fetches and waits for the end.
  absl::Status Fetch(std::vector<Digest> digests) {
    got_.clear();
    Channel<absl::Status> done(1);
    GrpcBlobFetcher fetcher([this] { return channel_; });
    fetcher.Fetch(
        std::move(digests),
        [this](const Digest& digest, std::string bytes) {
          EXPECT_EQ(got_.count(digest), 0u) << "twice";
          got_[digest] = std::move(bytes);
          return refuse_;
        },
        [&done](absl::Status status) { done.TrySend(std::move(status)); });
    std::vector<absl::Status> ends = done.Drain(1, kPatience);
    fetcher.Stop();
    if (ends.empty()) return absl::DeadlineExceededError("the fetch did not end");
    return ends[0];
  }

  CuttingHub hub_;
  std::unique_ptr<HubServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::map<Digest, std::string> got_;
  absl::Status refuse_;
};

TEST_F(FetcherTest, F25CutAtAnyByteTheFetchGoesOnOrEndsAndNoBlobIsPartial) {
  std::vector<Digest> digests;
  for (const size_t bytes : {20, 0, 7, 33, 1})
    digests.push_back(Add(std::string(bytes, static_cast<char>('a' + bytes))));
  for (size_t cut = 0; cut <= 61; ++cut) {
    SCOPED_TRACE(cut);
    hub_.cut = cut;
    const absl::Status status = Fetch(digests);
    for (const auto& [digest, bytes] : got_) EXPECT_EQ(Digest::Of(bytes), digest);
    // Each call begins at a blob's begin, so that one of 33 bytes needs a call that lives so long.
    if (cut >= 33) {
      EXPECT_OK(status);
      EXPECT_EQ(got_, hub_.blobs);
    } else {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, "cut"));
    }
  }
}

TEST_F(FetcherTest, AsksInSeveralCallsForALongList) {
  std::vector<Digest> digests;
  for (size_t i = 0; i < kFetchAtOnce * 2 + 1; ++i) digests.push_back(Add(std::to_string(i)));
  EXPECT_OK(Fetch(digests));
  EXPECT_EQ(got_, hub_.blobs);
  EXPECT_EQ(hub_.calls, 3);
}

TEST_F(FetcherTest, F25ABlobThatIsNotItsDigestIsRefused) {
  const Digest digest = Digest::Of("right");
  hub_.blobs[digest] = "wrong";
  EXPECT_THAT(Fetch({digest}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(digest.Short())));
  EXPECT_TRUE(got_.empty());
}

TEST_F(FetcherTest, EndsWithTheErrorOfWhoTakesTheBlobs) {
  refuse_ = absl::ResourceExhaustedError("the disk is full");
  EXPECT_THAT(Fetch({Add("a"), Add("b")}),
              StatusIs(absl::StatusCode::kResourceExhausted, "the disk is full"));
  EXPECT_EQ(got_.size(), 1u);
}

TEST_F(FetcherTest, WithoutAHubEndsAtOnce) {
  channel_ = nullptr;
  EXPECT_THAT(Fetch({Digest::Of("a")}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no hub")));
}

}  // namespace
}  // namespace lockstep
