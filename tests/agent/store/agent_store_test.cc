#include "agent/store/agent_store.h"

#include <signal.h>
#include <sys/resource.h>

#include <absl/strings/str_cat.h>

#include "agent/store/record_codec.h"
#include "common/base/status.h"
#include "common/bundle/encoding.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

ApplicationRecord Application(absl::string_view name, absl::string_view blob) {
  ApplicationRecord record;
  record.name = std::string(name);
  record.generation = 3;
  record.revision = "main@sha1:1";
  record.manifest = *Manifest::Make({{{"", "ConfigMap", "shop", "a"}, Digest::Of(blob)}});
  record.options.interval = absl::Minutes(3);
  record.options_bytes = EncodeOptions(record.options);
  record.options_digest = Digest::Of(record.options_bytes);
  record.releasing = ReleaseObjects::kDelete;
  record.tombstones = {{"", "ConfigMap", "shop", "old"}};
  record.objects_before = 4;
  record.held = true;
  record.held_reason = "1 of 4";
  return record;
}

agent_effect::Persist Accept(absl::string_view blob) {
  agent_effect::Persist persist;
  persist.records = {Application("shop/web", blob)};
  persist.blobs = {{Digest::Of(blob), std::string(blob)}};
  return persist;
}

class AgentStoreTest : public testing::Test {
 protected:
  AgentStoreTest() : directory_(*MakeTemporaryDirectory("lockstep-state-")) {}
  ~AgentStoreTest() override { EXPECT_OK(RemoveTree(directory_)); }

  DurableState Open(uint64_t bytes_max = UINT64_MAX) {
    store_.reset();
    absl::StatusOr<AgentStore::Opened> opened =
        AgentStore::Open({.directory = directory_, .bytes_max = bytes_max});
    EXPECT_OK(opened);
    store_ = std::move(opened->store);
    return std::move(opened->state);
  }
  std::string Bytes() { return *ReadFile(directory_ + "/state"); }

  const std::string directory_;
  std::unique_ptr<AgentStore> store_;
};

TEST(RecordCodec, GivesBackEveryField) {
  AgentRecord agent;
  agent.start_counter = 300;
  agent.seen = {7, Digest::Of("chain")};
  agent.hub_incarnation = "0123456789abcdef";
  agent.epoch = 2;
  agent.desired_seq = 1 << 20;
  agent.revoked = {Digest::Of("a"), Digest::Of("b")};
  agent.removed = true;
  agent.hub_behind = true;
  agent.joined_with = "token";
  agent.authority = Digest::Of("authority");
  agent.target_uid = std::string(16, 'u');
  InventoryRecord inventory;
  inventory.application = "shop/web";
  inventory.set = {{{"g", "K", "n", "a"}, {"uid", Digest::Of("1"), {Digest::Of("2")}, "mark"}}};
  inventory.removed = {{"", "K", "", "b"}};
  const std::vector<Record> records{agent, Application("shop/web", "x"), inventory,
                                    ForgetRecord{"shop/old"}};
  const std::string bytes = EncodeRecords(records);
  ASSERT_OK_AND_ASSIGN(const std::vector<Record> back, DecodeRecords(bytes));
  EXPECT_EQ(EncodeRecords(back), bytes);
  ASSERT_EQ(back.size(), 4);
  EXPECT_EQ(std::get<AgentRecord>(back[0]).revoked, agent.revoked);
  EXPECT_TRUE(std::get<AgentRecord>(back[0]).removed);
  EXPECT_EQ(std::get<AgentRecord>(back[0]).target_uid, agent.target_uid);
  const auto& application = std::get<ApplicationRecord>(back[1]);
  EXPECT_EQ(application.options.interval, absl::Minutes(3));
  EXPECT_EQ(application.releasing, ReleaseObjects::kDelete);
  EXPECT_EQ(application.held_reason, "1 of 4");
  EXPECT_EQ(std::get<InventoryRecord>(back[2]).set, inventory.set);
}

// As agents wrote it before a record said when its form changes; both forms are format 1.
TEST(RecordCodec, F19ReadsWhatFormatOneHadToSay) {
  using encoding::AppendLength;
  using encoding::AppendSized;
  std::string body;
  AppendLength(300, &body);  // Starts.
  AppendLength(7, &body);    // The furthest commit heard of.
  absl::StrAppend(&body, Digest::Of("chain").bytes());
  AppendSized("hub", &body);
  AppendLength(2, &body);   // Epoch.
  AppendLength(12, &body);  // The last Desired.
  AppendLength(0, &body);   // Removed.
  AppendLength(1, &body);   // Revoked keys.
  absl::StrAppend(&body, Digest::Of("key").bytes());
  const auto decode = [](absl::string_view record) -> absl::StatusOr<AgentRecord> {
    std::string frame;
    AppendLength(1, &frame);  // An AgentRecord.
    AppendSized(record, &frame);
    LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Record> records, DecodeRecords(frame));
    return std::get<AgentRecord>(records.at(0));
  };
  ASSERT_OK_AND_ASSIGN(AgentRecord agent, decode(body));
  EXPECT_EQ(agent.start_counter, 300);
  EXPECT_EQ(agent.seen, (CommitPoint{7, Digest::Of("chain")}));
  EXPECT_THAT(agent.revoked, testing::ElementsAre(Digest::Of("key")));
  EXPECT_FALSE(agent.hub_behind);
  EXPECT_EQ(agent.joined_with, "");

  AppendLength(1, &body);  // The hub is behind.
  AppendSized("token", &body);
  absl::StrAppend(&body, Digest::Of("authority").bytes());
  ASSERT_OK_AND_ASSIGN(agent, decode(body));
  EXPECT_TRUE(agent.hub_behind);
  EXPECT_EQ(agent.joined_with, "token");
  EXPECT_EQ(agent.authority, Digest::Of("authority"));
  EXPECT_EQ(agent.target_uid, "");
}

