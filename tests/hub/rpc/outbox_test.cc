#include "hub/rpc/outbox.h"

#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/v1/agent.pb.h"

#include "common/rpc/delta_encoder.h"
#include "common/rpc/wire.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;

// A stream whose writes end when the test says so.
class SlowStream : public Outbox::Stream {
 public:
  void StartReading() override { ++reads; }
  void StartWriting(const v1::HubMessage* wire) override {
    ASSERT_FALSE(writing) << "two writes outstanding";
    writing = true;
    written.push_back(*FromWire(*wire));
  }
  void FinishWith(const absl::Status& status) override {
    ASSERT_FALSE(writing) << "finished with a write outstanding";
    ASSERT_FALSE(finished) << "finished twice";
    finished = status;
  }
  void EndSoon() override { ++hurries; }
  void Break() override { ++breaks; }

  int reads = 0;
  int hurries = 0;
  int breaks = 0;
  bool writing = false;
  std::vector<HubMessage> written;
  std::optional<absl::Status> finished;
};

class OutboxTest : public testing::Test {
 protected:
  void EndWrite(bool ok = true) {
    stream_.writing = false;
    outbox_.OnWriteDone(ok);
  }
  // Lets all that waits go.
  void Drain() {
    while (stream_.writing) EndWrite();
  }
  std::vector<uint64_t> DesiredSeqs() const {
    std::vector<uint64_t> seqs;
    for (const HubMessage& message : stream_.written) {
      if (const auto* desired = std::get_if<Desired>(&message)) seqs.push_back(desired->seq);
    }
    return seqs;
  }

  SlowStream stream_;
  DeltaEncoder deltas_;
  Outbox outbox_{&stream_, &deltas_};
};

Desired Target(uint64_t seq) { return Desired{.seq = seq}; }

TEST_F(OutboxTest, A88ASlowReaderCostsOneMessageOfEachKindAndGetsTheNewest) {
  for (uint64_t seq = 1; seq <= 1000; ++seq) {
    outbox_.Push(Target(seq));
    outbox_.Push(StatusAck{seq});
    outbox_.Push(Command{seq, Command::Report{}});
  }
  Drain();
  EXPECT_THAT(DesiredSeqs(), ElementsAre(1, 1000));
  EXPECT_EQ(stream_.written.size(), 4u);
}

TEST_F(OutboxTest, NoOtherKindPushesOutATarget) {
  outbox_.Push(StatusAck{1});  // On its way.
  outbox_.Push(Target(7));
  outbox_.Push(CertificateIssued{{"der"}, absl::UnixEpoch()});
  outbox_.Push(StatusAck{2});
  outbox_.Push(Command{1, Command::Sync{{"shop/web"}}});
  Drain();
  EXPECT_THAT(DesiredSeqs(), ElementsAre(7));
  EXPECT_EQ(stream_.written.size(), 5u);
}

CommitPoint Point(uint64_t counter) { return {counter, Digest::Of("chain")}; }

Welcome At(uint64_t counter, std::vector<Digest> revoked = {}) {
  Welcome welcome;
  welcome.session = welcome.hub_incarnation = std::string(16, 's');
  welcome.at = Point(counter);
  welcome.revoked = std::move(revoked);
  return welcome;
}

TEST_F(OutboxTest, F31CommitPointsLeaveInTheOrderInWhichTheyCame) {
  outbox_.Push(At(1));  // On its way.
  outbox_.Push(Desired{.seq = 1, .at = Point(9)});
  outbox_.Push(At(10, {Digest::Of("a")}));
  outbox_.Push(Desired{.seq = 2, .at = Point(11)});
  outbox_.Push(At(12, {Digest::Of("b")}));
  Drain();
  std::vector<uint64_t> counters;
  for (const HubMessage& message : stream_.written) {
    const auto* desired = std::get_if<Desired>(&message);
    counters.push_back(desired != nullptr ? desired->at.counter
                                          : std::get<Welcome>(message).at.counter);
  }
  EXPECT_THAT(counters, ElementsAre(1, 11, 12));
  EXPECT_THAT(std::get<Welcome>(stream_.written.back()).revoked,
              testing::UnorderedElementsAre(Digest::Of("a"), Digest::Of("b")));
}

