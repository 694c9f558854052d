#include "tests/kube/api_server.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "tests/testing/process.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

constexpr char kScripts[] = "tests/kube";

std::string FindPrograms() {
  const char* const given = std::getenv("KUBEBUILDER_ASSETS");
  for (const std::string& folder :
       {std::string(given == nullptr ? "" : given), std::string("build/kube")}) {
    if (folder.empty() || !PathExists(folder + "/kube-apiserver")) continue;
    char* const real = realpath(folder.c_str(), nullptr);
    std::string path = real == nullptr ? folder : real;
    std::free(real);
    return path;
  }
  return "";
}

int RunScript(const std::string& script, const std::string& directory,
              const std::string& programs) {
  ProgramOptions options;
  options.arguments = {"bash", absl::StrCat(kScripts, "/", script), directory};
  options.environment = {{"KUBEBUILDER_ASSETS", programs}};
  options.directory = ".";
  return RunProgram(options).exit_code;
}

}  // namespace

ApiServer* ApiServer::Shared(std::string* why_not) {
  static std::string* const failure = new std::string();
  static const std::unique_ptr<ApiServer> server = []() -> std::unique_ptr<ApiServer> {
    const std::string programs = FindPrograms();
    if (programs.empty()) {
      *failure = "no kube-apiserver: run tests/kube/build.sh build/kube (needs Go 1.26)";
      return nullptr;
    }
    const std::string directory = *MakeTemporaryDirectory("lockstep-kube-");
    std::unique_ptr<ApiServer> started(new ApiServer(programs, directory));
    if (RunScript("start.sh", directory, programs) != 0) {
      *failure = "kube-apiserver does not start";
      ADD_FAILURE() << *failure;
      return nullptr;
    }
    return started;
  }();
  *why_not = *failure;
  return server.get();
}

bool ApiServer::IsInstalled() { return !FindPrograms().empty(); }

ApiServer::ApiServer(std::string programs, std::string directory)
    : programs_(std::move(programs)),
      directory_(std::move(directory)),
      kubeconfig_(directory_ + "/kubeconfig") {}

ApiServer::~ApiServer() {
  RunScript("stop.sh", directory_, programs_);
  RemoveTree(directory_).IgnoreError();
}

KubeAccess ApiServer::Access(absl::string_view context) const {
  absl::StatusOr<KubeAccess> access = LoadKubeconfig(kubeconfig_, context);
  EXPECT_OK(access);
  return access.ok() ? *std::move(access) : KubeAccess();
}

std::string ApiServer::Kubectl(const std::vector<std::string>& arguments,
                               const std::string& input) {
  ProgramOptions options;
  options.arguments = {programs_ + "/kubectl", "--kubeconfig", kubeconfig_, "--cache-dir",
                       directory_ + "/kubectl-cache"};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  const ProgramResult result = RunProgram(options, input);
  EXPECT_EQ(result.exit_code, 0) << "kubectl " << arguments[0];
  return result.output;
}

std::string ApiServer::MakeNamespace() {
  std::string name = absl::StrCat("t", ++namespaces_);
  Kubectl({"apply", "-f", "-"}, absl::StrCat(R"(
{apiVersion: v1, kind: Namespace, metadata: {name: )",
                                             name, R"(}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: deployer, namespace: )",
                                             name, R"(}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: )",
                                             name, R"(}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: deployer, namespace: )",
                                             name, R"(}]
)"));
  return name;
}

}  // namespace lockstep
