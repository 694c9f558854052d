#include "hub/loop/loop.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/log.h"
#include "hub/record/key.h"

namespace lockstep {
namespace {

absl::Status Full() {
  return absl::ResourceExhaustedError(
      absl::StrCat("the hub has ", kLoopQueueMax, " events waiting; try again in a moment"));
}

absl::Status Stopping() {
  return absl::UnavailableError("the hub is stopping; try again once it is back");
}

// For one who looks for where a change stands. Names and counts alone.
void Tell(const HubState& state, const effect::Send& send) {
  const auto* desired = std::get_if<Desired>(&send.message);
  const auto session = state.sessions.find(send.session);
  if (desired == nullptr || session == state.sessions.end()) return;
  for (const ApplicationTarget& target : desired->applications) {
    Log(LogLevel::kDebug, "desired state sent",
        {{"cluster", session->second},
         {"seq", desired->seq},
         {"application", target.name},
         {"generation", target.generation},
         {"revision", target.revision}});
  }
}

void Tell(const HubState& state, const Event& event) {
  if (const auto* done = std::get_if<event::FetchDone>(&event)) {
    if (!done->result.ok()) return;  // Told by whoever fetches.
    Log(LogLevel::kDebug, "repository fetched",
        {{"repository", done->repository.ToString()}, {"revision", done->result->revision}});
    return;
  }
  const auto* said = std::get_if<event::AgentSaid>(&event);
  const auto* ack = said == nullptr ? nullptr : std::get_if<Ack>(&said->message);
  const auto session = ack == nullptr ? state.sessions.end() : state.sessions.find(said->session);
  if (session == state.sessions.end()) return;
  Log(LogLevel::kDebug, "agent acknowledged desired state",
      {{"cluster", session->second},
       {"through", ack->received_through},
       {"refused", ack->refused.size()}});
}

}  // namespace

Loop::Loop(HubState state, Ports ports, Hooks hooks)
    : ports_(ports),
      began_(ports.clock->Monotonic()),
      state_(std::move(state)),
      hooks_(std::move(hooks)) {}

Loop::~Loop() { Stop(); }

void Loop::Start() {
  thread_ = Thread("loop", [this] { Run(); });
}

void Loop::Stop() {
  items_.Close();
  wakeup_.Wake();
  thread_.Join();
}

absl::Time Loop::Now() const { return state_.started + (ports_.clock->Monotonic() - began_); }

bool Loop::Post(Event event) {
  const bool sent = items_.Send(Item(std::move(event)));
  WakeIfAsleep();
  return sent;
}

bool Loop::TryPost(Event event) { return TrySend(Item(std::move(event))); }

bool Loop::TrySend(Item item) {
  const bool sent = items_.TrySend(std::move(item));
  WakeIfAsleep();
  return sent;
}

// Whoever sends after the loop looked for the last time sees that it sleeps.
void Loop::WakeIfAsleep() {
  if (asleep_.load()) wakeup_.Wake();
}

std::vector<Loop::Item> Loop::Take(absl::Duration wait) {
  std::vector<Item> items = items_.Drain(kLoopBatchMax, absl::ZeroDuration());
  if (!items.empty() || items_.closed()) return items;
  asleep_.store(true);
  items = items_.Drain(kLoopBatchMax, absl::ZeroDuration());
  if (items.empty() && !items_.closed()) {
    wakeup_.Wait(wait);
    items = items_.Drain(kLoopBatchMax, absl::ZeroDuration());
  }
  asleep_.store(false);
  return items;
}

void Loop::Command(std::string by, Action action, Done done) {
  // The request goes in whole or comes back: TrySend would drop `done` with the rest.
  auto shared = std::make_shared<Done>(std::move(done));
  Request request;
  request.command.by = std::move(by);
  request.command.action = std::move(action);
  request.done = [shared](absl::StatusOr<ReplyBody> result) { (*shared)(std::move(result)); };
  if (!TrySend(Item(std::move(request)))) (*shared)(items_.closed() ? Stopping() : Full());
}

bool Loop::Read(Reader read) { return TrySend(Item(std::move(read))); }

void Loop::Run() {
  std::vector<Item> first;
  first.emplace_back(Event(event::Tick{}));
  RunBatch(std::move(first));
  while (!failed_) {
    const absl::Duration wait = std::max(absl::ZeroDuration(), NextDue(state_) - Now());
    std::vector<Item> items = Take(wait);
    if (items.empty() && items_.closed()) break;
    const event::Tick tick{.backlog = items.size() >= kLoopBatchMax};
    if (NextDue(state_) <= Now()) items.push_back(Item(Event(tick)));
    if (!items.empty()) RunBatch(std::move(items));
  }
  for (auto& [request, done] : waiting_) done(Stopping());
  waiting_.clear();
  if (failed_) {
    RefuseWaiting();
    return;
  }
  const Goodbye goodbye{Goodbye::Reason::kShutdown, absl::ZeroDuration(), "the hub is stopping"};
  for (const auto& [session, cluster] : state_.sessions) ports_.agents->Close(session, goodbye);
}

void Loop::RefuseWaiting() {
  for (std::vector<Item> items = items_.Drain(kLoopBatchMax, absl::ZeroDuration()); !items.empty();
       items = items_.Drain(kLoopBatchMax, absl::ZeroDuration())) {
    for (Item& item : items) {
      if (auto* request = std::get_if<Request>(&item)) request->done(Stopping());
    }
  }
}

void Loop::RunBatch(std::vector<Item> items) {
  const absl::Duration began = ports_.clock->Monotonic();
  BatchStats stats;
  std::vector<Effect> effects;
  std::vector<Reader> readers;
  CheckRoom();
  state_.clock_ahead = ports_.clock->Now() - Now();
  uint64_t blob_bytes = 0;
  for (Item& item : items) {
    if (auto* reader = std::get_if<Reader>(&item)) {
      readers.push_back(std::move(*reader));
      continue;
    }
    ++stats.events;
    Event event;
    if (auto* request = std::get_if<Request>(&item)) {
      request->command.request = next_request_++;
      waiting_[request->command.request] = std::move(request->done);
      event = std::move(request->command);
    } else {
      event = std::move(std::get<Event>(item));
    }
    if (auto* hello = std::get_if<event::AgentHello>(&event)) FillChain(hello);
    Tell(state_, event);
    if (auto* done = std::get_if<event::RenderDone>(&event)) KeepRoom(done, &blob_bytes);
    std::vector<Effect> caused = Step(state_, event, Now());
    std::move(caused.begin(), caused.end(), std::back_inserter(effects));
  }
  stats.step = ports_.clock->Monotonic() - began;
  if (!Commit(&effects, &stats)) return;
  LetGo(std::move(effects));
  for (Reader& reader : readers) reader(state_);
  if (hooks_.batch) hooks_.batch(stats, state_);
}

void Loop::CheckRoom() {
  const bool was = state_.read_only;
  const absl::Status room = ports_.store->CheckRoom();
  state_.read_only = !room.ok();
  if (state_.read_only == was) return;
  if (state_.read_only) {
    Log(LogLevel::kError, "the disk is nearly full, nothing is changed", {{"error", room}});
  } else {
    Log(LogLevel::kInfo, "the disk has room again");
  }
}

void Loop::KeepRoom(event::RenderDone* done, uint64_t* blob_bytes) const {
  if (state_.read_only || done->blobs.empty()) return;
  uint64_t bytes = *blob_bytes;
  for (const auto& [digest, blob] : done->blobs) bytes += blob->size();
  const absl::Status room = ports_.store->CheckRoomFor(bytes);
  if (room.ok()) {
    *blob_bytes = bytes;
    return;
  }
  Log(LogLevel::kError, "the disk has no room for a rendering",
      {{"repository", done->repository.ToString()}, {"revision", done->revision}, {"error", room}});
  for (event::RenderOutcome& outcome : done->outcomes) {
    if (!std::holds_alternative<event::RenderOutcome::Rendered>(outcome.result)) continue;
    outcome.input = Digest();
    outcome.result = absl::UnavailableError(
        absl::StrCat("keeping what ", done->revision, " renders to: ", room.message()));
  }
  done->blobs.clear();
}

void Loop::FillChain(event::AgentHello* hello) const {
  const uint64_t counter = hello->hello.seen.counter;
  if (counter == 0) return;
  const absl::StatusOr<std::string> record = ports_.store->Get(Family::kChain, ChainKey(counter));
  if (!record.ok()) return;
  const absl::StatusOr<ChainLink> link = ParseChainLink(ChainKey(counter), *record);
  if (link.ok()) hello->chain_at_seen = link->point.chain;
}

bool Loop::Commit(std::vector<Effect>* effects, BatchStats* stats) {
  Batch batch;
  for (Effect& effect : *effects) {
    if (auto* write = std::get_if<effect::Write>(&effect)) batch.Append(std::move(write->batch));
  }
  if (batch.empty()) return true;
  stats->bytes = batch.bytes();
  stats->decisions = batch.HasDecisions();
  const absl::Duration began = ports_.clock->Monotonic();
  const absl::Status status = ports_.store->Append(batch);
  stats->append = ports_.clock->Monotonic() - began;
  if (status.ok()) {
    state_.at = ports_.store->at();
    return true;
  }
  // Whether it was written is unknown (FAULTS M6): nothing of it may leave, and the state is not to
  // be trusted.
  failed_ = true;
  Log(LogLevel::kError, "writing the store failed, the hub stops; start it again to go on",
      {{"error", status}});
  items_.Close();
  if (hooks_.fatal) hooks_.fatal(status);
  return false;
}

void Loop::LetGo(std::vector<Effect> effects) {
  bool changed = false;
  for (Effect& effect : effects) {
    if (std::holds_alternative<effect::Notify>(effect)) {
      changed = true;
    } else {
      Perform(std::move(effect));
    }
  }
  if (changed && ports_.watch != nullptr) ports_.watch->Changed(++changes_);
}

namespace {

// What the agent is to remember of the hub: the newest commit, which covers what is being sent.
void Stamp(const CommitPoint& at, HubMessage* message) {
  if (auto* welcome = std::get_if<Welcome>(message)) welcome->at = at;
  if (auto* desired = std::get_if<Desired>(message)) desired->at = at;
}

}  // namespace

void Loop::Perform(Effect effect) {
  if (auto* send = std::get_if<effect::Send>(&effect)) {
    Stamp(state_.at, &send->message);
    Tell(state_, *send);
    ports_.agents->Send(send->session, std::move(send->message));
  } else if (auto* close = std::get_if<effect::CloseSession>(&effect)) {
    ports_.agents->Close(close->session, std::move(close->goodbye));
  } else if (auto* fetch = std::get_if<effect::StartFetch>(&effect)) {
    ports_.fetches->Start(std::move(*fetch));
  } else if (auto* render = std::get_if<effect::StartRender>(&effect)) {
    ports_.renders->Start(std::move(*render));
  } else if (auto* read = std::get_if<effect::ReadConfig>(&effect)) {
    ports_.renders->ReadConfig(std::move(*read));
  } else if (auto* reply = std::get_if<effect::Reply>(&effect)) {
    const auto waiting = waiting_.find(reply->request);
    if (waiting == waiting_.end()) return;
    Done done = std::move(waiting->second);
    waiting_.erase(waiting);
    done(std::move(reply->result));
  } else if (auto* keys = std::get_if<effect::RevokeKeys>(&effect)) {
    if (ports_.keys != nullptr) ports_.keys->Revoke(std::move(keys->fingerprints));
  }
}

}  // namespace lockstep
