#include "common/render/scope.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_split.h>

namespace lockstep {
namespace {

struct Kinds {
  absl::string_view group;
  absl::string_view namespaced;
  absl::string_view cluster;
};

// Released groups of Kubernetes, those of old versions included. Source: its API reference.
constexpr Kinds kBuiltIn[] = {
    {"",
     "Binding ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate "
     "ReplicationController ResourceQuota Secret Service ServiceAccount",
     "ComponentStatus Namespace Node PersistentVolume"},
    {"admissionregistration.k8s.io", "",
     "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration "
     "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"},
    {"apiextensions.k8s.io", "", "CustomResourceDefinition"},
    {"apiregistration.k8s.io", "", "APIService"},
    {"apps", "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet", ""},
    {"authentication.k8s.io", "TokenRequest", "SelfSubjectReview TokenReview"},
    {"authorization.k8s.io", "LocalSubjectAccessReview",
     "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview"},
    {"autoscaling", "HorizontalPodAutoscaler", ""},
    {"batch", "CronJob Job", ""},
    {"certificates.k8s.io", "PodCertificateRequest",
     "CertificateSigningRequest ClusterTrustBundle"},
    {"coordination.k8s.io", "Lease LeaseCandidate", ""},
    {"discovery.k8s.io", "EndpointSlice", ""},
    {"events.k8s.io", "Event", ""},
    {"extensions", "DaemonSet Deployment Ingress NetworkPolicy ReplicaSet", "PodSecurityPolicy"},
    {"flowcontrol.apiserver.k8s.io", "", "FlowSchema PriorityLevelConfiguration"},
    {"internal.apiserver.k8s.io", "", "StorageVersion"},
    {"networking.k8s.io", "Ingress NetworkPolicy", "IPAddress IngressClass ServiceCIDR"},
    {"node.k8s.io", "", "RuntimeClass"},
    {"policy", "Eviction PodDisruptionBudget", "PodSecurityPolicy"},
    {"rbac.authorization.k8s.io", "Role RoleBinding", "ClusterRole ClusterRoleBinding"},
    {"resource.k8s.io", "PodSchedulingContext ResourceClaim ResourceClaimTemplate",
     "DeviceClass DeviceTaintRule ResourceClass ResourceSlice"},
    {"scheduling.k8s.io", "", "PriorityClass"},
    {"storage.k8s.io", "CSIStorageCapacity",
     "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass"},
    {"storagemigration.k8s.io", "", "StorageVersionMigration"},
};

using Table =
    absl::flat_hash_map<std::pair<absl::string_view, absl::string_view>, Scope>;  // Group, kind.

Table MakeTable() {
  Table table;
  for (const Kinds& kinds : kBuiltIn) {
    for (const absl::string_view kind : absl::StrSplit(kinds.namespaced, ' ', absl::SkipEmpty())) {
      table[{kinds.group, kind}] = Scope::kNamespaced;
    }
    for (const absl::string_view kind : absl::StrSplit(kinds.cluster, ' ', absl::SkipEmpty())) {
      table[{kinds.group, kind}] = Scope::kCluster;
    }
  }
  return table;
}

}  // namespace

Scope BuiltInScope(absl::string_view group, absl::string_view kind) {
  static const Table& table = *new Table(MakeTable());
  const auto found = table.find({group, kind});
  return found == table.end() ? Scope::kUnknown : found->second;
}

void DefinedScopes::Define(absl::string_view group, absl::string_view kind, Scope scope) {
  by_kind_[{std::string(group), std::string(kind)}] = scope;
}

Scope DefinedScopes::Of(absl::string_view group, absl::string_view kind) const {
  if (const Scope scope = BuiltInScope(group, kind); scope != Scope::kUnknown) return scope;
  if (by_kind_.empty()) return Scope::kUnknown;
  const auto found = by_kind_.find({std::string(group), std::string(kind)});
  return found == by_kind_.end() ? Scope::kUnknown : found->second;
}

}  // namespace lockstep
