// The hub's core delivers to the agent's. However much moves, and however little one message takes:
// the agent refuses nothing and never keeps a delete of what another application is to have.
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/random.h"
#include "hub/core/queries.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/agent_world.h"

namespace lockstep {
namespace {

constexpr char kCluster[] = "eu-1";
constexpr int kApplications = 8;
constexpr uint64_t kKeys = 40;

std::string Name(uint64_t number) { return absl::StrCat("a", number); }

// One hub and one agent, both real cores; what the hub sends waits until Deliver.
class Delivery {
 public:
  explicit Delivery(uint64_t seed) : rng(seed) {
    agent.connect = false;
    agent.hold_runs = true;
    agent.answer_fetches = false;
    agent.storage = ModelStorage();  // It has heard of no hub yet.
    agent.Restart();
    hub.AddCluster(kCluster);
    hub.AddRepository();
    for (int i = 0; i < kApplications; ++i) {
      hub.Apply(hub.MakeApplication(Name(i)));
      hub.content[Name(i)][kCluster] = Folder{};
    }
    Connect();
  }

  void Connect() {
    FakeAgent& hello = hub.Agent(kCluster);  // Says what the agent would.
    const DurableState& durable = agent.state.durable;
    hello.applications.clear();
    for (const auto& [name, application] : durable.applications) {
      const ApplicationRecord& target = application.target;
      hello.applications[name] = {
          target.generation,           target.manifest, target.options_digest, {}, {},
          target.releasing.has_value()};
    }
    hello.seen = durable.agent.seen;
    hello.start_counter = durable.agent.start_counter;
    hello.desired_seq = durable.agent.desired_seq;
    hello.status_seq = agent.state.status_acked;
    agent.Post(agent_event::LinkDown{});
    agent.Post(agent_event::LinkUp{});
    hub.Connect(kCluster);
  }

  void RestartHub() {
    const DeliveryLimits limits = hub.state.settings.delivery;
    hub.Restart();
    hub.state.settings.delivery = limits;
    Connect();
  }

  // Places every key anew; most stay where they are, some are nowhere.
  void Move() {
    std::map<std::string, uint64_t> places;
    for (uint64_t i = 0; i < kApplications; ++i) {
      auto& folder = hub.content[Name(i)][kCluster];
      for (const auto& [key, text] : std::get<Folder>(folder)) places[key] = i;
      folder = Folder{};
    }
    for (uint64_t i = 0; i < kKeys; ++i) {
      const std::string key = absl::StrCat("k", i);
      const bool stays = places.contains(key) && rng.Below(3) != 0;
      const uint64_t at = stays ? places[key] : rng.Below(kApplications + 1);
      if (at == kApplications) continue;
      std::get<Folder>(hub.content[Name(at)][kCluster])[key] = absl::StrCat(rng.Below(3));
    }
  }

  // The hub's answers to what the agent fetches now; contents are taken as stored.
  void AnswerFetches() {
    while (!agent.fetches.empty() && serves) {
      const agent_effect::Fetch fetch = agent.fetches.back();
      agent.fetches.clear();
      agent_event::BlobsStored stored{fetch.fetch, {}};
      absl::Status status;
      for (const DocumentReference& document : fetch.documents) {
        const BlobBytes bytes = FindDocument(hub.state, kCluster, document.digest);
        if (bytes == nullptr) {
          status = absl::NotFoundError("not at hand");
        } else {
          EXPECT_EQ(bytes->size(), document.bytes);
          stored.documents[document.digest] = *bytes;
          ++documents;
        }
      }
      if (status.ok()) {
        agent.Post(std::move(stored));
      } else {
        agent.Post(agent_event::FetchFailed{fetch.fetch, status});
      }
    }
  }

  // Lets both talk until they have nothing to say.
  void Deliver() {
    for (bool more = true; more && !testing::Test::HasFailure();) {
      const std::vector<HubMessage> sent = hub.TakeSent(kCluster);
      size_t newest = sent.size();  // The only Desired that a stream still has: see Outbox.
      for (size_t i = 0; i < sent.size(); ++i) {
        if (std::holds_alternative<Desired>(sent[i])) newest = i;
      }
      for (size_t i = 0; i < sent.size(); ++i) {
        if (std::holds_alternative<Desired>(sent[i]) && i != newest) continue;
        agent.Receive(sent[i]);
        AnswerFetches();
      }
      Check();
      more = Answer() || !sent.empty();
    }
  }

  // Of what was not to be deleted before: a key that left Git may come back while its delete waits.
  void Check() {
    for (const auto& [name, application] : agent.state.durable.applications) {
      std::vector<ObjectKey>& before = tombstones_[name];
      const std::vector<ObjectKey> now = application.target.tombstones;
      for (const ObjectKey& key : now) {
        if (ContainsKey(before, key)) continue;
        for (const auto& [other, instance] : hub.state.clusters.at(kCluster).instances) {
          EXPECT_TRUE(other == name || instance.assignment.manifest->Find(key) == nullptr)
              << name << " is to delete " << key.ToString() << ", which " << other << " names";
        }
      }
      before = now;
    }
  }

