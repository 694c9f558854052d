// The real thing but for the hub: journal, directory, inotify, threads.
#include "agent/loop/agent_loop.h"

#include <algorithm>
#include <atomic>
#include <errno.h>
#include <set>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/loop/timers.h"
#include "agent/store/agent_store.h"
#include "agent/target/directory.h"
#include "common/bundle/delta.h"
#include "common/object/json.h"
#include "common/object/yaml_writer.h"
#include "tests/testing/read_only_files.h"
#include "tests/testing/status.h"

// The program's own comes before the library's: a disk that fails to sync, when the test says so.
static std::atomic<bool> sync_fails{false};
extern "C" int fdatasync(int fd) {
  if (!sync_fails) return fsync(fd);
  errno = EIO;
  return -1;
}

// The same for writes to the journal.
static std::atomic<bool> write_fails{false};
extern "C" ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  if (!write_fails) return syscall(SYS_pwrite64, fd, bytes, size, offset);
  errno = EIO;
  return -1;
}

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kWeb[] = "shop/web";

// A hub that speaks when it is told to.
class ScriptedLink : public AgentLink, public BlobFetcher {
 public:
  void Start(LinkEvents* events) override {
    events_ = events;
    events_->OnLinkUp();
    Welcome welcome;
    welcome.hub_incarnation = std::string(16, 'h');
    welcome.epoch = 1;
    events_->OnMessage(std::move(welcome));
  }
  void Send(AgentMessage message) override {
    MutexLock lock(&mutex_);
    if (const auto* ack = std::get_if<Ack>(&message)) acks_.push_back(*ack);
  }
  void Stop() override {}
  // Brings the first blob of each call; then the link breaks.
  void Fetch(std::vector<WantedBlob> blobs, OnBlob on_blob, OnDone done) override {
    MutexLock lock(&mutex_);
    fetched_.push_back(blobs.size());
    for (const WantedBlob& blob : blobs) {
      if (&blob != &blobs.front()) return done(absl::UnavailableError("the link broke"));
      EXPECT_OK(on_blob(blob.digest, blobs_.at(blob.digest)));
    }
    done(absl::OkStatus());
  }
  void Reconnect() {
    events_->OnLinkDown();
    Start(events_);
  }

  // All objects, inline unless they are to be fetched, from nothing.
  void Desire(const std::vector<Value>& objects, uint64_t generation, bool is_inline = true) {
    auto message = std::make_shared<DeltaMessage>();
    std::vector<ManifestEntry> entries;
    for (const Value& object : objects) {
      const std::string blob = CanonicalJson(object);
      entries.push_back({KeyOf(object), Digest::Of(blob)});
      if (is_inline) message->data[Digest::Of(blob)] = blob;
      MutexLock lock(&mutex_);
      blobs_[Digest::Of(blob)] = blob;
    }
    message->delta = ComputeDelta(*EmptyManifest(), **Manifest::Make(std::move(entries)));
    ApplicationTarget target;
    target.name = kWeb;
    target.generation = generation;
    target.content = std::shared_ptr<const DeltaMessage>(std::move(message));
    target.options = EncodeOptions({});
    target.options_digest = Digest::Of(*target.options);
    target.complete = true;
    Desired desired;
    desired.seq = generation;
    desired.epoch = 1;
    desired.at = {generation, Digest::Of("chain")};
    desired.applications = {std::move(target)};
    events_->OnMessage(std::move(desired));
  }

  static ObjectKey KeyOf(const Value& object) {
    const Value* metadata = object.Find("metadata");
    return {"", std::string(object.StringAt("kind")), std::string(metadata->StringAt("namespace")),
            std::string(metadata->StringAt("name"))};
  }

  std::vector<Ack> acks() const {
    MutexLock lock(&mutex_);
    return acks_;
  }
  // How many blobs each call asked for.
  std::vector<size_t> fetched() const {
    MutexLock lock(&mutex_);
    return fetched_;
  }

 private:
  LinkEvents* events_ = nullptr;
  mutable Mutex mutex_;
  std::vector<Ack> acks_ ABSL_GUARDED_BY(mutex_);
  std::vector<size_t> fetched_ ABSL_GUARDED_BY(mutex_);
  std::map<Digest, std::string> blobs_ ABSL_GUARDED_BY(mutex_);
};

Value Object(absl::string_view name, absl::string_view text) {
  return *ReadJson(absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")",
                                name, R"(","namespace":"shop"},"data":{"text":")", text, R"("}})"),
                   "test");
}

// The bytes of an object's file: members sorted, as kubectl prints them.
std::string Yaml(const Value& object) {
  return WriteYaml(*ReadJson(CanonicalJson(object), "test"));
}

class AgentLoopTest : public testing::Test {
 protected:
  AgentLoopTest() : base_(*MakeTemporaryDirectory("lockstep-loop-")), root_(base_ + "/root") {
    Start();
  }
  ~AgentLoopTest() override {
    Stop();
    EXPECT_OK(RemoveTree(base_));
  }

