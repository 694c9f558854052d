#include "common/rpc/wire.h"

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/v1/agent.pb.h"

#include "common/base/random.h"
#include "common/rpc/delta_encoder.h"
#include "tests/common/rpc/wire_maker.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

uint64_t Seed() {
  uint64_t seed = 0;
  const char* given = std::getenv("LOCKSTEP_SEED");
  if (given == nullptr || !absl::SimpleAtoi(given, &seed)) seed = SystemRng()->Next();
  return seed;
}

// The bytes are compared, since they say everything that the types say. Map order is fixed by the
// text form.
template <typename Wire, typename Own>
std::string Print(const Own& own) {
  Wire wire;
  ToWire(own, &wire);
  return wire.DebugString();
}

TEST(Wire, BringsBackWhatWasSent) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(absl::StrCat("LOCKSTEP_SEED=", seed));
  WireMaker maker(seed);
  for (int round = 0; round < 2000; ++round) {
    const AgentMessage agent = maker.Agent();
    v1::AgentMessage agent_wire;
    ToWire(agent, &agent_wire);
    ASSERT_OK_AND_ASSIGN(const AgentMessage agent_back, FromWire(agent_wire));
    EXPECT_EQ(agent_back.index(), agent.index());
    ASSERT_EQ(Print<v1::AgentMessage>(agent_back), agent_wire.DebugString());

    const HubMessage hub = maker.Hub();
    v1::HubMessage hub_wire;
    ToWire(hub, &hub_wire);
    ASSERT_OK_AND_ASSIGN(const HubMessage hub_back, FromWire(hub_wire));
    EXPECT_EQ(hub_back.index(), hub.index());
    ASSERT_EQ(Print<v1::HubMessage>(hub_back), hub_wire.DebugString());
  }
}

TEST(Wire, WhatIsEncodedOnceForManyIsByteForByteWhatEachWouldBeSentAlone) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(absl::StrCat("LOCKSTEP_SEED=", seed));
  WireMaker maker(seed);
  DeltaEncoder shared;
  for (int round = 0; round < 2000; ++round) {
    const HubMessage message = maker.Hub();
    v1::HubMessage alone;
    ToWire(message, &alone);
    for (int agent = 0; agent < 2; ++agent) {
      v1::HubMessage wire;
      ToWire(message, &shared, &wire);
      ASSERT_EQ(wire.SerializeAsString(), alone.SerializeAsString());
    }
  }
}

TEST(DeltaEncoder, EncodesOnceWhatItWasAskedForLately) {
  DeltaEncoder encoder;
  const auto first = std::make_shared<const DeltaMessage>();
  const auto bytes = encoder.Encode(first);
  EXPECT_EQ(encoder.Encode(first), bytes) << "not the same string";
  const auto equal = std::make_shared<const DeltaMessage>();
  EXPECT_EQ(*encoder.Encode(equal), *bytes);
}

TEST(DeltaEncoder, KeepsABoundedNumberAndNeverMixesThemUp) {
  DeltaEncoder encoder;
  std::weak_ptr<const DeltaMessage> oldest;
  for (uint32_t i = 0; i < 10 * kEncodedDeltasMax; ++i) {
    auto delta = std::make_shared<DeltaMessage>();
    delta->delta.removed = {i};
    const std::shared_ptr<const DeltaMessage> message = std::move(delta);
    if (i == 0) oldest = message;
    v1::Delta wire;
    ASSERT_TRUE(wire.ParseFromString(*encoder.Encode(message)));
    EXPECT_THAT(wire.removed(), testing::ElementsAre(i));
  }
  EXPECT_TRUE(oldest.expired());
}

