#include "agent/target/directory.h"

#include <atomic>
#include <errno.h>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/target/directory_file.h"
#include "common/object/yaml_writer.h"
#include "tests/testing/read_only_files.h"
#include "tests/testing/status.h"
#include "tests/testing/target_notices.h"

// The program's own comes before the library's: a kernel whose limit is reached, on demand.
static std::atomic<bool> watches_exhausted{false};
extern "C" int inotify_add_watch(int fd, const char* path, uint32_t mask) noexcept {
  if (!watches_exhausted) {
    return static_cast<int>(syscall(SYS_inotify_add_watch, fd, path, mask));
  }
  errno = ENOSPC;
  return -1;
}

namespace lockstep {
namespace {

class DirectoryTargetTest : public testing::Test {
 protected:
  DirectoryTargetTest() : base_(*MakeTemporaryDirectory("lockstep-dir-")), root_(base_ + "/root") {
    target_ = *DirectoryTarget::Open({.root = root_});
  }
  ~DirectoryTargetTest() override {
    target_.reset();
    EXPECT_OK(RemoveTree(base_));
  }

  void Reopen() {
    target_.reset();
    target_ = *DirectoryTarget::Open({.root = root_});
  }
  // As this target names them.
  std::string Temporary() { return MakeTemporaryName(TemporaryPrefixOf(*target_->Uid())); }
  absl::Status Apply(const ObjectKey& key) {
    return target_->Apply(as_, {{key, ConfigMapValue(key.name, "1")}}, cancel_)[0].status();
  }
  Observation Look(const ObjectKey& key, const Value* wanted = nullptr) {
    const auto seen = target_->Observe(as_, {{key, wanted}}, cancel_)[0];
    EXPECT_OK(seen);
    return *seen;
  }
  std::string File(absl::string_view path) { return *ReadFile(absl::StrCat(root_, "/", path)); }
  void Write(absl::string_view path, absl::string_view text) {
    const std::string full = absl::StrCat(root_, "/", path);
    ASSERT_OK(MakeDirectories(DirName(full)));
    ASSERT_OK(WriteFileAtomic(full, text, Durability::kNone));
  }

