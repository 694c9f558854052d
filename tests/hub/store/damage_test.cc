#include <filesystem>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "lockstep/store/v1/records.pb.h"

#include "common/base/file.h"
#include "hub/record/key.h"
#include "tests/hub/store/workload.h"
#include "tests/testing/status.h"

/// Files of the store damaged, cut, removed or put back from a backup while no hub runs.
namespace lockstep {
namespace {

using testing::_;
using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kBatches = 300;

class StoreDamage : public testing::Test {
 protected:
  /// Appends batches of the workload until it holds `batches`, so that all lie in the log.
  void Fill(uint64_t batches = kBatches) {
    ASSERT_OK_AND_ASSIGN(const auto store, Open());
    ASSERT_OK_AND_ASSIGN(uint64_t count, CountBatches(*store));
    for (; count < batches; ++count) ASSERT_OK(store->Append(workload_.Nth(count)));
    filled_ = store->at();
  }

  absl::StatusOr<std::unique_ptr<RocksStore>> Open() {
    return RocksStore::Open(directory_.store(), options_);
  }

  void ExpectRefused() {
    for (int time = 0; time < 2; ++time) {  // Refusing does not make it look healthy.
      EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss,
                                   AllOf(HasSubstr("nothing was changed"),
                                         HasSubstr("lockstep-hub recover --accept-loss"))));
    }
  }

  /// The store holds all of the first `batches`, and is where it was.
  void ExpectWhole(uint64_t batches = kBatches) {
    ASSERT_OK_AND_ASSIGN(const auto store, Open());
    EXPECT_EQ(store->at(), filled_);
    ASSERT_OK_AND_ASSIGN(const Contents contents, ReadContents(*store));
    EXPECT_EQ(contents, workload_.After(batches));
  }

  /// After Recover it opens, holds a first part of the batches, whole, and knows of the loss.
  void ExpectRecoveredPart() {
    ASSERT_OK_AND_ASSIGN(const LossReport report,
                         RocksStore::Recover(directory_.store(), options_));
    EXPECT_EQ(report.acknowledged, filled_);
    EXPECT_LT(report.found.counter, filled_.counter);
    ASSERT_OK_AND_ASSIGN(const auto store, Open());
    EXPECT_EQ(store->at().counter, report.found.counter + 1);
    ASSERT_OK_AND_ASSIGN(const uint64_t count, CountBatches(*store));
    ASSERT_OK_AND_ASSIGN(const Contents contents, ReadContents(*store));
    EXPECT_LT(count, kBatches);
    EXPECT_EQ(contents, workload_.After(count));
    ASSERT_OK_AND_ASSIGN(const std::string record, store->Get(Family::kMeta, MetaKey(kLossMeta)));
    store::v1::AcceptedLoss loss;
    ASSERT_TRUE(loss.ParseFromString(record));
    EXPECT_EQ(loss.counter_before(), filled_.counter);
    EXPECT_EQ(loss.counter_after(), report.found.counter);
    EXPECT_OK(store->Append(workload_.Nth(count)));
  }

  std::string Bytes(const std::string& path) { return *ReadFile(path); }
  void Overwrite(const std::string& path, const std::string& bytes) {
    ASSERT_OK(WriteFileAtomic(path, bytes, Durability::kNone));
  }

  StoreDirectory directory_;
  RocksOptions options_ = [] {
    RocksOptions options = SmallOptions();
    options.memory_bytes = 64 << 20;
    options.log_bytes_max = 64 << 20;
    return options;
  }();
  Workload workload_{5};
  CommitPoint filled_;
};

TEST_F(StoreDamage, F12RefusesALogDamagedInTheMiddleUntilALossIsAccepted) {
  Fill();
  const std::string log = directory_.FileEndingIn(".log");
  const std::string whole = Bytes(log);
  std::string damaged = whole;
  damaged.replace(whole.size() / 2, 4, "oops");
  Overwrite(log, damaged);
  ExpectRefused();
  Overwrite(log, whole);
  ExpectWhole();  // Refusing changed nothing.
  Overwrite(directory_.FileEndingIn(".log"), damaged);
}

TEST_F(StoreDamage, F12RecoversUpToTheDamage) {
  Fill();
  const std::string log = directory_.FileEndingIn(".log");
  std::string bytes = Bytes(log);
  bytes.replace(bytes.size() / 2, 4, "oops");
  Overwrite(log, bytes);
  ExpectRecoveredPart();
}

TEST_F(StoreDamage, F13RefusesATruncatedLogUntilALossIsAccepted) {
  Fill();
  const std::string log = directory_.FileEndingIn(".log");
  const std::string whole = Bytes(log);
  for (const size_t kept : {whole.size() / 2, whole.size() - 1, size_t{0}}) {
    Overwrite(log, whole.substr(0, kept));
    ExpectRefused();
  }
  Overwrite(log, whole.substr(0, whole.size() / 2));
  ExpectRecoveredPart();
}