  void Start() {
    {
      MutexLock lock(&mutex_);
      report_ = ApplicationReport();
    }
    target_ = *DirectoryTarget::Open({.root = root_});
    absl::StatusOr<AgentStore::Opened> opened = AgentStore::Open({.directory = base_ + "/state"});
    ASSERT_OK(opened);
    store_ = std::move(opened->store);
    AgentLoop::Parts parts;
    parts.storage = store_.get();
    parts.target = target_.get();
    parts.link = &link_;
    parts.fetcher = &link_;
    parts.clock = SystemClock();
    parts.timers = &timers_;
    parts.loop_runner = &loop_thread_;
    parts.work_runner = &work_thread_;
    parts.after_step = [this](const AgentState& state) {
      const auto live = state.live.find(kWeb);
      MutexLock lock(&mutex_);
      report_ = live == state.live.end() ? ApplicationReport() : live->second.report;
      idle_ = live != state.live.end() && !live->second.run.has_value();
    };
    parts.on_broken = [this](const absl::Status& status) {
      MutexLock lock(&mutex_);
      broken_ = status;
      stopped_ = true;
    };
    parts.on_stop = [this](const std::string&, const absl::Status&) {
      MutexLock lock(&mutex_);
      stopped_ = true;
    };
    loop_ = std::make_unique<AgentLoop>(std::move(parts));
    loop_->Start(std::move(opened->state));
    link_.Start(loop_.get());
  }
  void Stop() {
    target_->Stop();
    loop_.reset();
    target_.reset();
    store_.reset();
  }

  // Waits until the agent says that it is in `state` at `generation`, with `writes` done for it.
  bool Await(ApplicationState state, uint64_t generation, uint64_t writes) {
    MutexLock lock(&mutex_);
    wanted_.state = state;
    wanted_.generation = generation;
    wanted_.writes = writes;
    return mutex_.AwaitWithTimeout(absl::Condition(this, &AgentLoopTest::Reached),
                                   absl::Seconds(30));
  }
  bool Reached() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return idle_ && report_.state == wanted_.state && report_.generation == wanted_.generation &&
           report_.writes >= wanted_.writes;
  }
  bool AwaitStop() {
    MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&stopped_), absl::Seconds(30));
  }

  // A store that fails so keeps nothing of what is desired next, and says it.
  void EndsTheProgram(std::atomic<bool>* fails, const std::string& says) {
    link_.Desire({Object("a", "1")}, 1);
    ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 1));
    *fails = true;
    link_.Desire({Object("a", "2")}, 2);
    const bool ended = AwaitStop();
    *fails = false;
    ASSERT_TRUE(ended);
    for (const Ack& ack : link_.acks()) EXPECT_EQ(ack.received_through, 1);
    EXPECT_EQ(File("a"), Yaml(Object("a", "1")));
    MutexLock lock(&mutex_);
    EXPECT_THAT(broken_, StatusIs(absl::StatusCode::kDataLoss, HasSubstr(says)));
  }

  std::string PathTo(absl::string_view name) {
    return absl::StrCat(root_, "/shop/ConfigMap/", name, ".yaml");
  }
  std::string File(absl::string_view name) { return *ReadFile(PathTo(name)); }
  // As an editor does that writes in place.
  void Overwrite(absl::string_view name, absl::string_view text) {
    FILE* file = fopen(PathTo(name).c_str(), "w");
    ASSERT_NE(file, nullptr);
    fwrite(text.data(), 1, text.size(), file);
    fclose(file);
  }

  const std::string base_;
  const std::string root_;
  ScriptedLink link_;
  std::unique_ptr<DirectoryTarget> target_;
  std::unique_ptr<AgentStore> store_;
  Timers timers_{SystemClock()};
  ThreadPool loop_thread_{"loop", 1};
  ThreadPool work_thread_{"work", 1};
  std::unique_ptr<AgentLoop> loop_;
  Mutex mutex_;
  ApplicationReport report_ ABSL_GUARDED_BY(mutex_);
  ApplicationReport wanted_ ABSL_GUARDED_BY(mutex_);
  bool idle_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(AgentLoopTest, F11AStoreThatFailsToSyncEndsTheProgramAndNothingIsAcknowledged) {
  ASSERT_NO_FATAL_FAILURE(EndsTheProgram(&sync_fails, "syncing"));
  Stop();
  Start();
  link_.Desire({Object("a", "2")}, 3);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 3, 1));
}

TEST_F(AgentLoopTest, F10AStoreThatFailsToWriteEndsTheProgramAndNothingIsAcknowledged) {
  ASSERT_NO_FATAL_FAILURE(EndsTheProgram(&write_fails, "Input/output error"));
}

TEST_F(AgentLoopTest, ATargetThatCannotBeWrittenToIsSaidInTheStatusAlsoAfterARestart) {
  link_.Desire({Object("a", "1")}, 1);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 1));
  ReadOnlyFiles() = true;
  Stop();
  Start();
  link_.Desire({Object("a", "2")}, 2);
  const bool stalled = Await(ApplicationState::kStalled, 2, 0);
  ReadOnlyFiles() = false;
  ASSERT_TRUE(stalled);
  MutexLock lock(&mutex_);
  EXPECT_THAT(report_.message, HasSubstr("Read-only file system"));
}