  const std::string base_;
  const std::string root_;
  std::unique_ptr<DirectoryTarget> target_;
  Cancellation cancel_;
  const ActingAs as_{"shop/web", ""};
};

TEST_F(DirectoryTargetTest, WritesOneYamlFilePerObject) {
  ASSERT_OK(Apply(ConfigMapKey("a")));
  EXPECT_EQ(File("shop/ConfigMap/a.yaml"), WriteYaml(ConfigMapValue("a", "1")));
}

TEST_F(DirectoryTargetTest, LeavesNoTemporaryFileBehind) {
  ASSERT_OK(Apply(ConfigMapKey("a")));
  EXPECT_THAT(*ListDirectory(root_ + "/shop/ConfigMap"), testing::ElementsAre("a.yaml"));
}

TEST_F(DirectoryTargetTest, RemovesTheTemporaryFilesOfAKilledAgent) {
  ASSERT_OK(Apply(ConfigMapKey("a")));
  Write(absl::StrCat("shop/ConfigMap/", Temporary()), "half");
  Reopen();
  EXPECT_THAT(*ListDirectory(root_ + "/shop/ConfigMap"), testing::ElementsAre("a.yaml"));
}

TEST_F(DirectoryTargetTest, A77LeavesWhatOnlyLooksLikeItsTemporaryFiles) {
  const std::string other = MakeTemporaryName(TemporaryPrefixOf("another target"));
  for (const std::string& name : {std::string(".lockstep-tmp-1-1"), other, Temporary() + "-kept"}) {
    Write(name, "theirs");
    Reopen();
    EXPECT_EQ(File(name), "theirs");
  }
  const std::string theirs = Temporary();
  Write(theirs, "theirs");
  constexpr uid_t kOther = 12345;
  if (chown((root_ + "/" + theirs).c_str(), kOther, static_cast<gid_t>(-1)) != 0) {
    GTEST_SKIP() << "only root gives files away";
  }
  Reopen();
  EXPECT_EQ(File(theirs), "theirs");
}

TEST_F(DirectoryTargetTest, A77TellsOfAFileThatOthersRenameFromATemporaryName) {
  ASSERT_OK(Apply(ConfigMapKey("a")));
  Notices notices;
  ASSERT_OK(target_->Watch(as_, {ConfigMapKey("a")}, notices.Callback()));
  const std::string theirs = absl::StrCat("shop/ConfigMap/", Temporary());
  Write(theirs, "theirs: 1\n");
  ASSERT_EQ(
      rename(absl::StrCat(root_, "/", theirs).c_str(), (root_ + "/shop/ConfigMap/a.yaml").c_str()),
      0);
  EXPECT_TRUE(notices.Wait(ConfigMapKey("a")));
  target_->Stop();
}

TEST_F(DirectoryTargetTest, ARootThatCannotBeWrittenToOpensAndSaysSoOfEveryObject) {
  ASSERT_OK(Apply(ConfigMapKey("a")));
  const std::string uid = *target_->Uid();
  ReadOnlyFiles() = true;
  Reopen();
  const absl::Status written = Apply(ConfigMapKey("b"));
  const Value wanted = ConfigMapValue("a", "1");
  EXPECT_EQ(Look(ConfigMapKey("a"), &wanted).presence, Observation::Presence::kEqual);
  ReadOnlyFiles() = false;
  EXPECT_THAT(written, StatusIs(absl::StatusCode::kPermissionDenied,
                                testing::HasSubstr("Read-only file system")));
  EXPECT_EQ(*target_->Uid(), uid);
  EXPECT_OK(Apply(ConfigMapKey("b"))) << "it can be written to again";
}

TEST_F(DirectoryTargetTest, AnotherLayoutOfTheSameValueIsNoChange) {
  Write("shop/ConfigMap/a.yaml",
        "# by hand\nkind: ConfigMap\napiVersion: v1\ndata: {text: '1'}\n"
        "metadata: {namespace: shop, name: a}\n");
  const Value wanted = ConfigMapValue("a", "1");
  EXPECT_EQ(Look(ConfigMapKey("a"), &wanted).presence, Observation::Presence::kEqual);
}

TEST_F(DirectoryTargetTest, WhatCannotBeReadIsDifferent) {
  const Value wanted = ConfigMapValue("a", "1");
  for (const absl::string_view text : {"", "{", "a: 1\n---\nb: 2\n", "\xff"}) {
    Write("shop/ConfigMap/a.yaml", text);
    const Observation seen = Look(ConfigMapKey("a"), &wanted);
    EXPECT_EQ(seen.presence, Observation::Presence::kDifferent) << text;
    EXPECT_EQ(seen.place, "file " + root_ + "/shop/ConfigMap/a.yaml");
  }
}

TEST_F(DirectoryTargetTest, OnlyOneAgentHasADirectory) {
  EXPECT_THAT(DirectoryTarget::Open({.root = root_}),
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("another agent")));
}

TEST_F(DirectoryTargetTest, KeepsItsUid) {
  const std::string uid = *target_->Uid();
  Reopen();
  EXPECT_EQ(*target_->Uid(), uid);
}

TEST_F(DirectoryTargetTest, F56NothingIsWrittenToARootWithoutItsMarker) {
  ASSERT_OK(Apply(ConfigMapKey("a")));
  const std::string uid = *target_->Uid();
  ASSERT_EQ(rename(root_.c_str(), (base_ + "/away").c_str()), 0);
  ASSERT_OK(MakeDirectories(root_));
  EXPECT_THAT(Apply(ConfigMapKey("a")), StatusIs(absl::StatusCode::kFailedPrecondition,
                                                 testing::HasSubstr("cluster accept")));
  EXPECT_THAT(*ListDirectory(root_), testing::IsEmpty());
  ASSERT_OK(RemoveTree(root_));
  ASSERT_EQ(rename((base_ + "/away").c_str(), root_.c_str()), 0);
  EXPECT_OK(Apply(ConfigMapKey("a"))) << "the former one is back";
  EXPECT_EQ(*target_->Uid(), uid);
}

TEST_F(DirectoryTargetTest, F56ARootThatItMadeAgainIsStillTheSame) {
  const std::string uid = *target_->Uid();
  ASSERT_OK(RemoveTree(root_));
  ASSERT_OK(Apply(ConfigMapKey("a")));
  Reopen();
  EXPECT_EQ(*target_->Uid(), uid);
}

TEST_F(DirectoryTargetTest, A05HostileKeysCreateNothingOutside) {
  for (const std::string text : {"..", "../../out", "/etc/out", "a/../../out"}) {
    EXPECT_OK(Apply({"", "ConfigMap", "shop", text}));
    EXPECT_OK(Apply({"", "ConfigMap", text, "a"}));
    EXPECT_OK(Apply({"", text, "shop", "a"}));
  }
  EXPECT_THAT(*ListDirectory(base_), testing::ElementsAre("root"));
}

TEST_F(DirectoryTargetTest, A05ALinkedFolderIsNotFollowed) {
  ASSERT_OK(MakeDirectories(base_ + "/outside/ConfigMap"));
  ASSERT_EQ(symlink("../outside", (root_ + "/shop").c_str()), 0);
  EXPECT_THAT(Apply(ConfigMapKey("a")),
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("links")));
  EXPECT_THAT(target_->Delete(as_, {{ConfigMapKey("a"), ""}}, cancel_)[0],
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::_));
  EXPECT_THAT(*ListDirectory(base_ + "/outside/ConfigMap"), testing::IsEmpty());
}

