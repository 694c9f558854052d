#include "tests/bench/link_fleet.h"

#include <map>
#include <utility>
#include <variant>

#include <absl/strings/str_cat.h>

#include "agent/identity/enrol.h"
#include "agent/link/fetcher.h"
#include "agent/link/grpc_link.h"
#include "agent/loop/agent_loop.h"
#include "agent/store/agent_store.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/object/json.h"
#include "hub/cli/connect.h"
#include "tests/bench/harness.h"
#include "tests/bench/wire_bytes.h"

namespace lockstep {
namespace {

constexpr int kJoining = 8;  // At a time.

// Keeps what it was told to write as digests, and counts.
class CountingTarget : public Target {
 public:
  CountingTarget(std::string uid, LinkCounts* one, LinkCounts* all)
      : uid_(std::move(uid)), one_(one), all_(all) {}

  TargetKind kind() const override { return TargetKind::kDirectory; }
  Capabilities capabilities() const override { return {}; }
  absl::StatusOr<std::string> Uid() override { return uid_; }

  std::vector<absl::StatusOr<ObjectKey>> Settle(const ActingAs&, const std::vector<ObjectKey>& keys,
                                                absl::string_view) override {
    return {keys.begin(), keys.end()};
  }
  std::vector<absl::StatusOr<Observation>> Observe(const ActingAs&,
                                                   const std::vector<LookAt>& objects,
                                                   const Cancellation&) override {
    MutexLock lock(&mutex_);
    std::vector<absl::StatusOr<Observation>> answers;
    for (const LookAt& object : objects) {
      Observation seen;
      seen.key = object.key;
      const auto found = objects_.find(object.key);
      if (found != objects_.end()) {
        const bool equal = object.wanted != nullptr && DigestOf(*object.wanted) == found->second;
        seen.presence = equal ? Observation::Presence::kEqual : Observation::Presence::kDifferent;
        seen.content = found->second;
      }
      answers.emplace_back(std::move(seen));
    }
    return answers;
  }
  std::vector<absl::Status> Validate(const ActingAs&, const std::vector<WantedObject>& stage,
                                     const Cancellation&) override {
    return std::vector<absl::Status>(stage.size());
  }
  std::vector<absl::StatusOr<Written>> Apply(const ActingAs&,
                                             const std::vector<WantedObject>& objects,
                                             const Cancellation&) override {
    MutexLock lock(&mutex_);
    for (const WantedObject& object : objects) objects_[object.key] = DigestOf(object.value);
    one_->writes += static_cast<int>(objects.size());
    all_->writes += static_cast<int>(objects.size());
    return std::vector<absl::StatusOr<Written>>(objects.size(), Written{});
  }
  std::vector<absl::Status> Delete(const ActingAs&, const std::vector<DeleteRequest>& objects,
                                   const Cancellation&) override {
    MutexLock lock(&mutex_);
    for (const DeleteRequest& object : objects) objects_.erase(object.key);
    return std::vector<absl::Status>(objects.size());
  }
  absl::Status Watch(const ActingAs&, const std::vector<ObjectKey>&, Changed) override {
    return absl::OkStatus();
  }
  void Stop() override {}

 private:
  static Digest DigestOf(const Value& value) { return Digest::Of(CanonicalJson(value)); }

  const std::string uid_;
  LinkCounts* const one_;
  LinkCounts* const all_;
  Mutex mutex_;
  std::map<ObjectKey, Digest> objects_ ABSL_GUARDED_BY(mutex_);
};

// The real link, with somebody who counts between it and the loop.
class CountingLink : public AgentLink, public LinkEvents {
 public:
  CountingLink(GrpcLinkOptions options, LinkCounts* one, LinkCounts* all, bool weighs)
      : link_(std::move(options)), one_(one), all_(all), weighs_(weighs) {}

  void Start(LinkEvents* events) override {
    events_ = events;
    link_.Start(this);
  }
  void Send(AgentMessage message) override {
    // The loop sends it when what it says is durable.
    const bool ack = std::holds_alternative<Ack>(message);
    if (ack && weighs_) one_->ack_bytes += WireBytes(message);
    link_.Send(std::move(message));
    if (!ack) return;
    ++one_->acks;
    ++all_->acks;
  }
  void Stop() override { link_.Stop(); }

  void OnLinkUp() override { events_->OnLinkUp(); }
  void OnLinkDown() override { events_->OnLinkDown(); }
  void OnMessage(HubMessage message) override {
    if (std::holds_alternative<Welcome>(message)) {
      ++one_->welcomes;
      ++all_->welcomes;
    } else if (const auto* desired = std::get_if<Desired>(&message)) {
      Count(*desired, one_);
      Count(*desired, all_);
      if (weighs_) one_->desired_bytes += WireBytes(message);
    }
    events_->OnMessage(std::move(message));
  }

  std::shared_ptr<grpc::Channel> channel() const { return link_.channel(); }