TEST_F(AgentLoopTest, WritesWhatIsDesired) {
  link_.Desire({Object("a", "1"), Object("b", "2")}, 1);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 2));
  EXPECT_EQ(File("a"), Yaml(Object("a", "1")));
  EXPECT_EQ(link_.acks().front().received_through, 1);
  EXPECT_THAT(link_.acks().front().refused, IsEmpty());
}

TEST_F(AgentLoopTest, PutsBackAForeignWriteAndItsOwnWriteIsNoNews) {
  link_.Desire({Object("a", "1")}, 1);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 1));
  for (uint64_t i = 0; i < 5; ++i) {
    Overwrite("a", "theirs: 1\n");
    ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 2 + i));
    EXPECT_EQ(File("a"), Yaml(Object("a", "1")));
  }
}

TEST_F(AgentLoopTest, MakesARemovedFileAndARemovedFolderAgain) {
  link_.Desire({Object("a", "1"), Object("b", "1")}, 1);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 2));
  ASSERT_OK(RemoveFile(PathTo("a")));
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 3));
  // Moved away at one stroke: a removal file by file races with the agent.
  ASSERT_EQ(rename((root_ + "/shop").c_str(), (base_ + "/gone").c_str()), 0);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 5));
  EXPECT_EQ(File("a"), Yaml(Object("a", "1")));
  EXPECT_EQ(File("b"), Yaml(Object("b", "1")));
}

TEST_F(AgentLoopTest, AnUnchangedObjectGetsNoWrite) {
  link_.Desire({Object("a", "1"), Object("b", "1")}, 1);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 2));
  struct stat before;
  ASSERT_EQ(stat(PathTo("a").c_str(), &before), 0);
  link_.Desire({Object("a", "1"), Object("b", "2")}, 2);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 2, 1));
  struct stat after;
  ASSERT_EQ(stat(PathTo("a").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(AgentLoopTest, AFileInPlaceIsNamedAndLeftAlone) {
  ASSERT_OK(MakeDirectories(root_ + "/shop/ConfigMap"));
  Overwrite("a", "theirs: 1\n");
  link_.Desire({Object("a", "1")}, 1);
  ASSERT_TRUE(Await(ApplicationState::kStalled, 1, 0));
  EXPECT_EQ(File("a"), "theirs: 1\n");
  MutexLock lock(&mutex_);
  EXPECT_THAT(report_.message, HasSubstr("file " + PathTo("a")));
}

TEST_F(AgentLoopTest, PutsBackWhatChangedWhileItWasDown) {
  link_.Desire({Object("a", "1"), Object("b", "1")}, 1);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 2));
  Stop();
  Overwrite("a", "theirs: 1\n");
  Start();
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 1));
  EXPECT_EQ(File("a"), Yaml(Object("a", "1")));
}

TEST_F(AgentLoopTest, ReleasedByAPersonItLeavesAllAndStops) {
  link_.Desire({Object("a", "1")}, 1);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 1));
  loop_->Post(agent_event::ReleaseAll{});
  ASSERT_TRUE(AwaitStop());
  EXPECT_EQ(File("a"), Yaml(Object("a", "1")));
}

TEST_F(AgentLoopTest, F27AFetchThatEachSessionCutsShortGoesOnWhereItWas) {
  const std::vector<Value> objects = {Object("a", "1"), Object("b", "1"), Object("c", "1")};
  for (int session = 0; session < 3; ++session) {
    link_.Desire(objects, 1, /*is_inline=*/false);
    link_.Reconnect();
  }
  link_.Desire(objects, 1, /*is_inline=*/false);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 3));
  std::vector<size_t> fetched = link_.fetched();
  while (fetched.size() > 3 && fetched.back() == 0) fetched.pop_back();  // Asked before it knew.
  EXPECT_THAT(fetched, testing::ElementsAre(3, 2, 1));
}

TEST_F(AgentLoopTest, ManyObjectsAreWrittenAndEachIsPutBack) {
  std::vector<Value> objects;
  for (int i = 0; i < 200; ++i) objects.push_back(Object(absl::StrCat("n", i), "1"));
  link_.Desire(objects, 1);
  ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 200));
  std::vector<absl::Duration> times;
  for (int i = 0; i < 200; ++i) {
    const std::string name = absl::StrCat("n", i);
    const absl::Duration before = SystemClock()->Monotonic();
    Overwrite(name, "theirs: 1\n");
    ASSERT_TRUE(Await(ApplicationState::kSynced, 1, 201 + i));
    times.push_back(SystemClock()->Monotonic() - before);
    ASSERT_EQ(File(name), Yaml(objects[i]));
  }
  std::sort(times.begin(), times.end());
  RecordProperty("p50", absl::FormatDuration(times[100]));
  RecordProperty("p99", absl::FormatDuration(times[198]));
}

}  // namespace
}  // namespace lockstep