TEST_F(DirectoryTargetTest, A05ALinkAtAnObjectsPlaceIsReplacedNotFollowed) {
  const std::string canary = base_ + "/canary";
  ASSERT_OK(WriteFileAtomic(canary, WriteYaml(ConfigMapValue("a", "1")), Durability::kNone));
  ASSERT_OK(MakeDirectories(root_ + "/shop/ConfigMap"));
  ASSERT_EQ(symlink("../../../canary", (root_ + "/shop/ConfigMap/a.yaml").c_str()), 0);
  const Value wanted = ConfigMapValue("a", "1");
  EXPECT_EQ(Look(ConfigMapKey("a"), &wanted).presence, Observation::Presence::kDifferent);
  ASSERT_OK(target_->Apply(as_, {{ConfigMapKey("a"), ConfigMapValue("a", "2")}}, cancel_)[0]);
  EXPECT_EQ(*ReadFile(canary), WriteYaml(ConfigMapValue("a", "1")));
  struct stat info;
  ASSERT_EQ(lstat((root_ + "/shop/ConfigMap/a.yaml").c_str(), &info), 0);
  EXPECT_TRUE(S_ISREG(info.st_mode));
}

TEST_F(DirectoryTargetTest, A05APipeAtAnObjectsPlaceDoesNotBlock) {
  ASSERT_OK(MakeDirectories(root_ + "/shop/ConfigMap"));
  ASSERT_EQ(mkfifo((root_ + "/shop/ConfigMap/a.yaml").c_str(), 0644), 0);
  EXPECT_EQ(Look(ConfigMapKey("a")).presence, Observation::Presence::kDifferent);
  EXPECT_OK(Apply(ConfigMapKey("a")));
}

TEST_F(DirectoryTargetTest, A05NamesThatDifferOnlyInCaseAreAnError) {
  ASSERT_OK(Apply(ConfigMapKey("web")));
  const absl::Status second = Apply(ConfigMapKey("Web"));
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("Web.yaml")));
  EXPECT_THAT(second.message(), testing::HasSubstr("web.yaml"));
  EXPECT_THAT(*ListDirectory(root_ + "/shop/ConfigMap"), testing::ElementsAre("web.yaml"));
  // One that went makes room.
  ASSERT_OK(target_->Delete(as_, {{ConfigMapKey("web"), ""}}, cancel_)[0]);
  EXPECT_OK(Apply(ConfigMapKey("Web")));
}

TEST_F(DirectoryTargetTest, AFolderAtAnObjectsPlaceIsAnErrorThatNamesIt) {
  ASSERT_OK(MakeDirectories(root_ + "/shop/ConfigMap/a.yaml"));
  EXPECT_EQ(Look(ConfigMapKey("a")).presence, Observation::Presence::kDifferent);
  EXPECT_THAT(Apply(ConfigMapKey("a")).message(), testing::HasSubstr("shop/ConfigMap/a.yaml"));
  EXPECT_THAT(*ListDirectory(root_ + "/shop/ConfigMap"), testing::ElementsAre("a.yaml"));
}

TEST_F(DirectoryTargetTest, OneThatCannotBePlacedLeavesTheRestOfALargeBatchAlone) {
  constexpr size_t kObjects = 150;  // More than one portion of every writer.
  constexpr size_t kBlocked = 70;
  std::vector<Value> values;
  for (size_t i = 0; i < kObjects; ++i) {
    values.push_back(ConfigMapValue(absl::StrCat("c", i), "1"));
  }
  std::vector<WantedObject> objects;
  for (size_t i = 0; i < kObjects; ++i) {
    objects.push_back({ConfigMapKey(absl::StrCat("c", i)), values[i]});
  }
  ASSERT_OK(MakeDirectories(absl::StrCat(root_, "/shop/ConfigMap/c", kBlocked, ".yaml")));
  const auto answers = target_->Apply(as_, objects, cancel_);
  for (size_t i = 0; i < kObjects; ++i) {
    if (i == kBlocked) continue;
    EXPECT_OK(answers[i]);
    EXPECT_EQ(File(absl::StrCat("shop/ConfigMap/c", i, ".yaml")), WriteYaml(values[i]));
  }
  EXPECT_THAT(answers[kBlocked].status().message(), testing::HasSubstr("/c70.yaml"));
  EXPECT_EQ(ListDirectory(root_ + "/shop/ConfigMap")->size(), kObjects) << "no temporary file";
}