 private:
  static void Count(const Desired& desired, LinkCounts* counts) {
    const int64_t now = absl::ToUnixNanos(SystemClock()->Now());
    if (counts->desired++ == 0) counts->first_desired_ns = now;
    counts->last_desired_ns = now;
    for (const ApplicationTarget& target : desired.applications) {
      const auto* delta = std::get_if<std::shared_ptr<const DeltaMessage>>(&target.content);
      if (delta != nullptr) counts->blobs += static_cast<int>((*delta)->data.size());
    }
  }

  GrpcAgentLink link_;
  LinkCounts* const one_;
  LinkCounts* const all_;
  const bool weighs_;
  LinkEvents* events_ = nullptr;
};

}  // namespace

void LinkCounts::Reset() {
  welcomes = desired = acks = blobs = writes = 0;
  desired_bytes = ack_bytes = first_desired_ns = last_desired_ns = 0;
}

class LinkFleet::Agent {
 public:
  struct Shared {
    LinkCounts* all = nullptr;
    Timers* timers = nullptr;
    TaskRunner* loop_runner = nullptr;
    TaskRunner* work_runner = nullptr;
  };

  Agent(const std::string& directory, const std::string& token, bool weighs, const Shared& shared)
      : uid_(RandomBytes(16)), place_(directory), target_(uid_, &counts_, shared.all) {
    AgentIdentity identity = Must(Enrol(token, place_, uid_, SystemClock()->Now()));
    AgentStore::Opened opened = Must(AgentStore::Open({.directory = directory}));
    store_ = std::move(opened.store);
    link_ = std::make_unique<CountingLink>(
        GrpcLinkOptions{.identity = std::move(identity),
                        .renewal = IdentityIn(&place_, SystemClock()),
                        .clock = SystemClock(),
                        .rng = SystemRng()},
        &counts_, shared.all, weighs);
    fetcher_ = std::make_unique<GrpcBlobFetcher>([this] { return link_->channel(); });
    AgentLoop::Parts parts;
    parts.storage = store_.get();
    parts.target = &target_;
    parts.link = link_.get();
    parts.fetcher = fetcher_.get();
    parts.clock = SystemClock();
    parts.timers = shared.timers;
    parts.loop_runner = shared.loop_runner;
    parts.work_runner = shared.work_runner;
    parts.facts = {.version = LOCKSTEP_VERSION, .target = target_.kind(), .target_uid = uid_};
    parts.seed = SystemRng()->Next();
    loop_ = std::make_unique<AgentLoop>(std::move(parts));
    loop_->Start(std::move(opened.state));
    link_->Start(loop_.get());
  }
  ~Agent() {
    link_->Stop();
    fetcher_->Stop();
    loop_->Stop();
  }

  LinkCounts& counts() { return counts_; }
  const AgentStore& store() const { return *store_; }

 private:
  LinkCounts counts_;
  const std::string uid_;
  const IdentityFile place_;
  CountingTarget target_;
  std::unique_ptr<AgentStore> store_;
  std::unique_ptr<CountingLink> link_;
  std::unique_ptr<GrpcBlobFetcher> fetcher_;
  std::unique_ptr<AgentLoop> loop_;
};

LinkFleet::LinkFleet(const std::string& directory, HubProcess* hub, int count)
    : directory_(directory), timers_(SystemClock()), agents_(static_cast<size_t>(count)) {
  const Agent::Shared shared{&all_, &timers_, &loop_pool_, &work_pool_};
  std::atomic<int> next{0};
  std::vector<Thread> joining;
  for (int i = 0; i < kJoining; ++i) {
    joining.emplace_back("join", [&] {
      const auto client = Must(ConnectToHub({.context_file = hub->context_file()}));
      for (int number = next++; number < count; number = next++) {
        const std::string token = NewJoinToken(client.get(), Cluster(number));
        agents_[static_cast<size_t>(number)] =
            std::make_unique<Agent>(Directory(number), token, number == 0, shared);
      }
    });
  }
  joining.clear();  // Joins.
}

LinkFleet::~LinkFleet() {
  // Side by side: each waits for a thread of its own to end.
  std::atomic<size_t> next{0};
  std::vector<Thread> ending;
  for (int i = 0; i < kJoining; ++i) {
    ending.emplace_back("end", [&] {
      for (size_t number = next++; number < agents_.size(); number = next++) {
        agents_[number].reset();
      }
    });
  }
  ending.clear();
  timers_.Stop();
  work_pool_.Stop();
  loop_pool_.Stop();
}

std::string LinkFleet::Directory(int number) const {
  return absl::StrCat(directory_, "/agent-", number);
}

std::string LinkFleet::Cluster(int number) { return absl::StrCat("cluster-", number); }

LinkCounts& LinkFleet::of(int number) { return agents_[static_cast<size_t>(number)]->counts(); }

void LinkFleet::Reset() {
  all_.Reset();
  for (const auto& agent : agents_) agent->counts().Reset();
}

int64_t LinkFleet::JournalBytes() const {
  return static_cast<int64_t>(Must(ReadFile(Directory(0) + "/state")).size());
}

uint64_t LinkFleet::JournalSyncs() const { return agents_[0]->store().syncs(); }

}  // namespace lockstep