  void ExpectDelivered() {
    for (const auto& [name, instance] : hub.state.clusters.at(kCluster).instances) {
      EXPECT_EQ(agent.state.durable.applications[name].target.manifest->digest(),
                instance.assignment.manifest->digest())
          << name;
    }
  }

  SeededRng rng;
  Fleet hub;
  AgentWorld agent;
  bool serves = true;    // Fetches are answered; else they wait.
  size_t messages = 0;   // Desired that were acknowledged.
  size_t documents = 0;  // That were fetched.

 private:
  bool Answer() {
    const TimerId status{TimerId::Kind::kStatus, ""};
    if (agent.timers.contains(status)) agent.Fire(status);
    bool said = false;
    for (Ack& ack : std::exchange(agent.acks, {})) {
      for (const ApplicationAck& refused : ack.refused)
        ADD_FAILURE() << refused.name << " is refused: " << refused.message;
      ++messages;
      said = true;
      hub.Say(kCluster, std::move(ack));
    }
    for (Pages& pages : std::exchange(agent.pages, {})) {
      said = true;
      hub.Say(kCluster, std::move(pages));
    }
    for (StatusReport& report : std::exchange(agent.statuses, {})) {
      said = true;
      // Nothing is carried out here, and the hub would keep all together that waits.
      for (ApplicationReport& application : report.applications)
        application.state = ApplicationState::kSynced;
      hub.Say(kCluster, std::move(report));
    }
    return said;
  }

  std::map<std::string, std::vector<ObjectKey>> tombstones_;  // That the agent had, by application.
};

uint64_t FirstSeed() {
  uint64_t seed = 1;
  const char* given = std::getenv("LOCKSTEP_SEED");
  if (given != nullptr && !absl::SimpleAtoi(given, &seed))
    ADD_FAILURE() << "LOCKSTEP_SEED is no number";
  return seed;
}

TEST(Delivery, G18WhatMovesIsNeverSplitHoweverLittleAMessageTakes) {
  const uint64_t first = FirstSeed();
  std::cout << "seeds from " << first << "\n";
  size_t messages = 0;
  size_t documents = 0;
  size_t commits = 0;
  for (uint64_t seed = first; seed < first + 30 && !HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Delivery world(seed);
    DeliveryLimits& limits = world.hub.state.settings.delivery;
    limits.desired_bytes = 500 + world.rng.Below(4000);
    if (world.rng.Below(2) == 0) limits.delta_bytes = world.rng.Below(600);
    for (int i = 0; i < 12 && !HasFailure(); ++i) {
      world.Move();
      world.hub.Commit();
      ++commits;
      if (world.rng.Below(8) == 0) world.RestartHub();
      // More than may be under way would leave the newest unsent.
      if (world.rng.Below(4) != 0 || i % 4 == 3) world.Deliver();
    }
    world.Deliver();
    world.ExpectDelivered();
    messages += world.messages;
    documents += world.documents;
  }
  EXPECT_GT(messages, commits) << "hardly anything was split";
  EXPECT_GT(documents, commits / 2);
}

TEST(Delivery, F08WhatWasJustRefusedDoesNotKeepThePlaceOfWhatIsDue) {
  Fleet fleet;
  fleet.AddRepository();
  fleet.AddCluster("eu-1");
  const std::vector<std::string> names = {"api", "cron", "web"};
  for (const std::string& name : names) {
    fleet.Apply(fleet.MakeApplication(name));
    fleet.content[name]["eu-1"] = Folder{{"of-" + name, "1"}};
  }
  fleet.Commit();
  fleet.Connect("eu-1");
  fleet.Settle();
  fleet.state.settings.delivery.desired_bytes = 600;  // Takes one.
  for (const std::string& name : names) fleet.content[name]["eu-1"] = Folder{{"of-" + name, "2"}};
  fleet.Commit();
  std::set<std::string> tried;
  for (int i = 0; i < 3; ++i) {
    const std::vector<HubMessage> messages = fleet.TakeSent("eu-1");
    ASSERT_EQ(messages.size(), 1u) << i;
    const Desired sent = std::get<Desired>(messages[0]);
    Ack ack;
    ack.received_through = sent.seq - 1;  // The disk is full.
    ack.cluster_root = fleet.Agent("eu-1").Root();
    for (const ApplicationTarget& target : sent.applications) {
      tried.insert(target.name);
      ack.refused.push_back({target.name, target.generation, ApplicationAck::Code::kNoSpace,
                             "the disk is full", true});
    }
    fleet.Say("eu-1", ack);
  }
  EXPECT_THAT(tried, testing::SizeIs(3));
  EXPECT_THAT(fleet.TakeSent("eu-1"), testing::IsEmpty()) << "all of it waits";
}

// Everything goes by document.
struct Fetching : Delivery {
  Fetching() : Delivery(1) {
    hub.state.settings.delivery.delta_bytes = 0;
    Place("1");
    hub.Commit();
    Deliver();
    ExpectDelivered();
    agent.fetches.clear();
  }

