#include "hub/rpc/fleet_streams.h"

#include <algorithm>
#include <deque>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/log.h"
#include "common/base/status.h"
#include "hub/core/queries.h"
#include "hub/core/records.h"
#include "hub/record/key.h"
#include "hub/rollup/convert.h"
#include "hub/rpc/fleet_messages.h"
#include "hub/rpc/question.h"

namespace lockstep {

ListStream::ListStream(ResourceKind kind, LabelSelector selector, const v1::ListRequest& request,
                       const FleetServiceParts* parts)
    : kind_(kind),
      selector_(std::move(selector)),
      namespace_(request.namespace_()),
      per_cluster_(request.per_cluster()),
      parts_(parts) {}

// The names are collected in one look and the resources in one per message, so that a long list
// holds up no batch of events for long. What is created meanwhile is not in the answer; what goes
// meanwhile is left out.
void ListStream::Next() {
  if (collected_ && next_ == keys_.size()) return End(absl::OkStatus());
  auto self = std::static_pointer_cast<ListStream>(shared_from_this());
  parts_->read(Question([self](const HubState& state) { self->Answer(state); },
                        [self](absl::Status status) { self->End(std::move(status)); }));
}

void ListStream::Collect(const HubState& state) {
  for (const auto& [key, resource] : state.resources) {
    if (key.kind != kind_ || (!namespace_.empty() && key.namespace_ != namespace_)) continue;
    if (selector_.Matches(resource.meta().labels)) keys_.push_back(key);
  }
  const Meta& config = state.settings.config_repository.meta;
  if (state.settings.has_config_repository && kind_ == ResourceKind::kGitRepository &&
      (namespace_.empty() || namespace_ == config.namespace_) && selector_.Matches(config.labels)) {
    keys_.push_back({kind_, config.namespace_, config.name});
  }
  std::sort(keys_.begin(), keys_.end());
  collected_ = true;
}

void ListStream::Answer(const HubState& state) {
  if (!collected_) Collect(state);
  v1::ListResponse response;
  SetTime(parts_->clock->Now(), response.mutable_as_of());
  const PerCluster per_cluster = per_cluster_ ? PerCluster::kYes : PerCluster::kNo;
  size_t bytes = 0;
  for (size_t items = 0;
       items < kListMessageItems && bytes < kListMessageBytes && next_ < keys_.size(); ++next_) {
    const ResourceState* resource = state.FindResource(keys_[next_]);
    v1::Resource* message = response.add_resources();
    if (resource != nullptr) {
      *message = ToMessage(state, *resource, per_cluster);
    } else if (state.settings.has_config_repository &&
               state.settings.config_repository.meta.Name() == keys_[next_].Name()) {
      *message = ConfigRepositoryMessage(state);
    } else {
      response.mutable_resources()->RemoveLast();  // It went meanwhile.
      continue;
    }
    ++items;
    bytes += message->ByteSizeLong();
  }
  Write(std::move(response));
}

void OrphansStream::Next() {
  if (!collected_) {
    auto self = std::static_pointer_cast<OrphansStream>(shared_from_this());
    parts_->read(Question(
        [self](const HubState& state) {
          self->lists_ = Orphans(state, self->cluster_);
          self->collected_ = true;
          self->parts_->pool->Run([self] { self->Next(); });
        },
        [self](absl::Status status) { self->End(std::move(status)); }));
    return;
  }
  if (list_ == lists_.size()) return End(absl::OkStatus());
  v1::ListOrphansResponse response;
  for (size_t room = kListMessageItems; room > 0 && list_ < lists_.size();) {
    const command::OrphanList& list = lists_[list_];
    if (object_ == 0) digest_ = KeyListDigest(list.objects);
    v1::OrphanList* message = response.add_lists();
    message->set_cluster(list.cluster);
    const NamespacedName name = ParseNamespacedName(list.application);
    *message->mutable_application() =
        ToWire(ResourceKey{ResourceKind::kApplication, name.namespace_, name.name});
    message->set_digest(std::string(digest_.bytes()));
    for (; room > 0 && object_ < list.objects.size(); --room)
      message->add_objects(list.objects[object_++].ToString());
    if (object_ < list.objects.size()) break;
    object_ = 0;
    ++list_;
  }
  Write(std::move(response));
}

void WatchStream::Next() {
  const uint64_t sequence = followers_->sequence();
  if (sequence == told_)
    return Idle();  // A lower one than told is news too: the hub was started again.
  told_ = sequence;
  v1::WatchResponse response;
  response.set_sequence(sequence);
  Write(std::move(response));
}

EventsStream::EventsStream(PeerIdentity user, Followers* followers,
                           const v1::EventsRequest& request, std::optional<ResourceKey> about,
                           const FleetServiceParts* parts)
    : FollowStream(std::move(user), followers),
      parts_(parts),
      follow_(request.follow()),
      about_(std::move(about)),
      after_(request.after()),
      last_(static_cast<size_t>(std::max(request.last(), 0))),
      is_there_(!about_.has_value()) {}

void EventsStream::Next() {
  auto self = std::static_pointer_cast<EventsStream>(shared_from_this());
  parts_->pool->Run([self] { self->Read(); });
}

void EventsStream::Read() {
  v1::EventsResponse response;
  if (absl::Status status = Scan(&response); !status.ok())
    return End(Annotate(status, "reading events"));
  if (response.events_size() > 0) {
    is_there_ = true;  // Or was.
    return Write(std::move(response));
  }
  if (!is_there_) return AskWhetherThere();
  if (!follow_) return End(absl::OkStatus());
  Idle();
}

void EventsStream::AskWhetherThere() {
  auto self = std::static_pointer_cast<EventsStream>(shared_from_this());
  parts_->read(Question(
      [self](const HubState& state) {
        if (absl::Status status = CheckExists(state, *self->about_); !status.ok())
          return self->End(std::move(status));
        self->is_there_ = true;
        self->Next();
      },
      [self](absl::Status status) { self->End(std::move(status)); }));
}

// One message's worth; at the first look the newest ones alone, where only so many are asked for.
absl::Status EventsStream::Scan(v1::EventsResponse* response) {
  std::deque<v1::FleetEvent> found;
  const size_t most = last_ > 0 ? std::min(last_, kListMessageItems) : kListMessageItems;
  const std::string from = EventKey(after_ + 1);
  const auto visit = [&](absl::string_view key, absl::string_view value) {
    const absl::StatusOr<uint64_t> sequence = ParseEventKey(key);
    const absl::StatusOr<AuditEvent> event = DecodeEvent(value);
    if (!sequence.ok() || !event.ok()) {
      Log(LogLevel::kError, "event record passed over",
          {{"error", sequence.ok() ? event.status() : sequence.status()}});
      return true;
    }
    after_ = *sequence;
    if (about_ && event->about != about_) return true;
    Fill(*sequence, *event, &found.emplace_back());
    if (last_ == 0) return found.size() < most;
    if (found.size() > most) found.pop_front();
    return true;
  };
  LOCKSTEP_RETURN_IF_ERROR(parts_->store->Scan(Family::kEvent, "", from, visit));
  last_ = 0;
  for (v1::FleetEvent& event : found) *response->add_events() = std::move(event);
  return absl::OkStatus();
}

}  // namespace lockstep
