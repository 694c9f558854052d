#include "tests/e2e/real_fleet.h"

#include <cstdlib>
#include <set>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>

#include "agent/target/object_path.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/object/json.h"
#include "common/object/object_key.h"
#include "common/object/yaml.h"
#include "tests/testing/process.h"

namespace lockstep {
namespace {

constexpr char kCorpus[] = "../shared/corpus/fleets/infra-deployments";

const std::set<std::string>& ClusterNames() {
  static const auto* const kNames = new std::set<std::string>{
      "kflux-fedora-01", "kflux-lw-p01",   "kflux-ocp-p01",   "kflux-osp-p01",  "kflux-prd-es01",
      "kflux-prd-rh02",  "kflux-prd-rh03", "kflux-rhel-p01",  "kflux-stg-es01", "stone-prd-rh01",
      "stone-prod-p01",  "stone-prod-p02", "stone-stage-p01", "stone-stg-rh01"};
  return *kNames;
}

// Kinds that the fleet uses without a namespace although they are in one.
bool IsNamespaced(const ObjectKey& key) {
  static const auto* const kKinds =
      new std::set<std::string>{"Deployment.apps", "CronJob.batch",
                                "RoleBinding.rbac.authorization.k8s.io", "ServiceAccount."};
  return kKinds->contains(key.kind + "." + key.group);
}

// Kinds in no namespace for which the fleet writes one all the same; Kubernetes takes no notice.
bool IsClusterWide(const ObjectKey& key) {
  static const auto* const kKinds =
      new std::set<std::string>{"ClusterKubeArchiveConfig", "ClusterRoleBinding",
                                "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"};
  return kKinds->contains(key.kind);
}

}  // namespace

bool RealFleet::Available() { return PathExists(absl::StrCat(kCorpus, "/expected.tar.gz")); }

absl::StatusOr<RealFleet> RealFleet::Load() {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string text, ReadFile(absl::StrCat(kCorpus, "/index.json")));
  LOCKSTEP_ASSIGN_OR_RETURN(const Value index, ReadJson(text, "index.json"));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string directory, MakeTemporaryDirectory("lockstep-real-"));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string archive,
                            ReadFile(absl::StrCat(kCorpus, "/expected.tar.gz")));
  const ProgramResult unpacked =
      RunProgram({.arguments = {"tar", "xzf", "-"}, .directory = directory}, archive);
  if (unpacked.exit_code != 0) return absl::InternalError("tar cannot unpack expected.tar.gz");
  RealFleet fleet;
  for (const Object::Member& built : index.Find("built")->AsObject()) {
    const std::string cluster = BaseName(built.key);
    if (!ClusterNames().contains(cluster)) continue;
    std::string name = built.value.AsString();
    if (!absl::EndsWith(name, ".yaml")) name += ".yaml";
    LOCKSTEP_ASSIGN_OR_RETURN(std::string content, ReadFile(directory + "/" + name));
    fleet.folders.push_back({DirName(built.key), cluster, std::move(content)});
  }
  LOCKSTEP_RETURN_IF_ERROR(RemoveTree(directory));
  return fleet;
}

std::vector<std::string> RealFleet::Clusters() const {
  return {ClusterNames().begin(), ClusterNames().end()};
}

std::vector<std::string> RealFleet::Parents() const {
  std::set<std::string> parents;
  for (const Folder& folder : folders) parents.insert(folder.parent);
  return {parents.begin(), parents.end()};
}

std::map<std::string, std::string> RealFleet::Files() const {
  std::map<std::string, std::string> files;
  for (const Folder& folder : folders) files[folder.File()] = folder.content;
  return files;
}

const RealFleet::Folder& RealFleet::At(absl::string_view parent, absl::string_view cluster) const {
  for (const Folder& folder : folders) {
    if (folder.parent == parent && folder.cluster == cluster) return folder;
  }
  std::abort();
}

std::string ApplicationName(absl::string_view parent) {
  return absl::StrReplaceAll(parent, {{"/", "-"}});
}

absl::StatusOr<std::map<std::string, Value>> ExpectedObjects(absl::string_view content,
                                                             absl::string_view file) {
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Value> documents, ReadYaml(content, file));
  std::map<std::string, Value> objects;
  for (Value& document : documents) {
    if (document.IsNull()) continue;
    const std::vector<std::string> version = absl::StrSplit(document.StringAt("apiVersion"), '/');
    Value* const metadata = document.Find("metadata");
    ObjectKey key{version.size() == 2 ? version[0] : "", std::string(document.StringAt("kind")),
                  std::string(metadata->StringAt("namespace")),
                  std::string(metadata->StringAt("name"))};
    if (key.namespace_.empty() && IsNamespaced(key)) {
      key.namespace_ = "default";
      metadata->AsObject().Set("namespace", Value::String("default"));
    }
    if (IsClusterWide(key)) key.namespace_.clear();
    LOCKSTEP_ASSIGN_OR_RETURN(const ObjectPath path, PathOf(key));
    if (!objects.emplace(path.ToString(), std::move(document)).second) {
      return absl::InvalidArgumentError(absl::StrCat(file, " holds ", key.ToString(), " twice"));
    }
  }
  return objects;
}

}  // namespace lockstep