TEST(Wire, BringsBackEveryFieldOfAHello) {
  Hello hello;
  hello.version = "0.1.0";
  hello.target_uid = "0123456789abcdef";
  hello.start_counter = 3;
  hello.seen = {7, Digest::Of("chain")};
  hello.revoked = {Digest::Of("key")};
  hello.hub_incarnation = "fedcba9876543210";
  hello.epoch = 4;
  hello.desired_seq = 5;
  hello.status_seq_acked = 6;
  hello.cluster_root = Digest::Of("root");
  hello.target = TargetKind::kKubernetes;
  hello.facts = {{"kubernetes", "1.30"}};
  v1::AgentMessage wire;
  ToWire(hello, &wire);
  ASSERT_OK_AND_ASSIGN(const AgentMessage message, FromWire(wire));
  const auto& back = std::get<Hello>(message);
  EXPECT_EQ(back.version, hello.version);
  EXPECT_EQ(back.target_uid, hello.target_uid);
  EXPECT_EQ(back.start_counter, 3u);
  EXPECT_EQ(back.seen, hello.seen);
  EXPECT_EQ(back.revoked, hello.revoked);
  EXPECT_EQ(back.hub_incarnation, hello.hub_incarnation);
  EXPECT_EQ(back.epoch, 4u);
  EXPECT_EQ(back.desired_seq, 5u);
  EXPECT_EQ(back.status_seq_acked, 6u);
  EXPECT_EQ(back.cluster_root, hello.cluster_root);
  EXPECT_EQ(back.target, TargetKind::kKubernetes);
  EXPECT_EQ(back.facts, hello.facts);
}

// Serialised messages with bytes flipped, cut, put in and doubled. Most do not parse; those that do
// are either what our types allow or an error that says where.
template <typename Wire>
void MutateOnce(WireMaker& maker, std::string bytes) {
  for (uint64_t edits = 1 + maker.Below(4); edits > 0 && !bytes.empty(); --edits) {
    const size_t at = maker.Below(bytes.size());
    switch (maker.Below(4)) {
      case 0:
        bytes[at] = static_cast<char>(maker.Below(256));
        break;
      case 1:
        bytes.resize(at);
        break;
      case 2:
        bytes.insert(at, maker.Bytes(1 + maker.Below(8)));
        break;
      default:
        bytes.insert(at, bytes.substr(at, maker.Below(40)));
        break;
    }
  }
  Wire wire;
  if (!wire.ParseFromString(bytes)) return;
  const auto own = FromWire(wire);
  if (own.ok()) return;
  EXPECT_FALSE(own.status().message().empty());
  EXPECT_TRUE(own.status().code() == kInvalid ||
              own.status().code() == absl::StatusCode::kUnimplemented)
      << own.status();
  if (own.status().code() == kInvalid) {
    EXPECT_THAT(std::string(own.status().message()), HasSubstr(": "));
  }
}

TEST(Wire, A88HostileBytesGiveAnErrorWithAFieldAndNeverACrash) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(absl::StrCat("LOCKSTEP_SEED=", seed));
  WireMaker maker(seed);
  for (int round = 0; round < 10000; ++round) {
    v1::AgentMessage agent;
    ToWire(maker.Agent(), &agent);
    MutateOnce<v1::AgentMessage>(maker, agent.SerializeAsString());
    v1::HubMessage hub;
    ToWire(maker.Hub(), &hub);
    MutateOnce<v1::HubMessage>(maker, hub.SerializeAsString());
  }
}

// ---- single rules, told by changing one field of a right message

absl::Status AfterChange(const AgentMessage& message,
                         const std::function<void(v1::AgentMessage&)>& change) {
  v1::AgentMessage wire;
  ToWire(message, &wire);
  change(wire);
  return FromWire(wire).status();
}

absl::Status AfterChange(const HubMessage& message,
                         const std::function<void(v1::HubMessage&)>& change) {
  v1::HubMessage wire;
  ToWire(message, &wire);
  change(wire);
  return FromWire(wire).status();
}

AgentMessage OneReport() {
  ApplicationReport report;
  report.name = "shop/web";
  report.state = ApplicationState::kHeld;
  report.since = absl::UnixEpoch();
  report.held = {{"", "ConfigMap", "shop", "a"}, {"", "ConfigMap", "shop", "b"}};
  return StatusReport{1, false, {report}, {}};
}

