#include "common/bundle/options.h"

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

TEST(Options, LeavesDefaultsOut) {
  EXPECT_EQ(EncodeOptions({}), "{}");
  EXPECT_EQ(EncodeOptions({.interval = absl::Minutes(1), .prune = false}),
            R"({"intervalNanoseconds":60000000000,"prune":false})");
}

TEST(Options, DecodingGivesBackWhatWasEncoded) {
  const ApplicationOptions all = {.interval = absl::Milliseconds(1500),
                                  .prune = false,
                                  .suspend = true,
                                  .delete_objects_on_release = true,
                                  .default_namespace = "shop",
                                  .service_account = "deployer",
                                  .create_namespace = true};
  for (const ApplicationOptions& options :
       {ApplicationOptions{}, all, ApplicationOptions{.suspend = true},
        ApplicationOptions{.interval = absl::Hours(24 * 365)}}) {
    ASSERT_OK_AND_ASSIGN(const ApplicationOptions back, DecodeOptions(EncodeOptions(options)));
    EXPECT_TRUE(back == options) << EncodeOptions(options);
  }
}

TEST(Options, IgnoresMembersOfANewerVersion) {
  ASSERT_OK_AND_ASSIGN(const ApplicationOptions options,
                       DecodeOptions(R"({"suspend": true, "waves": [1, {"new": null}]})"));
  EXPECT_TRUE(options.suspend);
}

TEST(Options, RefusesWrongTypesAndValues) {
  for (const char* const bytes :
       {"", "[]", "null", R"({"prune": 1})", R"({"suspend": "yes"})",
        R"({"intervalNanoseconds": 1.5})", R"({"intervalNanoseconds": 0})",
        R"({"intervalNanoseconds": -1})", R"({"defaultNamespace": null})",
        R"({"prune": true, "prune": false})", R"({"deleteObjectsOnRelease": {}})",
        R"({"createNamespace": "yes"})", R"({"serviceAccount": 1})"}) {
    EXPECT_THAT(DecodeOptions(bytes),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("options: ")))
        << bytes;
  }
}

TEST(Options, A45AnAccountOfAnotherNamespaceCannotBeNamed) {
  for (const char* const account : {"kube-system:admin", "../admin", "kube-system/admin", "A b"}) {
    EXPECT_THAT(DecodeOptions(absl::StrCat("{\"serviceAccount\": \"", account, "\"}")),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("serviceAccount")))
        << account;
  }
}

}  // namespace
}  // namespace lockstep