TEST_F(StoreDamage, F13NoticesThatOnlyObservationsAreMissing) {
  Fill();
  const std::string log = directory_.FileEndingIn(".log");
  ASSERT_OK_AND_ASSIGN(auto store, Open());
  const std::string before = directory_.FileEndingIn(".log");
  Batch status;
  status.Put(Family::kStatus, "last", "acknowledged");
  ASSERT_OK(store->Append(status));
  store.reset();
  const std::string bytes = Bytes(before);
  Overwrite(before, bytes.substr(0, bytes.size() - 3));
  ExpectRefused();
}

TEST_F(StoreDamage, F14RefusesADeletedLogUntilALossIsAccepted) {
  Fill();
  const std::string log = directory_.FileEndingIn(".log");
  const std::string aside = directory_.root() + "/aside";
  std::filesystem::rename(log, aside);
  ExpectRefused();
  std::filesystem::rename(aside, log);
  ExpectWhole();
  std::filesystem::remove(directory_.FileEndingIn(".log"));
}

TEST_F(StoreDamage, F14RecoversFromADeletedLog) {
  Fill();
  std::filesystem::remove(directory_.FileEndingIn(".log"));
  ExpectRecoveredPart();
}

TEST_F(StoreDamage, F14AMarkFromBeforeTheLastAppendIsHealthy) {
  Fill(kBatches - 1);
  const std::string mark = directory_.store() + ".mark";
  ASSERT_OK_AND_ASSIGN(auto store, Open());
  const std::string older = Bytes(mark);
  ASSERT_OK(store->Append(workload_.Nth(kBatches - 1)));
  filled_ = store->at();
  store.reset();
  Overwrite(mark, older);  // As a crash between store and mark leaves it.
  ExpectWhole();
}

TEST_F(StoreDamage, F14AMissingMarkIsMadeAgainAndADamagedOneIsRefused) {
  Fill();
  const std::string mark = directory_.store() + ".mark";
  std::filesystem::remove(mark);
  ExpectWhole();
  const std::string whole = Bytes(mark);
  std::string torn = whole;
  torn[20] ^= 1;  // One of two slots.
  Overwrite(mark, torn);
  ExpectWhole();
  Overwrite(mark, std::string(1024, '\0'));
  ExpectRefused();
}

TEST_F(StoreDamage, F14RefusesAStoreThatIsGoneWhileItsMarkIsThere) {
  Fill();
  ASSERT_OK(RemoveTree(directory_.store()));
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("the store is gone")));
  EXPECT_THAT(RocksStore::Recover(directory_.store(), options_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("begins anew from Git")));
  ASSERT_OK(RemoveFile(directory_.store() + ".mark"));
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  EXPECT_EQ(store->at().counter, 0);
}

TEST_F(StoreDamage, RecoverLeavesAHealthyStoreAlone) {
  Fill();
  ASSERT_OK_AND_ASSIGN(const LossReport report, RocksStore::Recover(directory_.store(), options_));
  EXPECT_EQ(report.found, filled_);
  EXPECT_EQ(report.acknowledged, filled_);
  ExpectWhole();
}

TEST_F(StoreDamage, F15ADamagedTableGivesAnErrorAndNeverAShortList) {
  options_ = SmallOptions();
  options_.memory_bytes = 256 << 10;  // So that tables are written.
  options_.log_bytes_max = 256 << 10;
  Fill(1500);
  const std::string table = directory_.FileEndingIn(".sst");
  ASSERT_NE(table, "");
  std::string bytes = Bytes(table);
  for (size_t at = 100; at + 4 < bytes.size() * 3 / 4; at += 4096) bytes.replace(at, 4, "oops");
  Overwrite(table, bytes);

  const absl::StatusOr<std::unique_ptr<RocksStore>> store = Open();
  if (!store.ok()) {
    EXPECT_THAT(store, StatusIs(absl::StatusCode::kDataLoss, _));
    return;
  }
  int errors = 0;
  for (int i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    if (family == Family::kChain || family == Family::kMeta) continue;
    Contents contents;
    const absl::Status status =
        (*store)->Scan(family, "", "", [&](absl::string_view key, absl::string_view value) {
          contents[{family, std::string(key)}] = std::string(value);
          return true;
        });
    if (!status.ok()) {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, HasSubstr(FamilyName(family))));
      ++errors;
      continue;
    }
    for (const auto& [id, value] : workload_.After(1500)) {
      if (id.first == family) {
        EXPECT_EQ(contents[id], value);
      }
    }
  }
  EXPECT_GT(errors, 0);
}

