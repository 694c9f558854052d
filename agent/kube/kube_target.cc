#include "agent/kube/kube_target.h"

#include <algorithm>
#include <optional>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include "agent/kube/answer.h"
#include "agent/kube/compare.h"
#include "agent/kube/managed_fields.h"
#include "agent/kube/settle.h"
#include "common/base/status.h"
#include "common/object/json.h"

namespace lockstep {
namespace {

constexpr char kApplyPatch[] = "application/apply-patch+yaml";  // JSON is YAML.

std::string PlaceOf(const ObjectKey& key) { return absl::StrCat("object ", key.ToString()); }

// The object as it is applied: in the namespace that its key was settled to, with its owner.
Value Body(const WantedObject& object, const std::string& settled_namespace,
           absl::string_view application) {
  Value body = object.value;
  Value* metadata = body.Find("metadata");
  if (metadata == nullptr || !metadata->IsObject()) {
    metadata = &body.AsObject().Set("metadata", Value::MakeObject());
  }
  if (settled_namespace.empty()) {
    metadata->AsObject().Remove("namespace");
  } else {
    metadata->AsObject().Set("namespace", Value::String(settled_namespace));
  }
  Value* labels = metadata->Find("labels");
  if (labels == nullptr || !labels->IsObject()) {
    labels = &metadata->AsObject().Set("labels", Value::MakeObject());
  }
  const auto [namespace_name, name] = SplitName(application);
  labels->AsObject().Set(kApplicationLabel, Value::String(name));
  labels->AsObject().Set(kApplicationNamespaceLabel, Value::String(namespace_name));
  return body;
}

// The answer to the delete of an object of the agent's own, which was only looked at.
absl::Status RefuseOwn(const KubeResponse& live, const DeleteRequest& asked) {
  LOCKSTEP_ASSIGN_OR_RETURN(const Value object, ReadJson(live.body, asked.key.ToString()));
  const Value* const metadata = object.Find("metadata");
  if (!asked.uid.empty() && metadata != nullptr && metadata->StringAt("uid") != asked.uid) {
    return absl::FailedPreconditionError("another object has the name now");
  }
  return absl::InvalidArgumentError(
      "it is of the namespace that the agent runs in, where the agent deletes nothing; delete it "
      "by hand, or put it back into Git");
}

bool ChangesWhatIsServed(const ObjectKey& key) {
  return key.kind == "CustomResourceDefinition" || key.kind == "APIService";
}

std::string MarkText(const std::optional<Digest>& mark) {
  return mark.has_value() ? std::string(mark->bytes()) : "";
}

}  // namespace

KubeTarget::KubeTarget(const KubeAccess& access, KubeHttp::Options options, const Clock* clock)
    : own_namespace_(access.in_pod ? access.namespace_ : ""),
      clock_(clock),
      requests_(access, options, clock),
      watches_(access, options, clock),
      discovery_(&requests_, clock) {}

KubeTarget::~KubeTarget() { Stop(); }

absl::StatusOr<std::string> KubeTarget::Uid() {
  std::vector<KubeRequest> requests(1);
  requests[0].path = "/api/v1/namespaces/kube-system";
  const absl::StatusOr<KubeResponse> answer =
      std::move(requests_.Perform(std::move(requests), [] { return false; })[0]);
  if (!answer.ok()) return answer.status();
  LOCKSTEP_RETURN_IF_ERROR(
      Annotate(ToStatus(ReadAnswer(*answer, "namespaces")), "reading the UID of kube-system"));
  LOCKSTEP_ASSIGN_OR_RETURN(const Value object, ReadJson(answer->body, "kube-system"));
  const Value* metadata = object.Find("metadata");
  const std::string uid = metadata == nullptr ? "" : std::string(metadata->StringAt("uid"));
  const std::string bytes = absl::HexStringToBytes(absl::StrReplaceAll(uid, {{"-", ""}}));
  if (bytes.size() != 16) {
    return absl::InternalError(absl::StrCat("the UID of kube-system is \"", uid, "\", no UUID"));
  }
  return bytes;
}

std::vector<absl::StatusOr<ObjectKey>> KubeTarget::Settle(const ActingAs&,
                                                          const std::vector<ObjectKey>& keys,
                                                          absl::string_view default_namespace) {
  std::vector<absl::StatusOr<ObjectKey>> settled;
  for (const ObjectKey& key : keys) {
    const absl::StatusOr<KindInfo> kind = discovery_.Find(key.group, key.kind);
    if (!kind.ok()) {
      settled.push_back(kind.status());
      continue;
    }
    ObjectKey own = key;
    own.namespace_ = SettledNamespace(*kind, key.namespace_, default_namespace);
    settled.push_back(std::move(own));
  }
  return settled;
}

absl::StatusOr<KubeTarget::Spoken> KubeTarget::Speak(const ActingAs& as, const ObjectKey& key,
                                                     const Value* wanted) {
  LOCKSTEP_ASSIGN_OR_RETURN(KindInfo kind, discovery_.Find(key.group, key.kind));
  Spoken spoken;
  spoken.namespace_ = SettledNamespace(kind, key.namespace_, as.default_namespace);
  spoken.version = kind.versions.front();
  spoken.kind = std::move(kind);
  if (wanted == nullptr) return spoken;
  const absl::string_view api_version = wanted->StringAt("apiVersion");
  const absl::string_view version = SplitName(api_version).second;
  if (!spoken.kind.Serves(version)) {
    return absl::UnavailableError(absl::StrCat("the cluster serves ", key.kind, " not as ",
                                               api_version, " but as version ",
                                               spoken.kind.versions.front()));
  }
  spoken.version = std::string(version);
  return spoken;
}

KubeRequest KubeTarget::Request(const ActingAs& as, const Spoken& spoken, const std::string& name) {
  KubeRequest request;
  request.path = ResourcePath(spoken.kind, spoken.version, spoken.namespace_, name);
  request.impersonate = UserOf(as);
  return request;
}

absl::StatusOr<Observation> KubeTarget::Look(const ActingAs& as, const LookAt& look,
                                             const Spoken& spoken, const Cancellation& cancel,
                                             bool* read) {
  if (cancel.cancelled()) return absl::CancelledError("it was not begun");
  const std::shared_ptr<Reflector> reflector = Follow(as, spoken.kind, spoken.namespace_);
  LOCKSTEP_RETURN_IF_ERROR(reflector->Sync([&cancel] { return cancel.cancelled(); }));
  Observation seen;
  seen.key = look.key;
  seen.place = PlaceOf(look.key);
  const std::optional<LiveObject> live = reflector->Find(spoken.namespace_, look.key.name);
  if (!live.has_value()) return seen;
  seen.uid = live->uid;
  seen.owner = live->owner;
  seen.mark = MarkText(live->mark);
  const bool untouched = !look.mark.empty() && look.mark == seen.mark;
  seen.presence = untouched && look.applied && !live->deleting ? Observation::Presence::kEqual
                                                               : Observation::Presence::kDifferent;
  *read = look.wanted != nullptr && !untouched;
  return seen;
}

std::vector<absl::StatusOr<Observation>> KubeTarget::Observe(const ActingAs& as,
                                                             const std::vector<LookAt>& objects,
                                                             const Cancellation& cancel) {
  std::vector<absl::StatusOr<Observation>> answers;
  std::vector<size_t> reading;  // Positions of what has to be read whole.
  std::vector<KubeRequest> requests;
  std::vector<KindInfo> kinds;
  for (const LookAt& look : objects) {
    const absl::StatusOr<Spoken> spoken = Speak(as, look.key, look.wanted);
    if (!spoken.ok()) {
      answers.push_back(spoken.status());
      continue;
    }
    bool read = false;
    answers.push_back(Look(as, look, *spoken, cancel, &read));
    if (!read) continue;
    reading.push_back(answers.size() - 1);
    requests.push_back(Request(as, *spoken, look.key.name));
    kinds.push_back(spoken->kind);
  }
  const auto whole =
      requests_.Perform(std::move(requests), [&cancel] { return cancel.cancelled(); });
  for (size_t i = 0; i < whole.size(); ++i) {
    absl::StatusOr<Observation>& answer = answers[reading[i]];
    const LookAt& look = objects[reading[i]];
    if (!whole[i].ok()) {
      answer = whole[i].status();
      continue;
    }
    const KubeAnswer read = ReadAnswer(*whole[i], kinds[i].resource);
    if (read.outcome == KubeOutcome::kAbsent) {
      answer = Observation{.key = look.key, .place = PlaceOf(look.key)};
      continue;
    }
    const absl::Status status = ToStatus(read);
    absl::StatusOr<Value> object = status.ok() ? ReadJson(whole[i]->body, "answer") : status;
    if (!object.ok()) {
      answer = object.status();
      continue;
    }
    const LiveObject live = ReadLive(*object);
    answer->uid = live.uid;
    answer->owner = live.owner;
    answer->mark = MarkText(live.mark);
    answer->fields = DifferentFields(*look.wanted, *object);
    const bool ours = live.mark.has_value() && live.owner == as.application;
    const Value& metadata = *object->Find("metadata");
    if (answer->fields.empty() && ours && LostFields(*look.wanted, metadata).empty()) {
      answer->presence = Observation::Presence::kEqual;
    }
  }
  return answers;
}

absl::StatusOr<KubeRequest> KubeTarget::ApplyRequest(const ActingAs& as, const WantedObject& object,
                                                     bool dry_run, Spoken* spoken) {
  LOCKSTEP_ASSIGN_OR_RETURN(*spoken, Speak(as, object.key, &object.value));
  KubeRequest request = Request(as, *spoken, object.key.name);
  request.method = "PATCH";
  request.content_type = kApplyPatch;
  absl::StrAppend(&request.path, "?fieldManager=", kFieldManager, "&force=true");
  if (dry_run) absl::StrAppend(&request.path, "&dryRun=All");
  request.body = WriteJson(Body(object, spoken->namespace_, as.application), 0);
  return request;
}

std::vector<absl::Status> KubeTarget::Validate(const ActingAs& as,
                                               const std::vector<WantedObject>& stage,
                                               const Cancellation& cancel) {
  std::vector<absl::Status> answers(stage.size());
  std::vector<size_t> asked;
  std::vector<KubeRequest> requests;
  std::vector<KindInfo> kinds;
  for (size_t i = 0; i < stage.size(); ++i) {
    Spoken spoken;
    absl::StatusOr<KubeRequest> request = ApplyRequest(as, stage[i], true, &spoken);
    if (!request.ok()) {
      answers[i] = request.status();
      continue;
    }
    asked.push_back(i);
    requests.push_back(*std::move(request));
    kinds.push_back(std::move(spoken.kind));
  }
  const auto tried =
      requests_.Perform(std::move(requests), [&cancel] { return cancel.cancelled(); });
  for (size_t i = 0; i < tried.size(); ++i) {
    answers[asked[i]] =
        tried[i].ok() ? ToStatus(ReadAnswer(*tried[i], kinds[i].resource)) : tried[i].status();
  }
  return answers;
}

std::vector<absl::StatusOr<Written>> KubeTarget::Apply(const ActingAs& as,
                                                       const std::vector<WantedObject>& objects,
                                                       const Cancellation& cancel) {
  std::vector<absl::StatusOr<Written>> answers(objects.size(), Written());
  std::vector<size_t> asked;
  std::vector<KubeRequest> requests;
  std::vector<Spoken> how;
  std::vector<std::shared_ptr<Reflector>> reflectors;
  for (size_t i = 0; i < objects.size(); ++i) {
    Spoken spoken;
    absl::StatusOr<KubeRequest> request = ApplyRequest(as, objects[i], false, &spoken);
    if (!request.ok()) {
      answers[i] = request.status();
      continue;
    }
    asked.push_back(i);
    requests.push_back(*std::move(request));
    reflectors.push_back(Follow(as, spoken.kind, spoken.namespace_));
    reflectors.back()->BeginWrite(spoken.namespace_, objects[i].key.name);
    how.push_back(std::move(spoken));
  }
  const auto written =
      requests_.Perform(std::move(requests), [&cancel] { return cancel.cancelled(); });
  for (size_t i = 0; i < written.size(); ++i) {
    const ObjectKey& key = objects[asked[i]].key;
    absl::Status status = written[i].ok() ? ToStatus(ReadAnswer(*written[i], how[i].kind.resource))
                                          : written[i].status();
    absl::StatusOr<Value> object = status.ok() ? ReadJson(written[i]->body, "answer") : status;
    reflectors[i]->EndWrite(how[i].namespace_, key.name, object.ok() ? &*object : nullptr);
    if (object.ok()) {
      const LiveObject live = ReadLive(*object);
      answers[asked[i]] = Written{live.uid, MarkText(live.mark)};
      if (ChangesWhatIsServed(key)) discovery_.Expect();
    } else {
      answers[asked[i]] = object.status();
    }
  }
  return answers;
}

absl::Status KubeTarget::MakeNamespace(const ActingAs& as, const std::string& name,
                                       const Cancellation& cancel) {
  const auto ask = [&](KubeRequest request) -> absl::StatusOr<KubeAnswer> {
    request.impersonate = UserOf(as);
    std::vector<KubeRequest> requests;
    requests.push_back(std::move(request));
    const absl::StatusOr<KubeResponse> answer = std::move(
        requests_.Perform(std::move(requests), [&cancel] { return cancel.cancelled(); })[0]);
    if (!answer.ok()) return answer.status();
    return ReadAnswer(*answer, "namespaces");
  };
  // Who may look at it often may not make one.
  LOCKSTEP_ASSIGN_OR_RETURN(const KubeAnswer there, ask({.path = "/api/v1/namespaces/" + name}));
  if (there.outcome == KubeOutcome::kDone) return absl::OkStatus();
  Value metadata = Value::MakeObject();
  metadata.AsObject().Set("name", Value::String(name));
  Value body = Value::MakeObject();
  body.AsObject().Set("apiVersion", Value::String("v1"));
  body.AsObject().Set("kind", Value::String("Namespace"));
  body.AsObject().Set("metadata", std::move(metadata));
  LOCKSTEP_ASSIGN_OR_RETURN(const KubeAnswer made, ask({.method = "POST",
                                                        .path = "/api/v1/namespaces",
                                                        .body = WriteJson(body, 0),
                                                        .content_type = "application/json"}));
  if (made.reason == "AlreadyExists") return absl::OkStatus();
  return Annotate(ToStatus(made), "making the namespace (createNamespace)");
}

bool KubeTarget::IsOwn(const Spoken& spoken, const std::string& name) const {
  if (own_namespace_.empty()) return false;
  return spoken.namespace_ == own_namespace_ ||
         (spoken.kind.group.empty() && spoken.kind.kind == "Namespace" && name == own_namespace_);
}

std::vector<absl::Status> KubeTarget::Delete(const ActingAs& as,
                                             const std::vector<DeleteRequest>& objects,
                                             const Cancellation& cancel) {
  std::vector<absl::Status> answers(objects.size());
  std::vector<size_t> asked;
  std::vector<KubeRequest> requests;
  std::vector<std::shared_ptr<Reflector>> reflectors;
  std::vector<Spoken> how;
  for (size_t i = 0; i < objects.size(); ++i) {
    absl::StatusOr<Spoken> spoken = Speak(as, objects[i].key, nullptr);
    if (!spoken.ok()) {
      answers[i] = spoken.status();
      continue;
    }
    KubeRequest request = Request(as, *spoken, objects[i].key.name);
    request.method = "DELETE";
    request.content_type = "application/json";
    Value options = Value::MakeObject();
    options.AsObject().Set("kind", Value::String("DeleteOptions"));
    options.AsObject().Set("apiVersion", Value::String("v1"));
    options.AsObject().Set("propagationPolicy", Value::String("Background"));
    Value preconditions = Value::MakeObject();
    preconditions.AsObject().Set("uid", Value::String(objects[i].uid));
    if (!objects[i].uid.empty()) options.AsObject().Set("preconditions", std::move(preconditions));
    request.body = WriteJson(options, 0);
    if (IsOwn(*spoken, objects[i].key.name)) {
      request = Request(as, *spoken, objects[i].key.name);  // Only looks.
    }
    asked.push_back(i);
    requests.push_back(std::move(request));
    reflectors.push_back(Follow(as, spoken->kind, spoken->namespace_));
    reflectors.back()->BeginWrite(spoken->namespace_, objects[i].key.name);
    how.push_back(*std::move(spoken));
  }
  const auto deleted =
      requests_.Perform(std::move(requests), [&cancel] { return cancel.cancelled(); });
  for (size_t i = 0; i < deleted.size(); ++i) {
    const std::string& name = objects[asked[i]].key.name;
    absl::Status status = deleted[i].ok() ? ToStatus(ReadAnswer(*deleted[i], how[i].kind.resource))
                                          : deleted[i].status();
    if (status.ok() && IsOwn(how[i], name)) status = RefuseOwn(*deleted[i], objects[asked[i]]);
    if (absl::IsNotFound(status)) status = absl::OkStatus();
    if (status.ok()) {
      reflectors[i]->Forget(how[i].namespace_, name);
    } else {
      reflectors[i]->EndWrite(how[i].namespace_, name, nullptr);
    }
    answers[asked[i]] = std::move(status);
  }
  return answers;
}

}  // namespace lockstep
