#include "agent/kube/discovery.h"

#include <algorithm>
#include <optional>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "agent/kube/answer.h"
#include "common/base/status.h"
#include "common/object/json.h"

namespace lockstep {
namespace {

constexpr char kAggregated[] =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

const Value::Array& ItemsOf(const Value& value, absl::string_view field) {
  static const Value::Array* const kNone = new Value::Array();
  const Value* found = value.Find(field);
  return found != nullptr && found->IsArray() ? found->AsArray() : *kNone;
}

bool HasVerb(const Value& resource, absl::string_view verb) {
  const Value::Array& verbs = ItemsOf(resource, "verbs");
  return std::any_of(verbs.begin(), verbs.end(), [&](const Value& given) {
    return given.IsString() && given.AsString() == verb;
  });
}

void AddResource(const std::string& group, const std::string& version, const Value& resource,
                 KindTable* table) {
  const Value* response = resource.Find("responseKind");
  const absl::string_view kind = response == nullptr ? "" : response->StringAt("kind");
  const absl::string_view name = resource.StringAt("resource");
  if (kind.empty() || name.empty()) return;
  KindInfo& info = (*table)[{group, std::string(kind)}];
  if (info.versions.empty()) {
    info.group = group;
    info.kind = std::string(kind);
    info.resource = std::string(name);
    info.namespaced = resource.StringAt("scope") == "Namespaced";
    info.writable = HasVerb(resource, "patch") && HasVerb(resource, "create");
    info.watchable = HasVerb(resource, "list") && HasVerb(resource, "watch");
  }
  if (info.resource == name) info.versions.push_back(version);
}

}  // namespace

bool KindInfo::Serves(absl::string_view version) const {
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

absl::Status ReadDiscovery(absl::string_view json, KindTable* table,
                           std::vector<std::string>* stale) {
  LOCKSTEP_ASSIGN_OR_RETURN(const Value root, ReadJson(json, "discovery"));
  if (root.StringAt("kind") != "APIGroupDiscoveryList") {
    return absl::InvalidArgumentError(
        "the API server has no aggregated discovery (Kubernetes 1.30 or newer is needed)");
  }
  for (const Value& group : ItemsOf(root, "items")) {
    const Value* metadata = group.Find("metadata");
    const std::string name(metadata == nullptr ? "" : metadata->StringAt("name"));
    for (const Value& version : ItemsOf(group, "versions")) {
      const std::string version_name(version.StringAt("version"));
      if (version.StringAt("freshness") == "Stale") {
        stale->push_back(absl::StrCat(name, "/", version_name));
        continue;
      }
      for (const Value& resource : ItemsOf(version, "resources")) {
        AddResource(name, version_name, resource, table);
      }
    }
  }
  return absl::OkStatus();
}

Discovery::Discovery(KubeHttp* http, const Clock* clock) : http_(http), clock_(clock) {}

absl::StatusOr<KindInfo> Discovery::Find(absl::string_view group, absl::string_view kind) {
  const std::pair<std::string, std::string> key(group, kind);
  MutexLock lock(&mutex_);
  auto found = table_.find(key);
  if (found == table_.end() &&
      (!asked_.has_value() || clock_->Monotonic() - *asked_ >= kAgainAfter)) {
    LOCKSTEP_RETURN_IF_ERROR(Ask());
    found = table_.find(key);
  }
  if (found != table_.end()) return found->second;
  const std::string prefix = absl::StrCat(group, "/");
  for (const std::string& version : stale_) {
    if (!absl::StartsWith(version, prefix)) continue;
    return absl::UnavailableError(absl::StrCat("whether the cluster serves ", kind, " of ", group,
                                               " is not known: the server of ", version,
                                               " does not answer"));
  }
  return absl::UnavailableError(absl::StrCat("the cluster serves no ", kind,
                                             group.empty() ? "" : " of group ", group,
                                             "; is its CustomResourceDefinition there?"));
}

void Discovery::Expect() {
  MutexLock lock(&mutex_);
  asked_.reset();
}

absl::Status Discovery::Ask() {
  std::vector<KubeRequest> requests(2);
  requests[0].path = "/api";
  requests[1].path = "/apis";
  for (KubeRequest& request : requests) request.accept = kAggregated;
  const auto answers = http_->Perform(std::move(requests), [] { return false; });
  KindTable table;
  std::vector<std::string> stale;
  for (const absl::StatusOr<KubeResponse>& answer : answers) {
    if (!answer.ok()) return answer.status();
    LOCKSTEP_RETURN_IF_ERROR(
        Annotate(ToStatus(ReadAnswer(*answer, "")), "asking what the cluster serves"));
    LOCKSTEP_RETURN_IF_ERROR(ReadDiscovery(answer->body, &table, &stale));
  }
  table_ = std::move(table);
  stale_ = std::move(stale);
  asked_ = clock_->Monotonic();
  return absl::OkStatus();
}

namespace {

void AppendSegment(absl::string_view segment, std::string* path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  path->push_back('/');
  for (const char c : segment) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
        c == '~') {
      path->push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      path->append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
}

}  // namespace

std::string ResourcePath(const KindInfo& kind, absl::string_view version,
                         absl::string_view namespace_name, absl::string_view name) {
  std::string path = kind.group.empty() ? "/api" : "/apis";
  if (!kind.group.empty()) AppendSegment(kind.group, &path);
  AppendSegment(version, &path);
  if (kind.namespaced && !namespace_name.empty()) {
    path.append("/namespaces");
    AppendSegment(namespace_name, &path);
  }
  AppendSegment(kind.resource, &path);
  if (!name.empty()) AppendSegment(name, &path);
  return path;
}

}  // namespace lockstep
