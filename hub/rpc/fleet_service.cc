#include "hub/rpc/fleet_service.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <absl/strings/str_cat.h>

#include "lockstep/v1/fleet.grpc.pb.h"

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/text/names.h"
#include "hub/core/queries.h"
#include "hub/rollup/convert.h"
#include "hub/rpc/apply.h"
#include "hub/rpc/diff_stream.h"
#include "hub/rpc/fleet_messages.h"
#include "hub/rpc/fleet_streams.h"
#include "hub/rpc/followers.h"
#include "hub/rpc/history.h"
#include "hub/rpc/question.h"
#include "hub/rpc/status.h"
#include "hub/rpc/verbs.h"

namespace lockstep {
namespace {

constexpr int kHistoryDefault = 20;

using Unary = grpc::ServerUnaryReactor;
using Context = grpc::CallbackServerContext;

template <typename Response>
class RefusedStream : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

template <typename Response>
grpc::ServerWriteReactor<Response>* Refuse(const absl::Status& status) {
  return new RefusedStream<Response>(status);
}

Unary* Refuse(Context* context, const absl::Status& status) {
  Unary* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

}  // namespace

class FleetService::Impl : public v1::FleetService::CallbackService {
 public:
  explicit Impl(FleetServiceParts parts)
      : parts_(std::move(parts)),
        started_(parts_.clock->Now()),
        followers_(parts_.check_user, parts_.clock) {}

  Followers& followers() { return followers_; }

  // ---- what changes something

  Unary* Apply(Context* context, const v1::ApplyRequest* request,
               v1::ApplyResponse* response) override {
    const absl::StatusOr<PeerIdentity> user = Authorize(context, "Apply");
    if (!user.ok()) return Refuse(context, user.status());
    Unary* reactor = context->DefaultReactor();
    parts_.pool->Run([this, by = user->name, request, response, reactor] {
      absl::StatusOr<command::Apply> command = ReadApply(*request, parts_);
      if (!command.ok()) return reactor->Finish(ToGrpc(command.status()));
      Ask<reply::Applied>(by, *std::move(command), response, reactor);
    });
    return reactor;
  }

  Unary* Delete(Context* context, const v1::DeleteRequest* request,
                v1::DeleteResponse* response) override {
    return Change<reply::Deleted>("Delete", context, *request, response);
  }
  Unary* Sync(Context* context, const v1::SyncRequest* request,
              v1::SyncResponse* response) override {
    return Change<reply::Synced>("Sync", context, *request, response);
  }
  Unary* Suspend(Context* context, const v1::SuspendRequest* request,
                 v1::SuspendResponse* response) override {
    return Change<reply::Done>("Suspend", context, *request, response);
  }
  Unary* Resume(Context* context, const v1::ResumeRequest* request,
                v1::ResumeResponse* response) override {
    return Change<reply::Resumed>("Resume", context, *request, response);
  }
  Unary* Approve(Context* context, const v1::ApproveRequest* request,
                 v1::ApproveResponse* response) override {
    return Change<reply::Approved>("Approve", context, *request, response);
  }
  Unary* AcceptCluster(Context* context, const v1::AcceptClusterRequest* request,
                       v1::AcceptClusterResponse* response) override {
    return Change<reply::Accepted>("AcceptCluster", context, *request, response);
  }
  Unary* LabelCluster(Context* context, const v1::LabelClusterRequest* request,
                      v1::LabelClusterResponse* response) override {
    return Change<reply::Labelled>("LabelCluster", context, *request, response);
  }
  Unary* RemoveCluster(Context* context, const v1::RemoveClusterRequest* request,
                       v1::RemoveClusterResponse* response) override {
    return Change<reply::Removed>("RemoveCluster", context, *request, response);
  }
  Unary* DeleteOrphans(Context* context, const v1::DeleteOrphansRequest* request,
                       v1::DeleteOrphansResponse* response) override {
    return Change<reply::OrphansRequested>("DeleteOrphans", context, *request, response);
  }

  Unary* CreateJoinToken(Context* context, const v1::CreateJoinTokenRequest* request,
                         v1::CreateJoinTokenResponse* response) override {
    const absl::StatusOr<PeerIdentity> user = Authorize(context, "CreateJoinToken");
    if (!user.ok()) return Refuse(context, user.status());
    absl::StatusOr<command::CreateJoinToken> command = ReadCommand(*request);
    if (!command.ok()) return Refuse(context, command.status());
    FreshToken token = parts_.new_token(command->cluster);
    command->token = token.hash;
    response->set_token(std::move(token.text));  // Leaves with an OK answer alone.
    Unary* reactor = context->DefaultReactor();
    Ask<reply::TokenMade>(user->name, *std::move(command), response, reactor);
    return reactor;
  }

  // ---- what only looks