TEST_F(OutboxTest, NothingTakesThePlaceOfTheWelcomeThatOpensTheSession) {
  outbox_.Push(StatusAck{1});  // On its way.
  Welcome opening = At(1);
  opening.verdict = Verdict::kProbe;
  outbox_.Push(opening);
  outbox_.Push(Desired{.seq = 1, .at = Point(2)});
  outbox_.Push(At(3));
  outbox_.Push(At(4));
  Drain();
  ASSERT_EQ(stream_.written.size(), 4u);
  EXPECT_EQ(std::get<Welcome>(stream_.written[1]).verdict, Verdict::kProbe);
  EXPECT_EQ(std::get<Desired>(stream_.written[2]).seq, 1u);
  EXPECT_EQ(std::get<Welcome>(stream_.written[3]).at.counter, 4u);
}

TEST_F(OutboxTest, JoinsCommandsToCompare) {
  outbox_.Push(StatusAck{1});
  outbox_.Push(Command{1, Command::Sync{{"shop/web"}}});
  outbox_.Push(Command{2, Command::Report{}});
  outbox_.Push(Command{3, Command::Sync{{"shop/api"}}});
  Drain();
  ASSERT_EQ(stream_.written.size(), 3u);
  const auto& sync = std::get<Command::Sync>(std::get<Command>(stream_.written[1]).action);
  EXPECT_THAT(sync.applications, ElementsAre("shop/api", "shop/web"));
}

TEST_F(OutboxTest, ACommandToCompareAllStaysOneForAll) {
  outbox_.Push(StatusAck{1});
  outbox_.Push(Command{1, Command::Sync{}});
  outbox_.Push(Command{3, Command::Sync{{"shop/api"}}});
  Drain();
  EXPECT_TRUE(std::get<Command::Sync>(std::get<Command>(stream_.written.back()).action)
                  .applications.empty());
}

TEST_F(OutboxTest, EndsWithGoodbyeAfterWhatWaits) {
  outbox_.Push(Target(1));
  outbox_.Push(Target(2));
  outbox_.Close(Goodbye{}, absl::OkStatus());
  outbox_.Push(Target(3));  // Too late.
  EXPECT_EQ(stream_.hurries, 1);
  EXPECT_FALSE(stream_.finished);
  Drain();
  EXPECT_THAT(DesiredSeqs(), ElementsAre(1, 2));
  EXPECT_TRUE(std::holds_alternative<Goodbye>(stream_.written.back()));
  ASSERT_TRUE(stream_.finished);
  EXPECT_OK(*stream_.finished);
}

TEST_F(OutboxTest, FinishesOnceAndStartsNothingAfterwards) {
  outbox_.Close(std::nullopt, absl::CancelledError("first"));
  outbox_.Close(Goodbye{}, absl::OkStatus());
  outbox_.Push(Target(1));
  outbox_.StartReading();
  outbox_.BreakIfOpen();
  EXPECT_THAT(*stream_.finished, StatusIs(absl::StatusCode::kCancelled, "first"));
  EXPECT_TRUE(stream_.written.empty());
  EXPECT_EQ(stream_.reads, 0);
  EXPECT_EQ(stream_.breaks, 0);
}

TEST_F(OutboxTest, AStreamThatBrokeDropsWhatWaits) {
  outbox_.Push(Target(1));
  outbox_.Push(Target(2));
  EndWrite(false);
  ASSERT_TRUE(stream_.finished);
  EXPECT_THAT(*stream_.finished, StatusIs(absl::StatusCode::kUnavailable, testing::_));
  EXPECT_THAT(DesiredSeqs(), ElementsAre(1));
}

TEST_F(OutboxTest, AStreamThatDoesNotEndIsBroken) {
  outbox_.Push(Target(1));
  outbox_.Close(Goodbye{}, absl::OkStatus());
  outbox_.BreakIfOpen();
  EXPECT_EQ(stream_.breaks, 1);
}

}  // namespace
}  // namespace lockstep
