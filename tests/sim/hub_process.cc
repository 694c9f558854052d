#include "tests/sim/hub_process.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "hub/core/queries.h"
#include "hub/core/sources.h"
#include "hub/loop/open_state.h"
#include "hub/ports/render_port.h"
#include "hub/record/key.h"
#include "tests/sim/summary.h"

namespace lockstep::sim {
namespace {

constexpr size_t kCopiesMax = 4;

// Shared by all seeds: it changes no result.
ParseCache* Parsed() {
  static auto* cache = new ParseCache(64 << 20);
  return cache;
}

// Whether a command is answered with OK.
bool Succeeds(const std::vector<Effect>& effects) {
  return std::any_of(effects.begin(), effects.end(), [](const Effect& effect) {
    const auto* reply = std::get_if<effect::Reply>(&effect);
    return reply != nullptr && reply->result.ok();
  });
}

}  // namespace

HubProcess::HubProcess(World* world, Network* network, Oracle* oracle)
    : world_(*world),
      network_(*network),
      oracle_(*oracle),
      store_(world->time.clock(), world->settings.mutation == Mutation::kHubForgetsWrites
                                      ? ModelStore::Sync::kNever
                                      : ModelStore::Sync::kEach) {
  copies_.push_back({store_.Save(), {}});  // Everything may be lost.
}

void HubProcess::Start() {
  LoadOptions options;
  options.settings.version = "simulated";
  options.settings.delivery = {world_.settings.desired_bytes, world_.settings.delta_bytes};
  options.now = world_.time.Now();
  if (world_.config != nullptr) {
    options.settings.has_config_repository = true;
    GitRepository& repository = options.settings.config_repository;
    repository.meta.namespace_ = ConfigRepositoryName().namespace_;
    repository.meta.name = ConfigRepositoryName().name;
    repository.spec.url = "https://git.example/config";
  }
  options.incarnation = std::string(16, 'i');
  absl::StatusOr<HubState> state = OpenState(store_, std::move(options));
  if (!state.ok()) return world_.Fail(std::string(state.status().message()));
  if (!state->quarantined.empty()) {
    return world_.Fail("stored record cannot be read: " + state->quarantined.front());
  }
  state_ = *std::move(state);
  up_ = true;
  ++run_;
  wake_ = absl::InfiniteFuture();
  events_.clear();
  waiting_.clear();
  unknown_ = false;
  world_.Say("hub starts at commit ", state_.at.counter);
  oracle_.HubStarted(state_);
  RunBatch({Event(event::Tick{})});
}

void HubProcess::Crash() {
  if (!up_) return;
  world_.Say("hub dies");
  up_ = false;
  ++run_;
  network_.HubGone();
  if (committed_ && !unknown_) oracle_.HubDied(Summary(state_));
  store_.Crash(&world_.rng);
  if (!copies_.empty() && world_.Chance(world_.settings.restores)) {
    const Copy& copy = copies_[world_.rng.Below(copies_.size())];
    store_.Restore(copy.store);
    world_.Say("an older copy of the hub is restored");
    oracle_.HubRestored(copy.commits);
  }
  world_.time.After(world_.Upto(absl::Seconds(20)), [this] {
    if (world_.ok()) Start();
  });
}

void HubProcess::Stop() {
  up_ = false;
  ++run_;
  network_.HubGone();
}

void HubProcess::SetDiskFull(bool full) {
  disk_full_ = full;
  store_.SetFull(full);
}

void HubProcess::Post(Event event) {
  if (!up_) return;
  events_.push_back(std::move(event));
  WakeAt(world_.time.Now() + world_.Upto(absl::Milliseconds(5)));
}

void HubProcess::Ask(Action action, Done done) {
  if (!up_) return;
  event::Command command;
  command.request = next_request_++;
  command.by = "anna";
  command.action = std::move(action);
  waiting_[command.request] = std::move(done);
  Post(std::move(command));
}

absl::StatusOr<std::string> HubProcess::ReadBlob(const std::string& cluster, const Digest& digest) {
  if (!up_) return absl::UnavailableError("the hub is away");
  if (const BlobBytes document = FindDocument(state_, cluster, digest)) {
    if (world_.Chance(world_.settings.documents_lost))
      return absl::NotFoundError("not at hand any more");
    return *document;
  }
  if (!MayFetch(state_, cluster, digest)) return absl::NotFoundError("not for this cluster");
  return store_.Get(Family::kBlob, BlobKey(digest));
}

void HubProcess::Later(absl::Duration delay, std::function<void()> task) {
  world_.time.After(delay, [this, run = run_, task = std::move(task)] {
    if (run == run_) task();
  });
}

void HubProcess::WakeAt(absl::Time time) {
  if (time >= wake_ || time == absl::InfiniteFuture()) return;
  wake_ = time;
  Later(time - world_.time.Now(), [this, time] {
    if (time == wake_) Drain();
  });
}

void HubProcess::Drain() {
  wake_ = absl::InfiniteFuture();
  std::vector<Event> events(std::make_move_iterator(events_.begin()),
                            std::make_move_iterator(events_.end()));
  events_.clear();
  if (NextDue(state_) <= world_.time.Now()) events.emplace_back(event::Tick{});
  RunBatch(std::move(events));
}

bool HubProcess::MayDie() {
  if (!world_.Chance(world_.settings.hub_crash)) return false;
  Crash();
  return true;
}

void HubProcess::RunBatch(std::vector<Event> events) {
  std::vector<Effect> effects;
  if (world_.settings.mutation != Mutation::kFullDiskIgnored) {
    state_.read_only = !store_.CheckRoom().ok();
  }
  for (Event& event : events) {
    committed_ = false;
    if (auto* hello = std::get_if<event::AgentHello>(&event)) {
      FillChain(hello);
      oracle_.HubIsGreeted(state_, *hello);
      Overlook(hello);
    }
    if (auto* read = std::get_if<event::ConfigRead>(&event)) {
      oracle_.HubReadsConfig(state_, *read);
      if (world_.settings.mutation == Mutation::kConfigErrorsHidden) read->errors.clear();
    }
    std::vector<Effect> caused = Step(state_, event, world_.time.Now());
    const auto* command = std::get_if<event::Command>(&event);
    const bool approves =
        command != nullptr && std::holds_alternative<command::ApproveHub>(command->action);
    if (approves && Succeeds(caused)) oracle_.HubApproved();
    oracle_.HubStepped(state_, caused);
    std::move(caused.begin(), caused.end(), std::back_inserter(effects));
    if (MayDie()) return;
  }
  const Mutation mutation = world_.settings.mutation;
  if (mutation == Mutation::kHubAcknowledgesFirst && !LetGo(AcksOf(events))) return;
  if (mutation == Mutation::kHubSendsFirst) {
    const auto is_send = [](const Effect& effect) {
      return std::holds_alternative<effect::Send>(effect);
    };
    std::vector<Effect> first;
    std::copy_if(effects.begin(), effects.end(), std::back_inserter(first), is_send);
    if (!LetGo(std::move(first))) return;
    std::erase_if(effects, is_send);
  }
  if (!Commit(&effects)) return;
  MaybeSave();
  if (!LetGo(std::move(effects))) return;
  WakeAt(std::max(NextDue(state_), world_.time.Now()));
}

// What a mutation tells agents of statuses that are not written yet.
std::vector<Effect> HubProcess::AcksOf(const std::vector<Event>& events) {
  std::vector<Effect> acks;
  for (const Event& event : events) {
    const auto* said = std::get_if<event::AgentSaid>(&event);
    const auto* status = said == nullptr ? nullptr : std::get_if<StatusReport>(&said->message);
    if (status != nullptr) acks.push_back(effect::Send{said->session, StatusAck{status->seq}});
  }
  return acks;
}

// What a mutation hides from the hub.
void HubProcess::Overlook(event::AgentHello* hello) const {
  const auto cluster = state_.clusters.find(hello->cluster);
  if (cluster == state_.clusters.end()) return;
  switch (world_.settings.mutation) {
    case Mutation::kRestoreUnnoticed:
      hello->hello.seen = {};
      hello->chain_at_seen.reset();
      break;
    case Mutation::kTargetUnchecked:
      hello->hello.target_uid = cluster->second.target_uid;
      break;
    case Mutation::kKeyUnchecked:
      hello->fingerprint = cluster->second.fingerprint.value_or(hello->fingerprint);
      break;
    default:
      break;
  }
}

void HubProcess::FillChain(event::AgentHello* hello) const {
  const uint64_t counter = hello->hello.seen.counter;
  if (counter == 0) return;
  const absl::StatusOr<std::string> record = store_.Get(Family::kChain, ChainKey(counter));
  if (!record.ok()) return;
  const absl::StatusOr<ChainLink> link = ParseChainLink(ChainKey(counter), *record);
  if (link.ok()) hello->chain_at_seen = link->point.chain;
}

bool HubProcess::Commit(std::vector<Effect>* effects) {
  Batch batch;
  for (Effect& effect : *effects) {
    if (auto* write = std::get_if<effect::Write>(&effect)) batch.Append(std::move(write->batch));
  }
  if (!batch.empty()) {
    oracle_.HubWrites(state_, disk_full_);
    if (world_.Chance(world_.settings.append_fails)) store_.FailNextAppend();
    if (!store_.Append(batch).ok()) {
      unknown_ = true;
      Crash();
      return false;
    }
    state_.at = store_.at();
    oracle_.HubHasWritten(state_.at);
  }
  committed_ = true;
  return true;
}

void HubProcess::MaybeSave() {
  if (world_.settings.restores == 0 || !world_.Chance(0.02)) return;
  if (copies_.size() >= kCopiesMax) copies_.erase(copies_.begin() + 1);
  copies_.push_back({store_.Save(), oracle_.commits()});
}

bool HubProcess::LetGo(std::vector<Effect> effects) {
  for (const Effect& effect : effects) {
    Perform(effect);
    if (!world_.ok() || MayDie()) return false;
  }
  return true;
}

void HubProcess::Perform(const Effect& effect) {
  if (const auto* send = std::get_if<effect::Send>(&effect)) {
    HubMessage message = send->message;
    if (auto* welcome = std::get_if<Welcome>(&message)) welcome->at = state_.at;
    if (auto* desired = std::get_if<Desired>(&message)) desired->at = state_.at;
    oracle_.HubSends(state_, send->session, message);
    network_.FromHub(send->session, message);
  } else if (const auto* close = std::get_if<effect::CloseSession>(&effect)) {
    network_.CloseFromHub(close->session, close->goodbye);
  } else if (const auto* fetch = std::get_if<effect::StartFetch>(&effect)) {
    StartFetch(*fetch);
  } else if (const auto* render = std::get_if<effect::StartRender>(&effect)) {
    StartRender(*render);
  } else if (const auto* read = std::get_if<effect::ReadConfig>(&effect)) {
    Later(world_.Upto(absl::Milliseconds(200)),
          [this, done = world_.config->Read(*read)] { Post(done); });
  } else if (const auto* reply = std::get_if<effect::Reply>(&effect)) {
    const auto at = waiting_.find(reply->request);
    if (at == waiting_.end()) return;
    const Done done = std::move(at->second);
    waiting_.erase(at);
    done(reply->result);
  }
}

void HubProcess::StartFetch(const effect::StartFetch& fetch) {
  const auto source = state_.sources.find(fetch.repository);  // May have gone in the same batch.
  const std::string before = source == state_.sources.end() ? "" : source->second.commit;
  event::FetchDone done;
  done.repository = fetch.repository;
  done.job = fetch.job;
  if (world_.Chance(world_.settings.fetch_fails)) {
    done.result = absl::UnavailableError("the remote does not answer");
  } else {
    done.result = Fetch(fetch.repository, before);  // Then the branch moves on, before it ends.
  }
  Later(world_.Upto(absl::Seconds(2)), [this, done] { Post(done); });
}

event::Fetched HubProcess::Fetch(const NamespacedName& name, const std::string& before) {
  if (name == ConfigRepositoryName()) {
    const std::string& head = world_.config->head();
    return {"main@sha1:" + head, head, false};
  }
  const GitModel& git = *world_.git[RepositoryOf(name)];
  const bool old = world_.settings.mutation == Mutation::kFetchesOld;
  const std::string& head = old ? git.SomeHead(&world_.rng) : git.head();
  const bool forced = !before.empty() && !git.Descends(head, before);
  if (forced) world_.Say(name.ToString(), " was rewritten");
  return {"main@sha1:" + head, head, forced};
}

void HubProcess::StartRender(const effect::StartRender& render) {
  Later(world_.Upto(absl::Milliseconds(200)), [this, render] {
    GitModel* git = world_.git[RepositoryOf(render.repository)].get();
    event::RenderDone done = RenderCommit(render, git, Parsed(), store_);
    if (world_.settings.mutation == Mutation::kErrorRendersEmpty) {
      for (event::RenderOutcome& outcome : done.outcomes) {
        if (!std::holds_alternative<absl::Status>(outcome.result)) continue;
        outcome.result =
            event::RenderOutcome::Rendered{EmptyManifest(), std::make_shared<const Origins>(), {}};
        outcome.input = Digest::Of(render.commit);
      }
    }
    Post(std::move(done));
  });
}

}  // namespace lockstep::sim