TEST_F(StoreDamage, F16RefusesMissingAndDamagedFiles) {
  options_ = SmallOptions();
  options_.memory_bytes = 256 << 10;
  options_.log_bytes_max = 256 << 10;
  Fill(1500);
  std::vector<std::string> files = {directory_.FileEndingIn(".sst"),
                                    directory_.store() + "/CURRENT"};
  for (const std::string& name : NamesIn(directory_.store())) {
    if (absl::StartsWith(name, "MANIFEST")) files.push_back(directory_.store() + "/" + name);
  }
  ASSERT_EQ(files.size(), 3);
  for (const std::string& file : files) {
    SCOPED_TRACE(file);
    const std::string whole = Bytes(file);
    std::filesystem::remove(file);
    ExpectRefused();
    Overwrite(file, whole.substr(0, whole.size() / 2));
    EXPECT_FALSE(Open().ok());
    Overwrite(file, whole);
  }
  ExpectWhole(1500);
}

TEST_F(StoreDamage, F16WhatCannotBeOpenedSaysHowToBeginAnewAndThatWorks) {
  Fill();
  for (const std::string& name : NamesIn(directory_.store())) {
    if (absl::StartsWith(name, "MANIFEST")) {
      std::filesystem::remove(directory_.store() + "/" + name);
    }
  }
  EXPECT_THAT(RocksStore::Recover(directory_.store(), options_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("begins anew from Git")));
  std::filesystem::rename(directory_.store(), directory_.root() + "/aside");
  std::filesystem::rename(directory_.store() + ".mark", directory_.root() + "/aside.mark");
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  EXPECT_EQ(store->at().counter, 0);
}

TEST_F(StoreDamage, F17RefusesAnOlderCopyOfTheStoreAlone) {
  Fill(100);
  const std::string backup = directory_.root() + "/backup";
  std::filesystem::copy(directory_.store(), backup, std::filesystem::copy_options::recursive);
  Fill();
  ASSERT_OK(RemoveTree(directory_.store()));
  std::filesystem::copy(backup, directory_.store(), std::filesystem::copy_options::recursive);
  ExpectRefused();
  ExpectRecoveredPart();
}

TEST_F(StoreDamage, F17AnOlderCopyWithItsMarkIsForAgentsToFindOut) {
  Fill(100);
  const CommitPoint then = filled_;
  const std::string backup = directory_.root() + "/backup";
  std::filesystem::copy(directory_.store(), backup, std::filesystem::copy_options::recursive);
  const std::string mark = Bytes(directory_.store() + ".mark");
  Fill();
  ASSERT_OK(RemoveTree(directory_.store()));
  std::filesystem::copy(backup, directory_.store(), std::filesystem::copy_options::recursive);
  Overwrite(directory_.store() + ".mark", mark);
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  EXPECT_EQ(store->at(), then);
  EXPECT_LT(store->at().counter, filled_.counter);
}

TEST_F(StoreDamage, F17RefusesAnotherHistoryOfTheSameLength) {
  Fill(100);
  const std::string mark = Bytes(directory_.store() + ".mark");
  ASSERT_OK(RemoveTree(directory_.store()));
  ASSERT_OK(RemoveFile(directory_.store() + ".mark"));
  workload_ = Workload(6);
  Fill(200);
  Overwrite(directory_.store() + ".mark", mark);
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("is another")));
}

TEST_F(StoreDamage, F18ASecondHubIsKeptOut) {
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               HasSubstr("stop the other lockstep-hub")));
  EXPECT_THAT(RocksStore::Recover(directory_.store(), options_),
              StatusIs(absl::StatusCode::kFailedPrecondition, _));
  EXPECT_OK(store->Append(workload_.Nth(0)));
}

TEST_F(StoreDamage, F19RefusesANewerFormatAndSaysWhichProgramToStart) {
  Fill();
  {
    rocksdb::Options raw;
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(raw, directory_.store(), &names).ok());
    names.push_back("family of the future");
    raw.create_missing_column_families = true;
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const std::string& name : names) descriptors.emplace_back(name, raw);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(raw, directory_.store(), descriptors, &handles, &db).ok());
    store::v1::Format format;
    format.set_format(kStoreFormat + 1);
    format.set_written_by("9.8.7");
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      if (handle->GetName() == "meta") {
        ASSERT_TRUE(db->Put({}, handle, MetaKey(kFormatMeta), format.SerializeAsString()).ok());
      }
      db->DestroyColumnFamilyHandle(handle);
    }
    delete db;
  }
  const auto contents_of = [&] {
    std::string all;
    for (const std::string& name : NamesIn(directory_.store())) {
      if (!absl::StartsWith(name, "LOG"))
        absl::StrAppend(&all, name, Bytes(directory_.store() + "/" + name));
    }
    return Digest::Of(all);
  };
  const Digest before = contents_of();
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition,
                               AllOf(HasSubstr("format 2"), HasSubstr("lockstep-hub 9.8.7"))));
  EXPECT_EQ(contents_of(), before);
}

}  // namespace
}  // namespace lockstep
