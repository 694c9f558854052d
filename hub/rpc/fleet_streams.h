#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/v1/fleet.pb.h"

#include "common/credentials/identity.h"
#include "hub/core/event.h"
#include "hub/core/state.h"
#include "hub/fleet/selector.h"
#include "hub/rpc/fleet_service.h"
#include "hub/rpc/followers.h"
#include "hub/rpc/pull_stream.h"

/// The streaming answers of FleetService but Diff. Only for this folder's own files.
namespace lockstep {

/// Of one message, whichever comes first.
inline constexpr size_t kListMessageItems = 1000;
inline constexpr size_t kListMessageBytes = 1 << 20;

class ListStream : public PullStream<v1::ListResponse> {
 public:
  ListStream(ResourceKind kind, LabelSelector selector, const v1::ListRequest& request,
             const FleetServiceParts* parts);

 protected:
  void Next() override;

 private:
  void Collect(const HubState& state);
  void Answer(const HubState& state);

  const ResourceKind kind_;
  const LabelSelector selector_;
  const std::string namespace_;
  const bool per_cluster_;
  const FleetServiceParts* const parts_;

  // Whatever is under way owns these.
  bool collected_ = false;
  std::vector<ResourceKey> keys_;  // That match, by namespace and name.
  size_t next_ = 0;
};

/// What one look found, list by list.
class OrphansStream : public PullStream<v1::ListOrphansResponse> {
 public:
  /// Empty `cluster`: all.
  OrphansStream(std::string cluster, const FleetServiceParts* parts)
      : cluster_(std::move(cluster)), parts_(parts) {}

 protected:
  void Next() override;

 private:
  const std::string cluster_;
  const FleetServiceParts* const parts_;

  // Whatever is under way owns these.
  bool collected_ = false;
  std::vector<command::OrphanList> lists_;
  size_t list_ = 0;    // Of lists_: the next to tell,
  size_t object_ = 0;  // from this object on.
  Digest digest_;      // Of lists_[list_], where object_ > 0.
};

/// A stream that may wait for something to happen.
template <typename Response>
class FollowStream : public PullStream<Response>, public Follower {
 public:
  FollowStream(PeerIdentity user, Followers* followers)
      : followers_(followers), user_(std::move(user)) {}

  void Poke() override { this->Wake(); }
  void EndFollowing(const absl::Status& status) override { this->End(status); }
  const PeerIdentity& user() const override { return user_; }

 protected:
  void OnGone() override { followers_->Remove(this); }

  Followers* const followers_;

 private:
  const PeerIdentity user_;
};

/// Says the sequence at once where the caller is behind or does not know it, then whenever it has
/// moved.
class WatchStream : public FollowStream<v1::WatchResponse> {
 public:
  WatchStream(PeerIdentity user, Followers* followers, uint64_t sequence)
      : FollowStream(std::move(user), followers) {
    if (sequence > 0) told_ = sequence;
  }

 protected:
  void Next() override;

 private:
  std::optional<uint64_t> told_;  // Whatever is under way owns it; absent: nothing was said yet.
};

class EventsStream : public FollowStream<v1::EventsResponse> {
 public:
  EventsStream(PeerIdentity user, Followers* followers, const v1::EventsRequest& request,
               std::optional<ResourceKey> about, const FleetServiceParts* parts);

 protected:
  void Next() override;

 private:
  void Read();
  /// Nothing is recorded: says whether that is for want of the resource.
  void AskWhetherThere();
  absl::Status Scan(v1::EventsResponse* response);

  const FleetServiceParts* const parts_;
  const bool follow_;
  const std::optional<ResourceKey> about_;

  // Whatever is under way owns these.
  uint64_t after_;  // Everything up to here was looked at.
  size_t last_;     // 0 once the first look is over.
  bool is_there_;   // What it is about was found, or need not be.
};

}  // namespace lockstep