TEST(Wire, RefusesADigestOfAnotherLength) {
  EXPECT_THAT(AfterChange(OneReport(),
                          [](v1::AgentMessage& wire) {
                            wire.mutable_status()->mutable_applications(0)->set_manifest("short");
                          }),
              StatusIs(kInvalid, AllOf(HasSubstr("status: applications[0]: manifest: 5 bytes"),
                                       HasSubstr("32"))));
}

TEST(Wire, RefusesUnspecifiedEnumsAndTakesNewerOnesForUnfinished) {
  const auto with_state = [](int state) {
    v1::AgentMessage wire;
    ToWire(OneReport(), &wire);
    wire.mutable_status()->mutable_applications(0)->set_state(
        static_cast<v1::ApplicationState>(state));
    return FromWire(wire);
  };
  EXPECT_THAT(with_state(0), StatusIs(kInvalid, HasSubstr("state: unspecified")));
  ASSERT_OK_AND_ASSIGN(const AgentMessage newer, with_state(99));
  EXPECT_EQ(std::get<StatusReport>(newer).applications[0].state, ApplicationState::kProgressing);
}

TEST(Wire, A57RefusesApplicationNamesThatAreNoTwoLabels) {
  for (const absl::string_view name :
       {"web", "shop/web/x", "Shop/web", "shop/", "/web", "shop/-web",
        "shop/w\xC3\xA9"
        "b",
        "../web", "shop/web "}) {
    EXPECT_THAT(CheckApplicationName(name), StatusIs(kInvalid, HasSubstr("NAMESPACE/NAME")))
        << name;
  }
  EXPECT_THAT(CheckApplicationName(absl::StrCat("shop/", std::string(64, 'a'))),
              StatusIs(kInvalid, testing::_));
  EXPECT_OK(CheckApplicationName(absl::StrCat(std::string(63, 'a'), "/", std::string(63, 'b'))));
}

TEST(Wire, RefusesKeysOutsideTheirGrammarOrUnsorted) {
  EXPECT_THAT(
      AfterChange(OneReport(),
                  [](v1::AgentMessage& wire) {
                    wire.mutable_status()->mutable_applications(0)->mutable_held(1)->set_name(
                        "../etc");
                  }),
      StatusIs(kInvalid, HasSubstr("status: applications[0]: held[1]: ")));
  EXPECT_THAT(
      AfterChange(OneReport(),
                  [](v1::AgentMessage& wire) {
                    wire.mutable_status()->mutable_applications(0)->mutable_held()->SwapElements(0,
                                                                                                 1);
                  }),
      StatusIs(kInvalid, HasSubstr("held[1]: out of order")));
}

TEST(Wire, RefusesAHeldDigestThatIsNotTheListsOwn) {
  EXPECT_THAT(
      AfterChange(OneReport(),
                  [](v1::AgentMessage& wire) {
                    wire.mutable_status()->mutable_applications(0)->mutable_held()->RemoveLast();
                  }),
      StatusIs(kInvalid, HasSubstr("held_digest")));
}

TEST(Wire, A88RefusesTooMuchOfAnything) {
  EXPECT_THAT(AfterChange(OneReport(),
                          [](v1::AgentMessage& wire) {
                            wire.mutable_status()->mutable_applications(0)->set_message(
                                std::string(513, 'x'));
                          }),
              StatusIs(kInvalid, AllOf(HasSubstr("message: 513 bytes"), HasSubstr("512"))));
  EXPECT_THAT(AfterChange(Beat{},
                          [](v1::AgentMessage& wire) {
                            for (int i = 0; i < 3000; ++i)
                              wire.mutable_hello()->add_revoked(std::string(32, 'x'));
                            wire.mutable_hello()->set_proto_min(1);
                            wire.mutable_hello()->set_proto_max(1);
                            wire.mutable_hello()->set_target_uid(std::string(16, 'x'));
                          }),
              StatusIs(kInvalid, HasSubstr("revoked: 3000 elements")));
  EXPECT_THAT(AfterChange(Beat{},
                          [](v1::AgentMessage& wire) {
                            wire.mutable_certificate_request()->set_proof(
                                std::string(kControlBytesMax, 'x'));
                          }),
              StatusIs(kInvalid, HasSubstr("at most 262144")));
}

