#include "agent/kube/reflector.h"

#include <algorithm>

#include <absl/strings/str_cat.h>

#include "agent/kube/answer.h"
#include "agent/kube/managed_fields.h"
#include "common/base/status.h"
#include "common/object/json.h"

namespace lockstep {
namespace {

constexpr int kPage = 500;
constexpr absl::Duration kWatchSteady = absl::Minutes(1);

// Metadata is all that is kept, so nothing else is asked for.
constexpr char kAcceptList[] =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
constexpr char kAcceptEvents[] =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

const Value& MetadataOf(const Value& object) {
  static const Value* const kNone = new Value();
  const Value* metadata = object.Find("metadata");
  return metadata != nullptr ? *metadata : *kNone;
}

std::pair<std::string, std::string> NameOf(const Value& metadata) {
  return {std::string(metadata.StringAt("namespace")), std::string(metadata.StringAt("name"))};
}

// Versions are numbers that grow (etcd's); one that is none counts as newer, so that it is taken.
bool IsOlder(const std::string& version, const std::string& than) {
  const auto number = [](const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  };
  if (!number(version) || !number(than)) return false;
  if (version.size() != than.size()) return version.size() < than.size();
  return version < than;
}

}  // namespace

LiveObject ReadLive(const Value& object) {
  const Value& metadata = MetadataOf(object);
  LiveObject live;
  live.uid = std::string(metadata.StringAt("uid"));
  live.version = std::string(metadata.StringAt("resourceVersion"));
  live.mark = MarkOf(metadata);
  live.deleting = metadata.Find("deletionTimestamp") != nullptr;
  if (const Value* labels = metadata.Find("labels"); labels != nullptr) {
    const absl::string_view name = labels->StringAt(kApplicationLabel);
    if (!name.empty()) {
      live.owner = absl::StrCat(labels->StringAt(kApplicationNamespaceLabel), "/", name);
    }
  }
  return live;
}

Reflector::Reflector(LiveScope scope, KubeHttp* requests, KubeHttp* watches, const Clock* clock,
                     Changed changed)
    : scope_(std::move(scope)),
      requests_(requests),
      watches_(watches),
      clock_(clock),
      changed_(std::move(changed)) {}

Reflector::~Reflector() { Stop(); }

absl::Status Reflector::Sync(const std::function<bool()>& cancelled) {
  if (IsFollowing()) return absl::OkStatus();
  std::map<Name, LiveObject> objects;
  LOCKSTEP_ASSIGN_OR_RETURN(std::string version, List(&objects, cancelled));
  MutexLock lock(&mutex_);
  // Another thread may have listed meanwhile; then the watch has what came after.
  if (known_ && watching_ == Watching::kYes) return absl::OkStatus();
  objects_ = std::move(objects);
  forgotten_.clear();
  version_ = std::move(version);
  known_ = true;
  if (watching_ == Watching::kNo && !stopped_ && scope_.kind.watchable &&
      clock_->Monotonic() >= watch_again_at_) {
    StartWatch();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Reflector::List(std::map<Name, LiveObject>* objects,
                                            const std::function<bool()>& cancelled) {
  const std::string base = ResourcePath(scope_.kind, scope_.version, scope_.namespace_, "");
  std::string version;
  std::string next;
  do {
    KubeRequest request;
    request.path = absl::StrCat(base, "?limit=", kPage);
    if (!next.empty()) absl::StrAppend(&request.path, "&continue=", next);
    request.accept = kAcceptList;
    request.impersonate = scope_.user;
    std::vector<KubeRequest> one;
    one.push_back(std::move(request));
    const absl::StatusOr<KubeResponse> answer =
        std::move(requests_->Perform(std::move(one), cancelled)[0]);
    if (!answer.ok()) return answer.status();
    LOCKSTEP_RETURN_IF_ERROR(ToStatus(ReadAnswer(*answer, scope_.kind.resource)));
    LOCKSTEP_ASSIGN_OR_RETURN(const Value list, ReadJson(answer->body, base));
    const Value* items = list.Find("items");
    version = std::string(MetadataOf(list).StringAt("resourceVersion"));
    // Without objects the server writes null.
    if (items == nullptr || !(items->IsArray() || items->IsNull()) || version.empty()) {
      return absl::UnavailableError(absl::StrCat("the answer to a list of ", base, " is none"));
    }
    for (size_t i = 0; items->IsArray() && i < items->AsArray().size(); ++i) {
      const Value& item = items->AsArray()[i];
      (*objects)[NameOf(MetadataOf(item))] = ReadLive(item);
    }
    next = std::string(MetadataOf(list).StringAt("continue"));
  } while (!next.empty());
  return version;
}

void Reflector::StartWatch() {
  KubeRequest request;
  request.path = absl::StrCat(ResourcePath(scope_.kind, scope_.version, scope_.namespace_, ""),
                              "?watch=1&allowWatchBookmarks=true&resourceVersion=", version_);
  request.accept = kAcceptEvents;
  request.impersonate = scope_.user;
  request.timeout = absl::InfiniteDuration();  // An idle watch says nothing for a minute.
  watching_ = Watching::kYes;
  expired_ = false;
  watch_began_ = clock_->Monotonic();
  watch_ = watches_->StartStream(
      std::move(request),
      {.on_line = [this](absl::string_view line) { OnLine(line); },
       .on_end = [this](const absl::StatusOr<KubeResponse>& answer) { OnEnd(answer); }});
  if (watch_ == 0) watching_ = Watching::kNo;  // All ends.
}

void Reflector::OnLine(absl::string_view line) {
  const absl::StatusOr<Value> event = ReadJson(line, "event");
  const Value* object = event.ok() ? event->Find("object") : nullptr;
  std::vector<ObjectKey> keys;
  {
    MutexLock lock(&mutex_);
    if (stopped_ || expired_) return;
    const absl::string_view type = object == nullptr ? "ERROR" : event->StringAt("type");
    if (type == "ERROR") {  // Too old, or not to be read: what is known may be wrong.
      expired_ = true;
    } else {
      const Value& metadata = MetadataOf(*object);
      if (const absl::string_view version = metadata.StringAt("resourceVersion");
          !version.empty()) {
        version_ = std::string(version);
      }
      if (type == "BOOKMARK" || !Take(type, *object)) return;
      const Name name = NameOf(metadata);
      if (const auto writing = writing_.find(name); writing != writing_.end()) {
        writing->second = true;
        return;
      }
      keys.push_back({scope_.kind.group, scope_.kind.kind, name.first, name.second});
    }
  }
  if (!keys.empty()) changed_(std::move(keys));
}

bool Reflector::Take(absl::string_view type, const Value& object) {
  const Name name = NameOf(MetadataOf(object));
  const auto at = objects_.find(name);
  LiveObject live = ReadLive(object);
  if (const auto forgotten = forgotten_.find(name); forgotten != forgotten_.end()) {
    const bool same = forgotten->second == live.uid;
    if (!same || type == "DELETED") forgotten_.erase(forgotten);
    if (same) return false;
  }
  if (type == "DELETED") {
    // The end of an earlier object of this name is no news of the present one.
    if (at == objects_.end() ||
        (at->second.uid != live.uid && IsOlder(live.version, at->second.version))) {
      return false;
    }
    objects_.erase(at);
    return true;
  }
  if (at == objects_.end()) {
    objects_.emplace(name, std::move(live));
    return true;
  }
  if (IsOlder(live.version, at->second.version) || live.version == at->second.version) return false;
  const bool news = live.uid != at->second.uid || live.mark != at->second.mark ||
                    live.deleting != at->second.deleting || live.owner != at->second.owner;
  at->second = std::move(live);
  return news;
}

void Reflector::OnEnd(const absl::StatusOr<KubeResponse>& answer) {
  {
    MutexLock lock(&mutex_);
    watching_ = Watching::kNo;
    if (stopped_) return;
    const absl::Duration now = clock_->Monotonic();
    const absl::Duration lived = now - watch_began_;
    if (lived >= kWatchSteady) break_ = kBreakFirst;
    if (answer.ok() && answer->code == 200 && !expired_ && lived >= kBreakFirst) {
      return StartWatch();
    }
    known_ = false;
    // What is too old is listed again at once, a broken one after a while.
    if (!expired_) {
      watch_again_at_ = now + break_;
      break_ = std::min(break_ * 2, kBreakMax);
    }
  }
  changed_({});
}

bool Reflector::IsFollowing() {
  MutexLock lock(&mutex_);
  return known_ && watching_ == Watching::kYes;
}

std::optional<LiveObject> Reflector::Find(const std::string& namespace_name,
                                          const std::string& name) {
  MutexLock lock(&mutex_);
  const auto found = objects_.find({namespace_name, name});
  if (found == objects_.end()) return std::nullopt;
  return found->second;
}

void Reflector::BeginWrite(const std::string& namespace_name, const std::string& name) {
  MutexLock lock(&mutex_);
  writing_.try_emplace({namespace_name, name}, false);
}

void Reflector::EndWrite(const std::string& namespace_name, const std::string& name,
                         const Value* answer) {
  bool news = false;
  {
    MutexLock lock(&mutex_);
    const auto writing = writing_.find({namespace_name, name});
    if (writing == writing_.end()) return;
    news = writing->second;
    writing_.erase(writing);
    if (answer != nullptr && known_) {
      forgotten_.erase({namespace_name, name});
      LiveObject live = ReadLive(*answer);
      const auto [at, added] = objects_.try_emplace({namespace_name, name}, live);
      if (added || IsOlder(at->second.version, live.version)) {
        news = false;  // What was heard is older than what the write left.
        at->second = std::move(live);
      } else {
        news = news && at->second.mark != live.mark;
      }
    }
    news = news && !stopped_;
  }
  if (news) changed_({{scope_.kind.group, scope_.kind.kind, namespace_name, name}});
}

void Reflector::Forget(const std::string& namespace_name, const std::string& name) {
  MutexLock lock(&mutex_);
  writing_.erase({namespace_name, name});
  const auto found = objects_.find({namespace_name, name});
  if (found == objects_.end()) return;  // Its end was heard already.
  forgotten_[found->first] = found->second.uid;
  objects_.erase(found);
}

void Reflector::Stop() {
  uint64_t watch = 0;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    if (watching_ == Watching::kNo) return;
    watch = watch_;
  }
  watches_->Cancel(watch);
  MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &Reflector::IsEnded));
}

}  // namespace lockstep