  Unary* Get(Context* context, const v1::GetRequest* request, v1::GetResponse* response) override {
    const absl::StatusOr<ResourceKey> key = ReadKey("key", request->key());
    return Look("Get", context, key.status(),
                [this, key, response](const HubState& state, const std::string&) -> absl::Status {
                  SetTime(parts_.clock->Now(), response->mutable_as_of());
                  if (const ResourceState* resource = state.FindResource(*key)) {
                    *response->mutable_resource() = ToMessage(state, *resource, PerCluster::kYes);
                    return absl::OkStatus();
                  }
                  if (state.settings.has_config_repository &&
                      key->kind == ResourceKind::kGitRepository &&
                      key->Name() == state.settings.config_repository.meta.Name()) {
                    *response->mutable_resource() = ConfigRepositoryMessage(state);
                    return absl::OkStatus();
                  }
                  return CheckExists(state, *key);
                });
  }

  grpc::ServerWriteReactor<v1::ListOrphansResponse>* ListOrphans(
      Context* context, const v1::ListOrphansRequest* request) override {
    if (absl::Status status = Authorize(context, "ListOrphans").status(); !status.ok()) {
      return Refuse<v1::ListOrphansResponse>(status);
    }
    const absl::Status valid =
        request->cluster().empty() ? absl::OkStatus() : CheckDnsLabel(request->cluster());
    if (!valid.ok()) return Refuse<v1::ListOrphansResponse>(Annotate(valid, "cluster"));
    return Begin(std::make_shared<OrphansStream>(request->cluster(), &parts_));
  }

  Unary* GetHub(Context* context, const v1::GetHubRequest*, v1::GetHubResponse* response) override {
    return Look("GetHub", context, absl::OkStatus(),
                [this, response](const HubState& state, const std::string& user) {
                  *response = ToHubStatus(state);
                  response->set_version(parts_.version);
                  SetTime(started_, response->mutable_started());
                  response->set_user(user);
                  return absl::OkStatus();
                });
  }

  Unary* History(Context* context, const v1::HistoryRequest* request,
                 v1::HistoryResponse* response) override {
    const absl::StatusOr<PeerIdentity> user = Authorize(context, "History");
    if (!user.ok()) return Refuse(context, user.status());
    const absl::StatusOr<NamespacedName> application =
        ReadApplication("application", request->application());
    if (!application.ok()) return Refuse(context, application.status());
    const int limit = request->limit() <= 0 ? kHistoryDefault : request->limit();
    Unary* reactor = context->DefaultReactor();
    const ResourceKey key{ResourceKind::kApplication, application->namespace_, application->name};
    parts_.read(Question(
        [this, key, limit, response, reactor](const HubState& state) {
          const absl::Status there = CheckExists(state, key);
          if (!there.ok()) return reactor->Finish(ToGrpc(there));
          parts_.pool->Run([this, name = key.Name().ToString(), limit, response, reactor] {
            reactor->Finish(ToGrpc(ReadHistory(*parts_.store, name, limit, response)));
          });
        },
        [reactor](const absl::Status& status) { reactor->Finish(ToGrpc(status)); }));
    return reactor;
  }

  grpc::ServerWriteReactor<v1::ListResponse>* List(Context* context,
                                                   const v1::ListRequest* request) override {
    if (absl::Status status = Authorize(context, "List").status(); !status.ok()) {
      return Refuse<v1::ListResponse>(status);
    }
    const std::optional<ResourceKind> kind = KindFromName(request->kind());
    if (!kind) {
      return Refuse<v1::ListResponse>(absl::InvalidArgumentError(
          absl::StrCat("kind: \"", request->kind(),
                       "\" is none of GitRepository, Application, Cluster, Secret")));
    }
    absl::StatusOr<LabelSelector> selector = ParseLabelSelector(request->label_selector());
    if (!selector.ok()) return Refuse<v1::ListResponse>(selector.status());
    return Begin(std::make_shared<ListStream>(*kind, *std::move(selector), *request, &parts_));
  }

  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(Context* context,
                                                     const v1::WatchRequest* request) override {
    absl::StatusOr<PeerIdentity> user = Authorize(context, "Watch");
    if (!user.ok()) return Refuse<v1::WatchResponse>(user.status());
    return Follow(
        std::make_shared<WatchStream>(*std::move(user), &followers_, request->sequence()));
  }

  grpc::ServerWriteReactor<v1::EventsResponse>* Events(Context* context,
                                                       const v1::EventsRequest* request) override {
    absl::StatusOr<PeerIdentity> user = Authorize(context, "Events");
    if (!user.ok()) return Refuse<v1::EventsResponse>(user.status());
    std::optional<ResourceKey> about;
    if (request->has_about()) {
      absl::StatusOr<ResourceKey> key = ReadKey("about", request->about());
      if (!key.ok()) return Refuse<v1::EventsResponse>(key.status());
      about = *std::move(key);
    }
    return Follow(std::make_shared<EventsStream>(*std::move(user), &followers_, *request,
                                                 std::move(about), &parts_));
  }