TEST_F(DirectoryTargetTest, TellsOfFoldersThatGoAndComeBack) {
  ASSERT_OK(Apply(ConfigMapKey("a")));
  Notices gone;
  ASSERT_OK(target_->Watch(as_, {ConfigMapKey("a")}, gone.Callback()));
  ASSERT_OK(RemoveTree(root_ + "/shop"));
  EXPECT_TRUE(gone.Wait(ConfigMapKey("a")));
  ASSERT_OK(Apply(ConfigMapKey("a")));
  Notices changed;
  ASSERT_OK(target_->Watch(as_, {ConfigMapKey("a")}, changed.Callback()));
  Write("shop/ConfigMap/a.yaml", "theirs: 1\n");
  EXPECT_TRUE(changed.Wait(ConfigMapKey("a")));
  target_->Stop();
}

TEST_F(DirectoryTargetTest, TellsOfAFolderThatOthersPutInPlace) {
  Notices notices;
  ASSERT_OK(target_->Watch(as_, {ConfigMapKey("a")}, notices.Callback()));
  ASSERT_OK(MakeDirectories(base_ + "/made/ConfigMap"));
  ASSERT_OK(WriteFileAtomic(base_ + "/made/ConfigMap/a.yaml", "theirs: 1\n", Durability::kNone));
  ASSERT_EQ(rename((base_ + "/made").c_str(), (root_ + "/shop").c_str()), 0);
  EXPECT_TRUE(notices.Wait(ConfigMapKey("a")));
  target_->Stop();
}

TEST_F(DirectoryTargetTest, MakesItsRootAgain) {
  ASSERT_OK(Apply(ConfigMapKey("a")));
  Notices gone;
  ASSERT_OK(target_->Watch(as_, {ConfigMapKey("a")}, gone.Callback()));
  ASSERT_OK(RemoveTree(root_));
  EXPECT_TRUE(gone.Wait(ConfigMapKey("a")));
  ASSERT_OK(Apply(ConfigMapKey("a")));
  Notices changed;
  ASSERT_OK(target_->Watch(as_, {ConfigMapKey("a")}, changed.Callback()));
  Write("shop/ConfigMap/a.yaml", "theirs: 1\n");
  EXPECT_TRUE(changed.Wait(ConfigMapKey("a")));
  target_->Stop();
}

TEST_F(DirectoryTargetTest, HearsOfChangesInARootThatOthersPutInPlace) {
  const std::string parent = base_ + "/parent";
  target_ = *DirectoryTarget::Open({.root = parent + "/root"});
  ASSERT_OK(Apply(ConfigMapKey("a")));
  Notices notices;
  ASSERT_OK(target_->Watch(as_, {ConfigMapKey("a")}, notices.Callback()));
  // No watch tells of it: what was watched is elsewhere now.
  std::filesystem::rename(parent, base_ + "/moved");
  std::filesystem::copy(base_ + "/moved", parent, std::filesystem::copy_options::recursive);
  const Value wanted = ConfigMapValue("a", "1");
  EXPECT_EQ(Look(ConfigMapKey("a"), &wanted).presence, Observation::Presence::kEqual);
  notices.Forget();
  ASSERT_OK(
      WriteFileAtomic(parent + "/root/shop/ConfigMap/a.yaml", "theirs: 1\n", Durability::kNone));
  EXPECT_TRUE(notices.Wait(ConfigMapKey("a")));
  target_->Stop();
}

TEST_F(DirectoryTargetTest, TellsWhenALinkAtAFoldersPlaceGoes) {
  ASSERT_EQ(symlink(base_.c_str(), (root_ + "/shop").c_str()), 0);
  Notices notices;
  ASSERT_OK(target_->Watch(as_, {ConfigMapKey("a")}, notices.Callback()));
  EXPECT_THAT(Apply(ConfigMapKey("a")).message(), testing::HasSubstr("remove it"));
  ASSERT_EQ(unlink((root_ + "/shop").c_str()), 0);
  EXPECT_TRUE(notices.Wait(ConfigMapKey("a")));
  target_->Stop();
}

TEST_F(DirectoryTargetTest, SaysWhenTheKernelGivesNoMoreWatches) {
  ASSERT_OK(Apply(ConfigMapKey("a")));
  watches_exhausted = true;
  const absl::Status status = target_->Watch(as_, {ConfigMapKey("a")}, [](auto) {});
  watches_exhausted = false;
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               testing::HasSubstr("max_user_watches")));
  EXPECT_OK(target_->Watch(as_, {ConfigMapKey("a")}, [](auto) {}));
  target_->Stop();
}

}  // namespace
}  // namespace lockstep
