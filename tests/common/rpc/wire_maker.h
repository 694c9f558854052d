#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include "common/base/random.h"
#include "common/bundle/link.h"
#include "common/rpc/wire.h"

namespace lockstep {

/// Makes random valid values of every message.
class WireMaker {
 public:
  explicit WireMaker(uint64_t seed) : rng_(seed) {}

  uint64_t Below(uint64_t bound) { return rng_.Below(bound); }
  bool Coin() { return Below(2) == 0; }
  std::string Bytes(size_t size) {
    std::string bytes;
    while (bytes.size() < size) bytes.push_back(static_cast<char>(1 + Below(255)));
    return bytes;
  }
  std::string Label() { return absl::StrCat("n", Below(1000)); }
  std::string Name() { return absl::StrCat(Label(), "/", Label()); }
  std::string Text() { return Coin() ? "" : absl::StrCat("größe ", Below(1000)); }
  Digest SomeDigest() { return Digest::Of(Bytes(8)); }
  Digest DigestOrNone() { return Coin() ? SomeDigest() : Digest(); }
  absl::Time Time() { return absl::FromUnixNanos(static_cast<int64_t>(Below(uint64_t{1} << 60))); }
  ObjectKey Key() { return {Coin() ? "" : "apps", "Deployment", Coin() ? "" : Label(), Label()}; }
  CommitPoint Point() {
    return Coin() ? CommitPoint() : CommitPoint{1 + Below(1000), SomeDigest()};
  }
  template <typename Make>
  auto Some(Make make) {
    std::vector<decltype(make())> list(Below(4));
    for (auto& element : list) element = make();
    return list;
  }
  std::vector<ObjectKey> SortedKeys() {
    auto keys = Some([this] { return Key(); });
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
  }

  AgentMessage Agent() {
    switch (Below(6)) {
      case 0:
        return SomeHello();
      case 1:
        return Ack{Below(100), Some([this] {
                     return ApplicationAck{Name(), Below(9),
                                           static_cast<ApplicationAck::Code>(Below(6)), Text(),
                                           Coin()};
                   }),
                   DigestOrNone()};
      case 2:
        return SomeStatus();
      case 3:
        return Beat{Coin() ? "" : Bytes(8), Below(100)};
      case 4:
        return Pages{Some([this] {
          return HeldApplication{Name(), Below(9), DigestOrNone(), DigestOrNone(), Coin()};
        })};
      default:
        return CertificateRequest{Bytes(90), Bytes(70)};
    }
  }

  HubMessage Hub() {
    switch (Below(6)) {
      case 0:
        return Welcome{Bytes(16),
                       Bytes(16),
                       Below(9),
                       Point(),
                       static_cast<Verdict>(Below(5)),
                       absl::Milliseconds(1 + Below(90000)),
                       absl::Milliseconds(Below(90000)),
                       Time(),
                       Some([this] { return SomeDigest(); })};
      case 1:
        return Desired{1 + Below(100), Below(9), Point(), DigestOrNone(),
                       Some([this] { return Target(); })};
      case 2:
        return StatusAck{Below(100)};
      case 3:
        if (Coin()) return Command{Below(9), Command::Report{}};
        return Command{Below(9), Command::Sync{Some([this] { return Name(); })}};
      case 4:
        return Goodbye{static_cast<Goodbye::Reason>(Below(6)), absl::Milliseconds(Below(90000)),
                       Text()};
      default:
        return CertificateIssued{{Bytes(300), Bytes(200)}, Time()};
    }
  }

 private:
  Hello SomeHello() {
    Hello hello;
    hello.proto_max = kProtocolVersion + static_cast<uint32_t>(Below(3));
    hello.version = Text();
    hello.target_uid = Bytes(16);
    hello.start_counter = Below(100);
    hello.seen = Point();
    hello.revoked = Some([this] { return SomeDigest(); });
    if (Coin()) hello.hub_incarnation = Bytes(16);
    hello.epoch = Below(9);
    hello.desired_seq = Below(100);
    hello.status_seq_acked = Below(100);
    hello.cluster_root = DigestOrNone();
    hello.target = Coin() ? TargetKind::kDirectory : TargetKind::kKubernetes;
    for (uint64_t i = Below(4); i > 0; --i) hello.facts[Label()] = Text();
    return hello;
  }

  StatusReport SomeStatus() {
    StatusReport status;
    status.seq = Below(100);
    status.full = Coin();
    status.applications = Some([this] {
      ApplicationReport report;
      report.name = Name();
      report.generation = Below(9);
      report.manifest = DigestOrNone();
      report.state = static_cast<ApplicationState>(Below(8));
      report.reason = "Applied";
      report.message = Text();
      report.since = Time();
      report.objects = static_cast<uint32_t>(Below(9));
      report.held = SortedKeys();
      report.orphans = SortedKeys();
      report.problems = Some([this] { return ObjectProblem{Key(), "Degraded", Text()}; });
      report.problem_count = static_cast<uint32_t>(Below(9));
      report.writes = Below(9);
      report.deletes = Below(9);
      if (Coin()) report.last_compared = Time();
      return report;
    });
    status.drifts = Some([this] {
      return DriftReport{Name(),
                         Key(),
                         Coin() ? DriftReport::Kind::kModified : DriftReport::Kind::kDeleted,
                         {Text(), Text()},
                         Time(),
                         absl::Microseconds(Below(1000000))};
    });
    return status;
  }

  ApplicationTarget Target() {
    ApplicationTarget target;
    target.name = Name();
    target.generation = 1 + Below(9);
    if (Coin()) {
      target.content = Coin() ? ReleaseObjects::kOrphan : ReleaseObjects::kDelete;
    } else if (Coin()) {
      target.content =
          DocumentReference{SomeDigest(), 1 + Below(1000), DigestOrNone(), DigestOrNone()};
    } else {
      target.content = Delta();
    }
    if (Coin()) {
      target.options = absl::StrCat("{\"interval\":", Below(100), "}");
      target.options_digest = Digest::Of(*target.options);
    } else {
      target.options_digest = DigestOrNone();
    }
    if (Coin()) target.approved = SomeDigest();
    target.complete = Coin();
    target.revision = Text();
    target.tombstones = SortedKeys();
    target.accept_foreign = Coin();
    return target;
  }

  std::shared_ptr<const DeltaMessage> Delta() {
    auto message = std::make_shared<DeltaMessage>();
    message->delta.base = DigestOrNone();
    message->delta.target = DigestOrNone();
    message->delta.changes = Some([this] {
      BundleDelta::Change change;
      if (Coin()) {
        change.position = static_cast<uint32_t>(Below(100));
      } else {
        change.key = Key();
      }
      change.blob = SomeDigest();
      return change;
    });
    for (auto& change : message->delta.changes) {
      if (Coin()) continue;
      const std::string data = Coin() ? "" : Bytes(Below(50));
      change.blob = Digest::Of(data);
      message->data[change.blob] = data;
    }
    for (uint32_t position = 0; position < 20; ++position) {
      if (Below(5) == 0) message->delta.removed.push_back(position);
    }
    return message;
  }

  SeededRng rng_;
};

}  // namespace lockstep