TEST(RecordCodec, RefusesWhatIsCutAnywhere) {
  const std::string bytes = EncodeRecords({Application("shop/web", "x")});
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_THAT(DecodeRecords(absl::string_view(bytes).substr(0, cut)),
                StatusIs(absl::StatusCode::kDataLoss, testing::_))
        << cut;
  }
}

TEST_F(AgentStoreTest, ARestartFindsWhatWasWritten) {
  Open();
  ASSERT_OK(store_->Write(Accept("blob")));
  const DurableState state = Open();
  ASSERT_TRUE(state.applications.contains("shop/web"));
  EXPECT_EQ(*store_->ReadBlob(Digest::Of("blob")), "blob");
}

TEST_F(AgentStoreTest, AnAcceptedDesiredCostsOneSync) {
  Open();
  const uint64_t before = store_->syncs();
  agent_effect::Persist persist = Accept("blob");
  persist.records.emplace_back(Application("shop/api", "blob"));
  persist.records.emplace_back(AgentRecord());
  ASSERT_OK(store_->Write(persist));
  EXPECT_EQ(store_->syncs(), before + 1);
}

TEST_F(AgentStoreTest, F25ABlobThatIsNotItsDigestIsNotKept) {
  Open();
  EXPECT_THAT(store_->AddBlob(Digest::Of("blob"), "bolb"),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::_));
  EXPECT_THAT(store_->ReadBlob(Digest::Of("blob")),
              StatusIs(absl::StatusCode::kNotFound, testing::_));
}

TEST_F(AgentStoreTest, F25ABlobThatRottedIsNoticedAndCanBeReplaced) {
  Open();
  ASSERT_OK(store_->Write(Accept("the blob")));
  std::string bytes = Bytes();
  bytes[bytes.find("the blob")] ^= 1;
  FILE* file = fopen((directory_ + "/state").c_str(), "r+");
  ASSERT_NE(file, nullptr);
  fwrite(bytes.data(), 1, bytes.size(), file);
  fclose(file);
  EXPECT_THAT(store_->ReadBlob(Digest::Of("the blob")),
              StatusIs(absl::StatusCode::kDataLoss, testing::_));
  ASSERT_OK(store_->AddBlob(Digest::Of("the blob"), "the blob"));
  EXPECT_OK(store_->ReadBlob(Digest::Of("the blob")));
}

TEST_F(AgentStoreTest, F08AFullDiskLeavesTheOldStateByteForByte) {
  Open();
  ASSERT_OK(store_->Write(Accept("old")));
  const std::string before = Bytes();
  // The kernel writes a part and then says no, as a full disk does.
  rlimit unlimited;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  signal(SIGXFSZ, SIG_IGN);
  rlimit full = unlimited;
  full.rlim_cur = before.size() + 100;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const absl::Status status = store_->Write(Accept(std::string(5000, 'x')));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Bytes(), before);
  EXPECT_THAT(store_->ReadBlob(Digest::Of(std::string(5000, 'x'))),
              StatusIs(absl::StatusCode::kNotFound, testing::_));
  ASSERT_OK(store_->Write(Accept("new")));
  EXPECT_EQ(Open().applications.at("shop/web").target.manifest->entries()[0].blob,
            Digest::Of("new"));
}

TEST_F(AgentStoreTest, F08TheLimitIsAnErrorOfItsOwn) {
  Open(2000);
  EXPECT_THAT(store_->Write(Accept(std::string(5000, 'x'))),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("2000 bytes")));
  EXPECT_OK(store_->Write(Accept("small")));
}

TEST_F(AgentStoreTest, ASweepKeepsTheStateItsBlobsAndWhatWasFetched) {
  Open();
  DurableState state;
  for (int i = 0; i < 50; ++i) {
    const agent_effect::Persist persist = Accept(absl::StrCat(i, std::string(40'000, 'x')));
    ASSERT_OK(store_->Write(persist));
    for (const Record& record : persist.records) ApplyRecord(record, &state);
  }
  ASSERT_OK(store_->AddBlob(Digest::Of("fetched"), "fetched"));
  EXPECT_TRUE(store_->WantsSweep());
  ASSERT_OK(store_->Sweep(state, {Digest::Of("fetched")}));
  EXPECT_FALSE(store_->WantsSweep());
  EXPECT_LT(Bytes().size(), 50'000);
  EXPECT_OK(store_->ReadBlob(Digest::Of("fetched")));
  const DurableState back = Open();
  EXPECT_EQ(EncodeRecords(RecordsOf(back)), EncodeRecords(RecordsOf(state)));
  EXPECT_OK(store_->ReadBlob(Digest::Of(absl::StrCat(49, std::string(40'000, 'x')))));
  EXPECT_THAT(store_->ReadBlob(Digest::Of(absl::StrCat(3, std::string(40'000, 'x')))),
              StatusIs(absl::StatusCode::kNotFound, testing::_));
}

TEST_F(AgentStoreTest, OnlyOneAgentHasAState) {
  Open();
  EXPECT_THAT(AgentStore::Open({.directory = directory_}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another agent")));
}

}  // namespace
}  // namespace lockstep