// The keys of a list over what stands in a report.
std::vector<ObjectKey> LongList(absl::string_view prefix, int count = 60000) {
  std::vector<ObjectKey> keys;
  for (int i = 0; i < count; ++i)
    keys.push_back({"", "ConfigMap", "shop", absl::StrCat(prefix, 100000 + i)});
  return keys;
}

TEST(Wire, ListsTooLongForAStatusGoBeforeItInParts) {
  auto message = std::get<StatusReport>(OneReport());
  message.applications[0].held = LongList("held-");
  message.applications[0].orphans = LongList("left-");
  KeyLists lists;
  size_t parts = 0;
  for (const v1::AgentMessage& part : ListParts(message)) {
    EXPECT_LE(part.ByteSizeLong(), kControlBytesMax);
    ASSERT_OK(lists.Take(part.key_list_part()));
    ++parts;
  }
  EXPECT_GT(parts, 2u);
  v1::AgentMessage wire;
  ToWire(message, &wire);
  EXPECT_LE(wire.ByteSizeLong(), kControlBytesMax);
  EXPECT_THAT(FromWire(wire).status(), StatusIs(kInvalid, HasSubstr("did not come before")));
  ASSERT_OK_AND_ASSIGN(const AgentMessage back, FromWire(wire, lists));
  const ApplicationReport& report = std::get<StatusReport>(back).applications[0];
  EXPECT_EQ(report.held, message.applications[0].held);
  EXPECT_EQ(report.orphans, message.applications[0].orphans);
}

TEST(Wire, ShortListsStandInTheirReport) {
  auto message = std::get<StatusReport>(OneReport());
  message.applications[0].held = LongList("held-", 100);
  EXPECT_TRUE(ListParts(message).empty());
}

TEST(Wire, A30RefusesListsThatAreTornUnsortedForgedOrWithoutEnd) {
  auto message = std::get<StatusReport>(OneReport());
  message.applications[0].held = LongList("held-");
  const std::vector<v1::AgentMessage> parts = ListParts(message);
  KeyLists torn;
  EXPECT_THAT(torn.Take(parts[1].key_list_part()), StatusIs(kInvalid, HasSubstr("offset")));
  ASSERT_OK(torn.Take(parts[0].key_list_part()));
  EXPECT_THAT(torn.Take(parts[2].key_list_part()), StatusIs(kInvalid, HasSubstr("offset")));

  KeyLists unsorted;
  v1::KeyListPart again = parts[0].key_list_part();
  ASSERT_OK(unsorted.Take(again));
  again.set_offset(static_cast<uint32_t>(again.keys_size()));
  EXPECT_THAT(unsorted.Take(again), StatusIs(kInvalid, HasSubstr("out of order")));

  KeyLists forged;
  v1::KeyListPart short_list = parts[0].key_list_part();
  short_list.set_last(true);
  EXPECT_THAT(forged.Take(short_list), StatusIs(kInvalid, HasSubstr("is not that of the list")));

  KeyLists endless;
  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    v1::KeyListPart first = parts[0].key_list_part();
    first.set_digest(std::string(Digest::Of(absl::StrCat(i)).bytes()));
    status = endless.Take(first);
  }
  EXPECT_THAT(status, StatusIs(kInvalid, HasSubstr("take over")));
}

TEST(Wire, A30CutsAndCleansFreeTextBeforeItIsSent) {
  auto message = std::get<StatusReport>(OneReport());
  message.applications[0].message = absl::StrCat("reading \xFF: ", std::string(600, 'x'));
  v1::AgentMessage wire;
  ToWire(message, &wire);
  ASSERT_OK_AND_ASSIGN(const AgentMessage back, FromWire(wire));
  const std::string& text = std::get<StatusReport>(back).applications[0].message;
  EXPECT_LE(text.size(), kMessageBytesMax);
  EXPECT_GE(text.size(), kMessageBytesMax - 2);
  EXPECT_THAT(text, testing::StartsWith("reading \xEF\xBF\xBD: x"));
}

