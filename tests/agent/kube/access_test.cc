#include "agent/kube/access.h"

#include <string>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::HasSubstr;

class Directory {
 public:
  ~Directory() { EXPECT_OK(RemoveTree(path_)); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_ = *MakeTemporaryDirectory("lockstep-access-test");
};

class Kubeconfig : public testing::Test {
 protected:
  absl::StatusOr<KubeAccess> Load(absl::string_view user, absl::string_view cluster,
                                  absl::string_view context = "") {
    const std::string text = absl::StrCat(R"(apiVersion: v1
kind: Config
current-context: main
clusters:
- name: c
  cluster: )",
                                          cluster, R"(
users:
- name: u
  user: )",
                                          user, R"(
contexts:
- {name: main, context: {cluster: c, user: u, namespace: shop}}
- {name: lost, context: {cluster: nowhere, user: u}}
)");
    EXPECT_OK(WriteFileAtomic(path(), text, Durability::kNone));
    return LoadKubeconfig(path(), context);
  }
  std::string path() const { return directory_.path() + "/kubeconfig"; }

  Directory directory_;
};

constexpr char kServer[] = "{server: 'https://10.0.0.1:6443/', certificate-authority-data: Y2E=}";

TEST_F(Kubeconfig, GivesServerAuthorityAndToken) {
  ASSERT_OK_AND_ASSIGN(const KubeAccess access, Load("{token: secret}", kServer));
  EXPECT_EQ(access.server, "https://10.0.0.1:6443");
  EXPECT_EQ(access.ca_pem, "ca");
  EXPECT_EQ(access.token, "secret");
  EXPECT_EQ(access.namespace_, "shop");
  EXPECT_FALSE(access.in_pod);
}

TEST_F(Kubeconfig, ReadsFilesBesideItself) {
  ASSERT_OK(WriteFileAtomic(directory_.path() + "/crt", "certificate", Durability::kNone));
  ASSERT_OK(WriteFileAtomic(directory_.path() + "/key", "the key", Durability::kNone));
  ASSERT_OK_AND_ASSIGN(
      const KubeAccess access,
      Load("{client-certificate: crt, client-key: key, tokenFile: token}", kServer));
  EXPECT_EQ(access.client_certificate_pem, "certificate");
  EXPECT_EQ(access.client_key_pem, "the key");
  EXPECT_EQ(access.token_file, directory_.path() + "/token");
}

TEST_F(Kubeconfig, A39RunsNoProgramForCredentials) {
  for (const char* user : {"{exec: {command: /bin/sh}}", "{auth-provider: {name: gcp}}"}) {
    EXPECT_THAT(Load(user, kServer), StatusIs(absl::StatusCode::kInvalidArgument,
                                              HasSubstr("runs no programs for credentials")))
        << user;
  }
}

TEST_F(Kubeconfig, IsRefusedWithFileAndLine) {
  const struct {
    const char* user;
    const char* cluster;
    const char* context;
    const char* message;
  } rows[] = {
      {"{token: t}", "{server: 'http://10.0.0.1'}", "", "is not https"},
      {"{token: t}", "{server: 'https://h', insecure-skip-tls-verify: true}", "",
       "insecure-skip-tls-verify is refused"},
      {"{token: t}", "{server: 'https://h', proxy-url: 'http://p'}", "", "proxy-url"},
      {"{username: a, password: b}", kServer, "", "username is refused"},
      {"{as: root}", kServer, "", "as is refused"},
      {"{token: t}", kServer, "nope", "contexts has none that is called \"nope\""},
      {"{token: t}", kServer, "lost", "clusters has none that is called \"nowhere\""},
      {"{client-certificate-data: Y2E=}", kServer, "", "needs its key"},
      {"{client-key-data: '***'}", kServer, "", "client-key-data is not base64"},
      {"{client-certificate: nofile, client-key: nofile}", kServer, "", "client-certificate:"},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(
        Load(row.user, row.cluster, row.context),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 testing::AllOf(HasSubstr(absl::StrCat(path(), ":")), HasSubstr(row.message))))
        << row.user << row.cluster;
  }
  EXPECT_THAT(LoadKubeconfig(directory_.path() + "/nope", ""),
              StatusIs(absl::StatusCode::kNotFound, testing::_));
}

TEST(Pod, GivesWhatKubernetesMounts) {
  Directory directory;
  ASSERT_OK(WriteFileAtomic(directory.path() + "/ca.crt", "ca", Durability::kNone));
  EXPECT_THAT(AccessFromPod(directory.path(), "10.0.0.1", "443"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("--kubeconfig")));
  ASSERT_OK(WriteFileAtomic(directory.path() + "/token", "t", Durability::kNone));
  ASSERT_OK(WriteFileAtomic(directory.path() + "/namespace", "lockstep", Durability::kNone));
  ASSERT_OK_AND_ASSIGN(const KubeAccess access, AccessFromPod(directory.path(), "fd00::1", "443"));
  EXPECT_EQ(access.server, "https://[fd00::1]:443");
  EXPECT_EQ(access.token_file, directory.path() + "/token");
  EXPECT_EQ(access.ca_pem, "ca");
  EXPECT_EQ(access.namespace_, "lockstep");
  EXPECT_TRUE(access.in_pod);
}

}  // namespace
}  // namespace lockstep
