#include <sstream>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/base/file.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Runs without anybody to connect to.
class HealthCommandTest : public testing::Test {
 protected:
  HealthCommandTest() { folder_ = *MakeTemporaryDirectory("health-cli"); }
  ~HealthCommandTest() override { EXPECT_OK(RemoveTree(folder_)); }

  std::string Write(const std::string& path, const std::string& text) {
    const std::string file = absl::StrCat(folder_, "/", path);
    EXPECT_OK(MakeDirectories(DirName(file)));
    EXPECT_OK(WriteFileAtomic(file, text, Durability::kNone));
    return file;
  }

  int Run(const std::string& line) {
    out_.str("");
    talk_.str("");
    std::istringstream in;
    CommandContext context(&in, &out_, &talk_, false, &clock_,
                           [](const GlobalFlags&) -> absl::StatusOr<std::unique_ptr<FleetClient>> {
                             return absl::UnavailableError("nobody is asked");
                           });
    CommandSet commands(&context);
    AddAllCommands(&commands);
    return commands.Run(absl::StrSplit(line, ' '));
  }

  std::string folder_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  std::ostringstream out_;
  std::ostringstream talk_;
};

constexpr char kPod[] = R"(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
status:
  phase: Pending
  containerStatuses: [{name: web, state: {waiting: {reason: ErrImagePull, message: not found}}}]
)";
constexpr char kClaim[] = R"(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
status: {phase: Bound}
)";

TEST_F(HealthCommandTest, PrintsStatusMessageAndRule) {
  EXPECT_EQ(Run("health -f " + Write("pod.yaml", kPod)), kExitDone);
  EXPECT_EQ(out_.str(),
            "STATUS:  Degraded\n"
            "MESSAGE: container \"web\": ErrImagePull: not found\n"
            "RULE:    built-in\n");
}

TEST_F(HealthCommandTest, PrintsARecordForPrograms) {
  EXPECT_EQ(Run("health -o json -f " + Write("pod.yaml", kPod)), kExitDone);
  EXPECT_EQ(out_.str(),
            "{\n"
            "  \"object\": \"Pod shop/web\",\n"
            "  \"status\": \"Degraded\",\n"
            "  \"message\": \"container \\\"web\\\": ErrImagePull: not found\",\n"
            "  \"rule\": \"built-in\"\n"
            "}\n");
  EXPECT_EQ(Run("health -o yaml -f " + Write("pod.yaml", kPod)), kExitDone);
  EXPECT_THAT(out_.str(), HasSubstr("status: Degraded\n"));
  EXPECT_EQ(Run("health -o name -f " + Write("pod.yaml", kPod)), kExitUsage);
}

TEST_F(HealthCommandTest, SeveralObjectsMakeATable) {
  const std::string both = Write("both.yaml", absl::StrCat("---", kPod, "---", kClaim));
  EXPECT_EQ(Run("health -f " + both), kExitDone);
  EXPECT_EQ(
      out_.str(),
      "OBJECT                           STATUS    RULE      MESSAGE\n"
      "Pod shop/web                     Degraded  built-in  container \"web\": ErrImagePull: not "
      "found\n"
      "PersistentVolumeClaim shop/data  Healthy   built-in\n");
  const std::string list =
      Write("list.json",
            R"({"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod"},{}]})");
  EXPECT_EQ(Run("health -o json -f " + list), kExitDone);
  EXPECT_THAT(out_.str(), HasSubstr("\"items\": ["));
}

TEST_F(HealthCommandTest, CheckEndsWithThreeUnlessAllAreHealthy) {
  EXPECT_EQ(Run("health --check -f " + Write("pod.yaml", kPod)), kExitNotConverged);
  EXPECT_EQ(Run("health --check -f " + Write("claim.yaml", kClaim)), kExitDone);
}

TEST_F(HealthCommandTest, RulesComeFromAFolderOrAConfigMap) {
  const std::string pod = Write("pod.yaml", kPod);
  Write("rules/Pod/health.lua", "return {status='Suspended', message='now is ' .. os.time()}");
  EXPECT_EQ(Run(absl::StrCat("health -f ", pod, " --rules ", folder_, "/rules")), kExitDone);
  EXPECT_THAT(out_.str(), StartsWith("STATUS:  Suspended\nMESSAGE: now is 1700000000\nRULE:    "));
  const std::string map =
      Write("cm.yaml",
            "apiVersion: v1\nkind: ConfigMap\ndata:\n"
            "  resource.customizations.health.Pod: return {status='Missing'}\n");
  EXPECT_EQ(Run(absl::StrCat("health -f ", pod, " --rules ", map)), kExitDone);
  EXPECT_THAT(out_.str(), StartsWith("STATUS:  Missing\n"));
}

TEST_F(HealthCommandTest, ARuleThatBreaksFailsWithItsLine) {
  const std::string pod = Write("pod.yaml", kPod);
  Write("rules/Pod/health.lua", "local x\nio.open('/etc/passwd')");
  EXPECT_EQ(Run(absl::StrCat("health -f ", pod, " --rules ", folder_, "/rules")), kExitFailed);
  EXPECT_THAT(out_.str(), HasSubstr("/rules/Pod/health.lua:2: io.open is outside the sandbox"));
  Write("rules/Pod/health.lua", "return {");
  EXPECT_EQ(Run(absl::StrCat("health -f ", pod, " --rules ", folder_, "/rules")), kExitFailed);
  EXPECT_THAT(talk_.str(), HasSubstr("/rules/Pod/health.lua:1: "));
}

TEST_F(HealthCommandTest, WhatIsNoObjectIsSaid) {
  EXPECT_EQ(Run("health"), kExitUsage);
  EXPECT_EQ(Run("health -f " + folder_ + "/none"), kExitFailed);
  EXPECT_EQ(Run("health -f " + Write("a.yaml", "a: [")), kExitFailed);
  EXPECT_EQ(Run("health -f " + Write("b.yaml", "---\n")), kExitFailed);
  EXPECT_THAT(talk_.str(), HasSubstr("there is no object in it"));
  EXPECT_EQ(Run("health -f " + Write("c.yaml", "\nkind: Pod\n")), kExitFailed);
  EXPECT_THAT(talk_.str(), HasSubstr("c.yaml:2: it is no object: apiVersion or kind is missing"));
}

}  // namespace
}  // namespace lockstep
