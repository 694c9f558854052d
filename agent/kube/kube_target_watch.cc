// Which reflectors there are, and whom they tell.
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "agent/kube/kube_target.h"
#include "agent/kube/settle.h"

namespace lockstep {

std::shared_ptr<Reflector> KubeTarget::Follow(const ActingAs& as, const KindInfo& kind,
                                              const std::string& namespace_name) {
  // The preferred version, whatever an object is written in: one watch.
  LiveScope scope{kind, kind.versions.front(), namespace_name, UserOf(as)};
  MutexLock lock(&mutex_);
  std::shared_ptr<Followed>& followed = followed_[scope];
  if (followed == nullptr) {
    followed = std::make_shared<Followed>();
    followed->reflector = std::make_shared<Reflector>(
        scope, &requests_, &watches_, clock_,
        [this, scope](const std::vector<ObjectKey>& keys) { Tell(scope, keys); });
  }
  followed->applications.insert(as.application);
  return followed->reflector;
}

// On the lister's thread: lists what a new watch needs and nobody has listed.
void KubeTarget::FollowAll(const ActingAs& as) {
  std::set<std::pair<std::pair<std::string, std::string>, std::string>> scopes;
  Changed changed;
  {
    MutexLock lock(&mutex_);
    const auto application = applications_.find(as.application);
    if (application == applications_.end()) return;
    for (const ObjectKey& key : application->second.keys) {
      scopes.insert({{key.group, key.kind}, key.namespace_});
    }
    changed = application->second.changed;
  }
  bool listed = false;
  for (const auto& [kind_name, namespace_name] : scopes) {
    const absl::StatusOr<KindInfo> kind = discovery_.Find(kind_name.first, kind_name.second);
    if (!kind.ok()) continue;  // Not served, or no answer: the next comparison asks again.
    const std::shared_ptr<Reflector> reflector =
        Follow(as, *kind, SettledNamespace(*kind, namespace_name, as.default_namespace));
    if (reflector->IsFollowing()) continue;
    listed = reflector
                 ->Sync([this] {
                   MutexLock lock(&mutex_);
                   return stopped_;
                 })
                 .ok() ||
             listed;
  }
  if (listed) changed({});
}

const ObjectKey* KubeTarget::FindKey(const Application& application, const ObjectKey& settled) {
  const auto find = [&](const ObjectKey& key) -> const ObjectKey* {
    const auto found = application.keys.find(key);
    return found == application.keys.end() ? nullptr : &*found;
  };
  if (const ObjectKey* same = find(settled)) return same;
  if (!settled.namespace_.empty()) {
    if (settled.namespace_ != application.default_namespace) return nullptr;
    return find({settled.group, settled.kind, "", settled.name});
  }
  // A kind without namespaces: whatever was written.
  for (auto at = application.keys.lower_bound({settled.group, settled.kind, "", ""});
       at != application.keys.end() && at->group == settled.group && at->kind == settled.kind;
       ++at) {
    if (at->name == settled.name) return &*at;
  }
  return nullptr;
}

void KubeTarget::Tell(const LiveScope& scope, const std::vector<ObjectKey>& keys) {
  std::vector<std::pair<Changed, std::vector<ObjectKey>>> calls;
  {
    MutexLock lock(&mutex_);
    const auto followed = followed_.find(scope);
    if (followed == followed_.end() || stopped_) return;
    for (const std::string& name : followed->second->applications) {
      const auto application = applications_.find(name);
      if (application == applications_.end()) continue;
      std::vector<ObjectKey> own;
      for (const ObjectKey& key : keys) {
        if (const ObjectKey* given = FindKey(application->second, key)) own.push_back(*given);
      }
      if (keys.empty() || !own.empty()) calls.emplace_back(application->second.changed, own);
    }
  }
  for (auto& [changed, own] : calls) changed(std::move(own));
}

absl::Status KubeTarget::Watch(const ActingAs& as, const std::vector<ObjectKey>& keys,
                               Changed changed) {
  // Of a kind without namespaces the empty one; which kinds those are need not be known here.
  std::set<std::tuple<std::string, std::string, std::string>> scopes;
  for (const ObjectKey& key : keys) {
    scopes.insert({key.group, key.kind, ""});
    scopes.insert(
        {key.group, key.kind, key.namespace_.empty() ? as.default_namespace : key.namespace_});
  }
  std::vector<std::shared_ptr<Reflector>> ended;
  {
    MutexLock lock(&mutex_);
    if (keys.empty()) {
      applications_.erase(as.application);
    } else {
      applications_[as.application] = {
          {keys.begin(), keys.end()}, as.default_namespace, std::move(changed)};
    }
    for (auto at = followed_.begin(); at != followed_.end();) {
      const LiveScope& scope = at->first;
      if (!scopes.contains({scope.kind.group, scope.kind.kind, scope.namespace_}) ||
          scope.user != UserOf(as)) {
        at->second->applications.erase(as.application);
      }
      if (at->second->applications.empty()) {
        ended.push_back(std::move(at->second->reflector));
        at = followed_.erase(at);
      } else {
        ++at;
      }
    }
  }
  for (const auto& reflector : ended) reflector->Stop();
  if (!keys.empty()) lister_.Run([this, as] { FollowAll(as); });
  return absl::OkStatus();
}

void KubeTarget::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
  }
  watches_.Stop();
  requests_.Stop();
  lister_.Stop();
}

}  // namespace lockstep