HubMessage OneTarget() {
  auto delta = std::make_shared<DeltaMessage>();
  delta->delta.target = Digest::Of("target");
  delta->delta.changes = {{.position = 3, .blob = Digest::Of("{}")}};
  delta->delta.removed = {1, 2};
  delta->data = {{Digest::Of("{}"), "{}"}};
  ApplicationTarget target;
  target.name = "shop/web";
  target.generation = 1;
  target.content = std::shared_ptr<const DeltaMessage>(delta);
  target.options = "{}";
  target.options_digest = Digest::Of("{}");
  return Desired{1, 1, {}, {}, {target}};
}

void EditDelta(v1::HubMessage& wire, const std::function<void(v1::Delta&)>& edit) {
  v1::Delta delta;
  delta.ParseFromString(wire.desired().applications(0).delta());
  edit(delta);
  wire.mutable_desired()->mutable_applications(0)->set_delta(delta.SerializeAsString());
}

TEST(Wire, RefusesABlobOrOptionsThatAreNotWhatTheirDigestSays) {
  EXPECT_OK(AfterChange(OneTarget(), [](v1::HubMessage&) {}));
  EXPECT_THAT(AfterChange(OneTarget(),
                          [](v1::HubMessage& wire) {
                            EditDelta(wire, [](v1::Delta& delta) {
                              delta.mutable_changes(0)->set_data("{ }");
                            });
                          }),
              StatusIs(kInvalid, HasSubstr("desired: applications[0]: delta: changes[0]: data: ")));
  EXPECT_THAT(AfterChange(OneTarget(),
                          [](v1::HubMessage& wire) {
                            wire.mutable_desired()->mutable_applications(0)->set_options("{ }");
                          }),
              StatusIs(kInvalid, HasSubstr("options")));
}

TEST(Wire, RefusesTombstonePositionsThatDoNotAscend) {
  EXPECT_THAT(AfterChange(OneTarget(),
                          [](v1::HubMessage& wire) {
                            EditDelta(wire, [](v1::Delta& delta) { delta.add_removed(2); });
                          }),
              StatusIs(kInvalid, HasSubstr("removed: positions")));
}

TEST(Wire, RefusesADocumentThatCannotBe) {
  Desired desired = std::get<Desired>(OneTarget());
  desired.applications[0].content =
      DocumentReference{Digest::Of("document"), 10, Digest(), Digest::Of("target")};
  const auto edited = [&](const std::function<void(v1::DeltaDocument&)>& edit) {
    v1::HubMessage wire;
    ToWire(HubMessage(desired), &wire);
    edit(*wire.mutable_desired()->mutable_applications(0)->mutable_document());
    return FromWire(wire);
  };
  EXPECT_OK(edited([](v1::DeltaDocument&) {}));
  EXPECT_THAT(edited([](v1::DeltaDocument& wire) { wire.set_bytes(0); }),
              StatusIs(kInvalid, HasSubstr("document: bytes")));
  EXPECT_THAT(edited([](v1::DeltaDocument& wire) { wire.clear_digest(); }),
              StatusIs(kInvalid, HasSubstr("document: digest")));
  EXPECT_THAT(edited([](v1::DeltaDocument& wire) { wire.set_base("short"); }),
              StatusIs(kInvalid, HasSubstr("document: base")));
}

TEST(Wire, RefusesAReleaseThatDoesNotSayWhatBecomesOfTheObjects) {
  EXPECT_THAT(AfterChange(OneTarget(),
                          [](v1::HubMessage& wire) {
                            wire.mutable_desired()->mutable_applications(0)->mutable_release();
                          }),
              StatusIs(kInvalid, HasSubstr("release")));
}

TEST(Wire, TellsAMessageOfANewerKindFromAWrongOne) {
  EXPECT_THAT(FromWire(v1::AgentMessage()), StatusIs(absl::StatusCode::kUnimplemented, testing::_));
  EXPECT_THAT(FromWire(v1::HubMessage()), StatusIs(absl::StatusCode::kUnimplemented, testing::_));
}

}  // namespace
}  // namespace lockstep