  void Place(const std::string& text) {
    hub.content["a0"][kCluster] = Folder{{"x", text}, {"y", text}};
  }
  // The newest text goes out, and the agent begins to fetch it.
  Digest Begin(const std::string& text) {
    Place(text);
    hub.Commit();
    serves = false;
    Deliver();
    serves = true;
    return agent.fetches.empty() ? Digest() : agent.fetches.back().documents.at(0).digest;
  }
};

TEST(Documents, D3OneIsServedToItsAgentWhileItIsUnderWay) {
  Fetching world;
  world.hub.AddCluster("us-1");
  world.hub.Connect("us-1");
  const Digest document = world.Begin("2");
  EXPECT_NE(FindDocument(world.hub.state, kCluster, document), nullptr);
  EXPECT_FALSE(MayFetch(world.hub.state, kCluster, document)) << "it lies in no store";
  EXPECT_EQ(FindDocument(world.hub.state, "us-1", document), nullptr);
  EXPECT_EQ(FindDocument(world.hub.state, "none", document), nullptr);
  const auto fingerprint = world.hub.state.clusters.at(kCluster).fingerprint.value();
  ASSERT_OK_AND_ASSIGN(const auto allowed,
                       AllowFetch(world.hub.state, kCluster, fingerprint, {document}));
  EXPECT_EQ(allowed.size(), 1u);
  EXPECT_THAT(AllowFetch(world.hub.state, kCluster, Digest::Of("another key"), {document}),
              StatusIs(absl::StatusCode::kPermissionDenied, testing::_));
  EXPECT_THAT(AllowFetch(world.hub.state, "us-1",
                         world.hub.state.clusters.at("us-1").fingerprint.value(), {document}),
              StatusIs(absl::StatusCode::kNotFound, testing::_));
  world.AnswerFetches();
  world.Deliver();
  world.ExpectDelivered();
  EXPECT_EQ(FindDocument(world.hub.state, kCluster, document), nullptr) << "it was received";
}

TEST(Documents, AHubThatEndsInMidFetchSendsItAgain) {
  Fetching world;
  world.Begin("2");
  world.agent.fetches.clear();
  world.RestartHub();
  world.Deliver();
  world.ExpectDelivered();
}

TEST(Documents, OneThatIsNotAtHandAnyMoreIsSentAnew) {
  Fetching world;
  const Digest document = world.Begin("2");
  const size_t sent = world.hub.desired_sent;
  world.hub.state.deltas = DeltaCache();
  EXPECT_EQ(FindDocument(world.hub.state, kCluster, document), nullptr);
  world.AnswerFetches();
  ASSERT_EQ(world.agent.acks.size(), 1u);
  EXPECT_TRUE(world.agent.acks[0].refused.at(0).retryable);
  world.hub.Say(kCluster, std::exchange(world.agent.acks, {})[0]);
  EXPECT_EQ(world.hub.desired_sent, sent) << "the agent waits before it asks";
  world.agent.Fire({TimerId::Kind::kFetch, ""});
  world.Deliver();
  world.ExpectDelivered();
}

TEST(Documents, ANewerTargetTakesThePlaceOfOneThatIsBeingFetched) {
  Fetching world;
  const Digest first = world.Begin("2");
  const Digest second = world.Begin("3");
  EXPECT_NE(first, second);
  world.Deliver();
  world.AnswerFetches();
  world.Deliver();
  world.ExpectDelivered();
}

TEST(Documents, DeletesByNameTravelInIt) {
  Fetching world;
  world.hub.state.settings.delivery.delta_bytes = 100;
  ClusterState& cluster = world.hub.state.clusters.at(kCluster);
  Instance& instance = cluster.instances.at("shop/a0");
  ASSERT_TRUE(instance.received.generation > 0);
  for (int i = 0; i < 10; ++i)
    instance.assignment.tombstones.push_back(Key(absl::StrCat("left", i)));
  const DocumentReference reference = world.hub.state.deltas.Document(
      *instance.received.manifest, *instance.assignment.manifest, instance.assignment.tombstones);
  ++instance.assignment.generation;
  world.hub.Tick();
  cluster.session->in_flight.clear();
  world.hub.Say(kCluster, world.agent.state.durable.agent.desired_seq == 0
                              ? Ack{}
                              : Ack{world.agent.state.durable.agent.desired_seq,
                                    {},
                                    RootOf(world.agent.state.durable)});
  for (const HubMessage& message : world.hub.TakeSent(kCluster)) {
    const auto* desired = std::get_if<Desired>(&message);
    if (desired == nullptr) continue;
    const ApplicationTarget& target = desired->applications.at(0);
    EXPECT_EQ(std::get<DocumentReference>(target.content), reference);
    EXPECT_TRUE(target.tombstones.empty());
    return;
  }
  ADD_FAILURE() << "nothing was sent";
}

}  // namespace
}  // namespace lockstep
