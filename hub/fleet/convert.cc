#include "hub/fleet/convert.h"

#include <utility>

#include <absl/strings/str_cat.h>

#include "hub/fleet/checks.h"

namespace lockstep {
namespace {

using Errors = std::vector<FieldError>;

template <typename Ours, typename Message>
absl::StatusOr<Ours> Checked(const Message& message) {
  Errors errors;
  Ours resource = FromProto(message, errors);
  if (errors.empty()) return resource;
  std::string text;
  for (const FieldError& error : errors) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", error.ToString());
  }
  return absl::InvalidArgumentError(text);
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* message) {
  absl::Duration rest;
  message->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  message->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

void SetTime(absl::Time time, google::protobuf::Timestamp* message) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  message->set_seconds(seconds);
  message->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

absl::string_view OperatorName(LabelRequirement::Operator op) {
  switch (op) {
    case LabelRequirement::Operator::kIn:
      return "In";
    case LabelRequirement::Operator::kNotIn:
      return "NotIn";
    case LabelRequirement::Operator::kExists:
      return "Exists";
    case LabelRequirement::Operator::kDoesNotExist:
      return "DoesNotExist";
  }
  return "";
}

void SetPlacement(const Placement& placement, v1::Placement* message) {
  for (const std::string& name : placement.clusters) message->add_clusters(name);
  if (!placement.selector.has_value()) return;
  v1::LabelSelector& selector = *message->mutable_selector();
  for (const auto& [key, value] : placement.selector->match_labels) {
    (*selector.mutable_match_labels())[key] = value;
  }
  for (const LabelRequirement& requirement : placement.selector->match_expressions) {
    v1::LabelSelectorRequirement& expression = *selector.add_match_expressions();
    expression.set_key(requirement.key);
    expression.set_operator_(std::string(OperatorName(requirement.op)));
    for (const std::string& value : requirement.values) expression.add_values(value);
  }
}

}  // namespace

GitRepository FromProto(const v1::GitRepository& message, Errors& errors) {
  Meta meta = ReadMeta(message.metadata(), ResourceKind::kGitRepository, errors);
  return {std::move(meta), ReadSpec(message.spec(), errors)};
}

Application FromProto(const v1::Application& message, Errors& errors) {
  Meta meta = ReadMeta(message.metadata(), ResourceKind::kApplication, errors);
  ApplicationSpec spec = ReadSpec(message.spec(), meta, errors);
  return {std::move(meta), std::move(spec)};
}

Cluster FromProto(const v1::Cluster& message, Errors& errors) {
  return {ReadMeta(message.metadata(), ResourceKind::kCluster, errors),
          {.suspend = message.spec().suspend()}};
}

Secret FromProto(const v1::Secret& message, Errors& errors) {
  Meta meta = ReadMeta(message.metadata(), ResourceKind::kSecret, errors);
  return {std::move(meta), ReadSecret(message, errors)};
}

absl::StatusOr<GitRepository> FromProto(const v1::GitRepository& message) {
  return Checked<GitRepository>(message);
}
absl::StatusOr<Application> FromProto(const v1::Application& message) {
  return Checked<Application>(message);
}
absl::StatusOr<Cluster> FromProto(const v1::Cluster& message) { return Checked<Cluster>(message); }
absl::StatusOr<Secret> FromProto(const v1::Secret& message) { return Checked<Secret>(message); }

v1::ObjectMeta ToProto(const Meta& meta) {
  v1::ObjectMeta message;
  message.set_name(meta.name);
  message.set_namespace_(meta.namespace_);
  for (const auto& [key, value] : meta.labels) (*message.mutable_labels())[key] = value;
  for (const auto& [key, value] : meta.annotations) (*message.mutable_annotations())[key] = value;
  message.set_uid(meta.uid);
  message.set_generation(meta.generation);
  if (meta.creation_time != absl::InfinitePast()) {
    SetTime(meta.creation_time, message.mutable_creation_timestamp());
  }
  if (meta.deletion_time != absl::InfinitePast()) {
    SetTime(meta.deletion_time, message.mutable_deletion_timestamp());
  }
  return message;
}

v1::GitRepository ToProto(const GitRepository& resource) {
  v1::GitRepository message;
  *message.mutable_metadata() = ToProto(resource.meta);
  v1::GitRepositorySpec& spec = *message.mutable_spec();
  spec.set_url(resource.spec.url);
  if (const GitRef& ref = resource.spec.ref; ref != GitRef()) {
    spec.mutable_ref()->set_branch(ref.branch);
    spec.mutable_ref()->set_tag(ref.tag);
    spec.mutable_ref()->set_semver(ref.semver);
    spec.mutable_ref()->set_name(ref.name);
    spec.mutable_ref()->set_commit(ref.commit);
  }
  SetDuration(resource.spec.interval, spec.mutable_interval());
  SetDuration(resource.spec.timeout, spec.mutable_timeout());
  if (!resource.spec.secret.empty()) spec.mutable_secret_ref()->set_name(resource.spec.secret);
  if (resource.spec.ignore.has_value()) spec.set_ignore(*resource.spec.ignore);
  spec.set_suspend(resource.spec.suspend);
  return message;
}

v1::Application ToProto(const Application& resource) {
  v1::Application message;
  *message.mutable_metadata() = ToProto(resource.meta);
  v1::ApplicationSpec& spec = *message.mutable_spec();
  spec.mutable_source_ref()->set_kind("GitRepository");
  spec.mutable_source_ref()->set_name(resource.spec.source.name);
  spec.mutable_source_ref()->set_namespace_(resource.spec.source.namespace_);
  spec.set_path(resource.spec.path.text());
  spec.set_missing_path(resource.spec.missing_path == MissingPath::kSkip ? "skip" : "error");
  SetPlacement(resource.spec.placement, spec.mutable_placement());
  spec.set_default_namespace(resource.spec.default_namespace);
  SetDuration(resource.spec.interval, spec.mutable_interval());
  spec.set_prune(resource.spec.prune);
  spec.set_deletion_policy(resource.spec.deletion_policy == DeletionPolicy::kDelete ? "Delete"
                                                                                    : "Orphan");
  spec.set_suspend(resource.spec.suspend);
  spec.set_service_account_name(resource.spec.service_account);
  spec.set_create_namespace(resource.spec.create_namespace);
  return message;
}

v1::Cluster ToProto(const Cluster& resource) {
  v1::Cluster message;
  *message.mutable_metadata() = ToProto(resource.meta);
  message.mutable_spec()->set_suspend(resource.spec.suspend);
  return message;
}

v1::Secret ToProto(const Secret& resource) {
  v1::Secret message;
  *message.mutable_metadata() = ToProto(resource.meta);
  for (const auto& [key, value] : resource.data.values) {
    v1::SecretKeyInfo& info = *message.mutable_status()->add_keys();
    info.set_name(key);
    info.set_bytes(static_cast<int32_t>(value.size()));
  }
  return message;
}

}  // namespace lockstep
