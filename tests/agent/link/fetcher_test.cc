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
    if (mute) return grpc::Status::OK;
    size_t sent = 0;
    offsets.push_back(request->offset());
    for (int i = 0; i < request->digests_size(); ++i) {
      const std::string& digest = request->digests(i);
      const std::string& blob = blobs[*Digest::FromBytes(digest)];
      size_t offset = i == 0 ? request->offset() : 0;
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
  bool mute = false;
  int calls = 0;
  std::vector<size_t> offsets;  // Of the calls.
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
  absl::Status Fetch(std::vector<Digest> digests, uint64_t bytes_max = kFetchedBlobBytesMax) {
    got_.clear();
    std::vector<WantedBlob> blobs;
    for (const Digest& digest : digests) blobs.push_back({digest, bytes_max});
    Channel<absl::Status> done(1);
    GrpcBlobFetcher fetcher([this] { return channel_; });
    fetcher.Fetch(
        std::move(blobs),
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
    // A call goes on where the one before broke: it has to live for one part.
    if (cut >= 7) {
      EXPECT_OK(status);
      EXPECT_EQ(got_, hub_.blobs);
    } else {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, "cut"));
    }
  }
}

TEST_F(FetcherTest, F25ALargeBlobIsResumedWhereItWasCutAndNeverSentTwice) {
  const Digest digest = Add(std::string(70, 'x') + std::string(30, 'y'));
  hub_.cut = 30;
  EXPECT_OK(Fetch({digest}));
  EXPECT_EQ(got_, hub_.blobs);
  EXPECT_THAT(hub_.offsets, testing::ElementsAre(0, 28, 56, 84));
}

TEST_F(FetcherTest, F25WhatWasResumedIsStillComparedWithItsDigest) {
  const Digest digest = Digest::Of(std::string(50, 'x'));
  hub_.blobs[digest] = std::string(49, 'x') + "y";
  hub_.cut = 30;
  EXPECT_THAT(Fetch({digest}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(digest.Short())));
  EXPECT_TRUE(got_.empty());
}

TEST_F(FetcherTest, ABlobThatIsLongerThanItMayBeEndsTheFetchBeforeItIsTaken) {
  const Digest digest = Add(std::string(50, 'x'));
  EXPECT_OK(Fetch({digest}, 50));
  EXPECT_THAT(Fetch({digest}, 49),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("over 49 bytes")));
}

TEST_F(FetcherTest, AHubThatSendsNothingAndSaysThatAllIsWellEndsTheFetch) {
  hub_.mute = true;
  EXPECT_THAT(Fetch({Add("a")}), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("nothing")));
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
