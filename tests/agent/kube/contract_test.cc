#include <memory>
#include <string>
#include <utility>

#include <absl/strings/str_cat.h>

#include "agent/kube/answer.h"
#include "agent/kube/kube_target.h"
#include "common/object/json.h"
#include "tests/kube/api_server.h"
#include "tests/testing/target_contract.h"

namespace lockstep {
namespace {

// The namespace "shop" of the shared API server, empty at first; others write there as "theirs".
class KubePlace : public TargetUnderTest {
 public:
  explicit KubePlace(ApiServer* server)
      : target_(server->Access(), {}, SystemClock()), http_(server->Access(), {}, SystemClock()) {
    server->Kubectl({"apply", "-f", "-"},
                    "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
    Ask({.method = "DELETE", .path = "/api/v1/namespaces/shop/configmaps"});
  }

  Target& target() override { return target_; }
  void WriteForeign(const ObjectKey& key, const Value& value) override {
    ASSERT_EQ(Ask({.method = "PATCH",
                   .path = PathOf(key) + "?fieldManager=theirs&force=true",
                   .body = WriteJson(value, 0),
                   .content_type = "application/apply-patch+yaml"})
                      .code /
                  100,
              2);
  }
  void DeleteForeign(const ObjectKey& key) override {
    ASSERT_EQ(Ask({.method = "DELETE", .path = PathOf(key)}).code, 200);
  }
  std::optional<Value> Read(const ObjectKey& key) override {
    const KubeResponse answer = Ask({.path = PathOf(key)});
    if (answer.code == 404) return std::nullopt;
    Value object = *ReadJson(answer.body, "answer");
    const Value metadata = *object.Find("metadata");
    Value own = Value::MakeObject();
    for (const char* field : {"name", "namespace"})
      own.AsObject().Set(field, *metadata.Find(field));
    object.AsObject().Set("metadata", std::move(own));
    return object;
  }

 private:
  static std::string PathOf(const ObjectKey& key) {
    return absl::StrCat("/api/v1/namespaces/", key.namespace_, "/configmaps/", key.name);
  }
  KubeResponse Ask(KubeRequest request) {
    std::vector<KubeRequest> requests;
    requests.push_back(std::move(request));
    absl::StatusOr<KubeResponse> answer =
        std::move(http_.Perform(std::move(requests), [] { return false; })[0]);
    EXPECT_OK(answer);
    return answer.ok() ? *std::move(answer) : KubeResponse();
  }

  KubeTarget target_;
  KubeHttp http_;
};

TEST(ApiServer, IsThereForTheContract) { LOCKSTEP_API_SERVER(server); }

std::vector<MakeTargetUnderTest> Places() {
  if (!ApiServer::IsInstalled()) return {};
  return {[]() -> std::unique_ptr<TargetUnderTest> {
    std::string failure;
    return std::make_unique<KubePlace>(ApiServer::Shared(&failure));
  }};
}

INSTANTIATE_TEST_SUITE_P(Kubernetes, TargetContract, testing::ValuesIn(Places()));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TargetContract);

}  // namespace
}  // namespace lockstep
