#include "tests/hub/core/fleet_harness.h"

#include <algorithm>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <gtest/gtest.h>

#include "hub/core/records.h"
#include "hub/record/chain.h"
#include "hub/record/key.h"

namespace lockstep {
namespace {

class MapReader : public RecordReader {
 public:
  explicit MapReader(const std::map<std::pair<Family, std::string>, std::string>& records)
      : records_(records) {}

  absl::StatusOr<std::string> Get(Family family, absl::string_view key) const override {
    const auto at = records_.find({family, std::string(key)});
    if (at == records_.end()) return absl::NotFoundError("no such record");
    return at->second;
  }
  absl::Status Scan(
      Family family,
      absl::FunctionRef<void(absl::string_view, absl::string_view)> visit) const override {
    for (const auto& [place, value] : records_) {
      if (place.first == family) visit(place.second, value);
    }
    return absl::OkStatus();
  }

 private:
  const std::map<std::pair<Family, std::string>, std::string>& records_;
};

}  // namespace

Fleet::Fleet() { Restart(); }

void Fleet::Restart() {
  LoadOptions options;
  options.at = at;
  options.now = now;
  options.incarnation = std::string(16, 'i');
  absl::StatusOr<HubState> loaded = LoadState(MapReader(records), std::move(options));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  state = *std::move(loaded);
  chain_.erase(chain_.upper_bound(at.counter), chain_.end());
  sessions_.clear();
  inbox_.clear();
  renders.clear();
  fetches.clear();
  Tick();
}

std::vector<Effect> Fleet::Step(const Event& event) {
  Event filled = event;
  if (auto* hello = std::get_if<event::AgentHello>(&filled)) {
    const auto known = chain_.find(hello->hello.seen.counter);
    if (known != chain_.end()) hello->chain_at_seen = known->second;
  }
  std::vector<Effect> effects = lockstep::Step(state, filled, now);
  for (Effect& effect : effects) {
    auto* write = std::get_if<effect::Write>(&effect);
    if (write == nullptr) continue;
    for (const Batch::Record& record : write->batch.records()) {
      if (record.value.has_value()) {
        records[{record.family, record.key}] = *record.value;
      } else {
        records.erase({record.family, record.key});
      }
    }
    at = NextCommit(at, write->batch);
    chain_[at.counter] = at.chain;
    state.at = at;
  }
  for (const Effect& effect : effects) Carry(effect);
  return effects;
}

void Fleet::Carry(Effect effect) {
  if (auto* send = std::get_if<effect::Send>(&effect)) {
    const std::string& cluster = sessions_.at(send->session);
    if (auto* desired = std::get_if<Desired>(&send->message)) {
      desired->at = at;
      ++desired_sent;
      desired_to.insert(cluster);
    }
    if (auto* welcome = std::get_if<Welcome>(&send->message)) welcome->at = at;
    inbox_[cluster].push_back(std::move(send->message));
  } else if (auto* close = std::get_if<effect::CloseSession>(&effect)) {
    const std::string cluster = sessions_.at(close->session);
    closed[cluster] = close->goodbye;
    sessions_.erase(close->session);
  } else if (auto* revoke = std::get_if<effect::RevokeKeys>(&effect)) {
    kept_out = std::move(revoke->fingerprints);
  } else if (auto* fetch = std::get_if<effect::StartFetch>(&effect)) {
    fetches.push_back(std::move(*fetch));
  } else if (auto* render = std::get_if<effect::StartRender>(&effect)) {
    renders.push_back(std::move(*render));
  } else if (auto* reply = std::get_if<effect::Reply>(&effect)) {
    replies_.insert_or_assign(reply->request, std::move(reply->result));
  }
}

absl::StatusOr<ReplyBody> Fleet::Do(decltype(event::Command::action) action) {
  const uint64_t request = next_++;
  Step(event::Command{request, "ada", std::move(action)});
  const auto reply = replies_.find(request);
  if (reply == replies_.end()) return absl::UnknownError("not answered yet");
  return reply->second;
}

void Fleet::AddCluster(const std::string& name, Labels labels) {
  Cluster cluster;
  cluster.meta.name = name;
  cluster.meta.labels = std::move(labels);
  Apply(cluster);
}

void Fleet::AddRepository(const std::string& name) {
  GitRepository repository;
  repository.meta.namespace_ = "default";
  repository.meta.name = name;
  repository.spec.url = absl::StrCat("https://git.example/", name);
  Apply(repository);
}

Application Fleet::MakeApplication(const std::string& name, std::vector<std::string> clusters,
                                   const std::string& repository) {
  Application application;
  application.meta.namespace_ = "shop";
  application.meta.name = name;
  application.spec.source = {"default", repository};
  application.spec.path = *PathTemplate::Parse(absl::StrCat("apps/", name, "/${cluster.name}"));
  if (clusters.empty()) {
    application.spec.placement.selector = LabelSelector{};
  } else {
    application.spec.placement.clusters = std::move(clusters);
  }
  return application;
}

absl::Status Fleet::TryApply(std::vector<Resource> resources) {
  command::Apply apply;
  for (Resource& resource : resources)
    apply.resources.push_back({std::move(resource), std::nullopt, "test.yaml:1", {}});
  const absl::StatusOr<ReplyBody> reply = Do(std::move(apply));
  RenderAll();
  return reply.status();
}

void Fleet::RenderAll() {
  while (!renders.empty()) {
    for (effect::StartRender& render : std::exchange(renders, {})) Render(std::move(render));
  }
}

void Fleet::Apply(Resource resource) {
  const absl::Status status = TryApply({std::move(resource)});
  ASSERT_TRUE(status.ok()) << status;
}

event::RenderOutcome Fleet::Outcome(const RenderJob& job, std::map<Digest, BlobBytes>* blobs) {
  event::RenderOutcome outcome{job.application->meta.Name().ToString(), job.cluster->name, Digest(),
                               event::RenderOutcome::MissingPath{}};
  const auto& clusters = content[job.application->meta.name];
  const auto at_cluster = clusters.find(job.cluster->name);
  const Content found = at_cluster == clusters.end() ? Content(Missing{}) : at_cluster->second;
  if (const auto* error = std::get_if<absl::Status>(&found)) {
    outcome.result = *error;
    return outcome;
  }
  std::string input = "missing";
  if (const auto* folder = std::get_if<Folder>(&found)) {
    input = "folder";
    event::RenderOutcome::Rendered rendered;
    rendered.manifest = MakeManifest(*folder);
    std::vector<std::string> files;
    for (const auto& [name, value] : *folder) {
      input += ObjectBytes(name, value) + ";";
      files.push_back(absl::StrCat("apps/", job.application->meta.name, "/", job.cluster->name, "/",
                                   name, ".yaml"));
      (*blobs)[Digest::Of(ObjectBytes(name, value))] =
          std::make_shared<const std::string>(ObjectBytes(name, value));
    }
    rendered.origins = std::make_shared<const Origins>(files);
    (*blobs)[rendered.manifest->digest()] =
        std::make_shared<const std::string>(rendered.manifest->Encode());
    (*blobs)[rendered.origins->digest()] =
        std::make_shared<const std::string>(rendered.origins->Encode());
    outcome.result = std::move(rendered);
  }
  outcome.input = Digest::Of(input);
  if (outcome.input == job.previous_input) outcome.result = event::RenderOutcome::Unchanged{};
  return outcome;
}

void Fleet::Render(effect::StartRender render) {
  event::RenderDone done{render.repository, render.revision, {}, {}, render.job};
  for (const RenderJob& job : render.jobs) done.outcomes.push_back(Outcome(job, &done.blobs));
  Step(std::move(done));
}

void Fleet::Commit(const std::string& repository) {
  const std::string commit = absl::StrFormat("%040x", ++commits_);
  const absl::StatusOr<ReplyBody> pending =
      Do(command::Sync{{ResourceKind::kGitRepository, "default", repository}});
  ASSERT_EQ(pending.status().code(), absl::StatusCode::kUnknown) << pending.status();
  for (bool more = true; more;) {
    more = false;
    for (const effect::StartFetch& fetch : std::exchange(fetches, {})) {
      if (fetch.repository.name != repository) {
        fetches.push_back(fetch);
        continue;
      }
      more = true;
      Step(event::FetchDone{fetch.repository,
                            event::Fetched{absl::StrCat("main@sha1:", commit), commit, rewritten},
                            fetch.job});
    }
  }
  RenderAll();
}

absl::Status Fleet::FailFetch(const absl::Status& status, const std::string& repository) {
  const uint64_t request = next_++;
  Step(event::Command{request, "ada",
                      command::Sync{{ResourceKind::kGitRepository, "default", repository}}});
  while (!replies_.contains(request) && !fetches.empty()) {
    for (const effect::StartFetch& fetch : std::exchange(fetches, {}))
      Step(event::FetchDone{fetch.repository, status, fetch.job});
  }
  return replies_.at(request).status();
}

Digest Fleet::Fingerprint(const std::string& cluster) const {
  return Digest::Of(absl::StrCat("key of ", cluster));
}

std::vector<HubMessage> Fleet::Connect(const std::string& cluster) {
  const auto known = state.clusters.find(cluster);
  if (known != state.clusters.end() && !known->second.fingerprint.has_value()) {
    const Digest token = Digest::Of(absl::StrCat("token of ", cluster));
    EXPECT_TRUE(Do(command::CreateJoinToken{cluster, {}, token}).ok());
    EXPECT_TRUE(
        Do(command::RedeemToken{token, cluster, Fingerprint(cluster), Agent(cluster).target_uid})
            .ok());
  }
  const SessionId session = next_++;
  sessions_[session] = cluster;
  inbox_[cluster].clear();
  Step(event::AgentHello{
      session, std::string(16, 's'), cluster, Fingerprint(cluster), Agent(cluster).SayHello(), {}});
  return {inbox_[cluster].begin(), inbox_[cluster].end()};
}

void Fleet::Disconnect(const std::string& cluster) {
  for (auto at_session = sessions_.begin(); at_session != sessions_.end(); ++at_session) {
    if (at_session->second != cluster) continue;
    const SessionId session = at_session->first;
    sessions_.erase(at_session);
    inbox_[cluster].clear();
    Step(event::SessionClosed{session});
    return;
  }
}

void Fleet::Say(const std::string& cluster, std::variant<Ack, StatusReport, Beat, Pages> message) {
  for (const auto& [session, name] : sessions_) {
    if (name != cluster) continue;
    Step(event::AgentSaid{session, std::move(message)});
    return;
  }
}

std::vector<HubMessage> Fleet::TakeSent(const std::string& cluster) {
  std::deque<HubMessage> sent = std::exchange(inbox_[cluster], {});
  return {sent.begin(), sent.end()};
}

void Fleet::Settle() {
  for (bool more = true; more;) {
    more = false;
    for (auto& [cluster, inbox] : inbox_) {
      while (!inbox.empty()) {
        more = true;
        const HubMessage message = std::move(inbox.front());
        inbox.pop_front();
        FakeAgent& agent = Agent(cluster);
        if (const auto* desired = std::get_if<Desired>(&message)) {
          for (auto& answer : agent.Take(*desired)) Say(cluster, std::move(answer));
        } else if (const auto* welcome = std::get_if<Welcome>(&message)) {
          if (welcome->verdict != Verdict::kHubBehind) agent.seen = welcome->at;
          agent.revoked.insert(welcome->revoked.begin(), welcome->revoked.end());
          if (welcome->verdict == Verdict::kProbe) Say(cluster, agent.TellPages());
        }
      }
    }
  }
}

void Fleet::Tick(absl::Duration after) {
  now += after;
  Step(event::Tick{});
}

const Instance* Fleet::Find(const std::string& application, const std::string& cluster) const {
  const auto on = state.clusters.find(cluster);
  if (on == state.clusters.end()) return nullptr;
  const auto found = on->second.instances.find(absl::StrCat("shop/", application));
  return found == on->second.instances.end() ? nullptr : &found->second;
}

std::vector<std::string> Fleet::EventReasons() const {
  std::vector<std::string> reasons;
  for (const auto& [place, value] : records) {
    if (place.first != Family::kEvent) continue;
    const absl::StatusOr<AuditEvent> event = DecodeEvent(value);
    if (event.ok()) reasons.push_back(event->reason);
  }
  return reasons;
}

}  // namespace lockstep
