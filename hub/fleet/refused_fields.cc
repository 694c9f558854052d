#include "hub/fleet/refused_fields.h"

#include <algorithm>
#include <iterator>

#include <absl/strings/match.h>
#include <absl/strings/strip.h>

#include "hub/fleet/resource.h"

namespace lockstep {
namespace {

constexpr absl::string_view kWithKubernetes =
    "comes with a later part of the Kubernetes target; leave it out";
constexpr absl::string_view kWithKustomize =
    "comes with Kustomize, which is not built yet; leave it out";
constexpr absl::string_view kFluxOnly = "is a field of Flux that is not built here; leave it out";

struct Refusal {
  absl::string_view message;
  absl::string_view field;
  absl::string_view why;
};

constexpr absl::string_view kApplication = "lockstep.v1.ApplicationSpec";
constexpr absl::string_view kRepository = "lockstep.v1.GitRepositorySpec";
constexpr absl::string_view kSecret = "lockstep.v1.Secret";

constexpr Refusal kRefusals[] = {
    {kApplication, "retryInterval", kWithKubernetes},
    {kApplication, "timeout", kWithKubernetes},
    {kApplication, "wait", kWithKubernetes},
    {kApplication, "force", kWithKubernetes},
    {kApplication, "conflict", kWithKubernetes},
    {kApplication, "drift", kWithKubernetes},
    {kApplication, "ignoreDifferences", kWithKubernetes},
    {kApplication, "dependsOn", kWithKubernetes},
    {kApplication, "targetNamespace",
     "comes with Kustomize, which is not built yet; defaultNamespace is for objects that name "
     "none"},
    {kApplication, "patches", kWithKustomize},
    {kApplication, "images", kWithKustomize},
    {kApplication, "components", kWithKustomize},
    {kApplication, "ignoreMissingComponents", kWithKustomize},
    {kApplication, "commonMetadata", kWithKustomize},
    {kApplication, "postBuild", kWithKustomize},
    {kApplication, "namePrefix", kWithKustomize},
    {kApplication, "nameSuffix", kWithKustomize},
    {kApplication, "buildMetadata", kWithKustomize},
    {kApplication, "healthChecks", kWithKubernetes},
    {kApplication, "healthCheckExprs", kWithKubernetes},
    {kApplication, "decryption", kFluxOnly},
    {kApplication, "kubeConfig", "is Flux's; each cluster has an agent here: use placement"},
    {kApplication, "ignore", "is Flux's; it comes with the Kubernetes target as ignoreDifferences"},
    {kRepository, "verify", "verification of signatures is not built yet; leave it out"},
    {kRepository, "include", kFluxOnly},
    {kRepository, "sparseCheckout", kFluxOnly},
    {kRepository, "recurseSubmodules", kFluxOnly},
    {kRepository, "provider", kFluxOnly},
    {kRepository, "proxySecretRef", kFluxOnly},
    {kRepository, "serviceAccountName", kFluxOnly},
    {kRepository, "gitImplementation", kFluxOnly},
    {kRepository, "accessFrom", kFluxOnly},
    {kSecret, "type", "is of Kubernetes' Secrets; this one is the hub's own: leave it out"},
    {kSecret, "immutable", "is of Kubernetes' Secrets; this one is the hub's own: leave it out"},
};

constexpr absl::string_view kHubSetMetadata[] = {
    "uid",           "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
    "managedFields", "selfLink",
};

constexpr absl::string_view kKindsLater[] = {
    "ClusterGroup", "RolloutPlan",           "Freeze",   "Project", "ImageRepository",
    "ImagePolicy",  "ImageUpdateAutomation", "Provider", "Alert",   "Receiver",
};

}  // namespace

absl::string_view WhyRefused(absl::string_view message, absl::string_view field) {
  for (const Refusal& refusal : kRefusals) {
    if (refusal.message == message && refusal.field == field) return refusal.why;
  }
  return "";
}

bool IsSetByHub(absl::string_view message, absl::string_view field) {
  if (message == "lockstep.v1.ObjectMeta") {
    return std::find(std::begin(kHubSetMetadata), std::end(kHubSetMetadata), field) !=
           std::end(kHubSetMetadata);
  }
  return field == "status" && absl::ConsumePrefix(&message, "lockstep.v1.") &&
         KindFromName(message).has_value();
}

absl::string_view WhyKindRefused(absl::string_view api_version, absl::string_view kind) {
  if (absl::StrContains(api_version, ".toolkit.fluxcd.io/")) {
    return "Flux's own manifests are taken with Kustomize, which is not built yet; write a "
           "GitRepository and an Application of lockstep.dev/v1";
  }
  if (api_version != "lockstep.dev/v1") return "";
  const bool later =
      std::find(std::begin(kKindsLater), std::end(kKindsLater), kind) != std::end(kKindsLater);
  return later ? "this kind is not built yet" : "";
}

}  // namespace lockstep