  grpc::ServerWriteReactor<v1::DiffResponse>* Diff(Context* context,
                                                   const v1::DiffRequest* request) override {
    if (absl::Status status = Authorize(context, "Diff").status(); !status.ok()) {
      return Refuse<v1::DiffResponse>(status);
    }
    absl::StatusOr<NamespacedName> application =
        ReadApplication("application", request->application());
    if (!application.ok()) return Refuse<v1::DiffResponse>(application.status());
    return Begin(std::make_shared<DiffStream>(*std::move(application), request->revision(),
                                              request->cluster(), &parts_));
  }

 private:
  // Deny by default: whoever is no user of today, and whatever has no verb.
  absl::StatusOr<PeerIdentity> Authorize(Context* context, absl::string_view method) const {
    LOCKSTEP_ASSIGN_OR_RETURN(PeerIdentity peer, parts_.read_peer(*context->auth_context()));
    if (peer.kind != IdentityKind::kUser) {
      return absl::PermissionDeniedError(
          "this service is for people; an agent's certificate does not open it");
    }
    LOCKSTEP_RETURN_IF_ERROR(parts_.check_user(peer));
    const std::optional<Verb> verb = VerbOf(method);
    if (!verb)
      return absl::PermissionDeniedError(
          absl::StrCat(method, " has no verb, so nobody may call it"));
    if (*verb != Verb::kRead) {
      Log(LogLevel::kInfo, "command",
          {{"method", method}, {"by", peer.name}, {"from", context->peer()}});
    }
    return peer;
  }

  // Sends a command to the core and answers with what becomes of it.
  template <typename Reply, typename Response>
  void Ask(const std::string& by, Loop::Action action, Response* response, Unary* reactor) {
    parts_.command(by, std::move(action), [response, reactor](absl::StatusOr<ReplyBody> reply) {
      if (!reply.ok()) return reactor->Finish(ToGrpc(reply.status()));
      const Reply* body = std::get_if<Reply>(&*reply);
      if (body == nullptr)
        return reactor->Finish(ToGrpc(absl::InternalError("the core gave another reply")));
      Fill(*body, response);
      reactor->Finish(grpc::Status::OK);
    });
  }

  template <typename Reply, typename Request, typename Response>
  Unary* Change(absl::string_view method, Context* context, const Request& request,
                Response* response) {
    const absl::StatusOr<PeerIdentity> user = Authorize(context, method);
    if (!user.ok()) return Refuse(context, user.status());
    auto command = ReadCommand(request);
    if (!command.ok()) return Refuse(context, command.status());
    Unary* reactor = context->DefaultReactor();
    Ask<Reply>(user->name, *std::move(command), response, reactor);
    return reactor;
  }

  // Answers from the state, on the loop thread. `valid` is what became of reading the request.
  Unary* Look(absl::string_view method, Context* context, const absl::Status& valid,
              absl::AnyInvocable<absl::Status(const HubState&, const std::string& user)> fill) {
    const absl::StatusOr<PeerIdentity> user = Authorize(context, method);
    if (!user.ok()) return Refuse(context, user.status());
    if (!valid.ok()) return Refuse(context, valid);
    Unary* reactor = context->DefaultReactor();
    parts_.read(Question(
        [reactor, fill = std::move(fill), user = user->name](const HubState& state) mutable {
          reactor->Finish(ToGrpc(fill(state, user)));
        },
        [reactor](const absl::Status& status) { reactor->Finish(ToGrpc(status)); }));
    return reactor;
  }

  template <typename Stream>
  Stream* Begin(const std::shared_ptr<Stream>& stream) {
    stream->Begin();
    return stream.get();
  }

  template <typename Stream>
  Stream* Follow(const std::shared_ptr<Stream>& stream) {
    followers_.Add(stream);
    return Begin(stream);
  }

  // Fixed at construction.
  const FleetServiceParts parts_;
  const absl::Time started_;

  Followers followers_;
};

FleetService::FleetService(FleetServiceParts parts)
    : impl_(std::make_unique<Impl>(std::move(parts))) {}
FleetService::~FleetService() { Stop(); }

absl::Status FleetService::Start() {
  LOCKSTEP_RETURN_IF_ERROR(CheckVerbs());
  impl_->followers().Start();
  return absl::OkStatus();
}

void FleetService::Stop() { impl_->followers().Stop(); }
grpc::Service* FleetService::service() { return impl_.get(); }
void FleetService::Changed(uint64_t sequence) { impl_->followers().Changed(sequence); }

}  // namespace lockstep
