#include "agent/target/object_path.h"

#include <set>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

std::string Path(ObjectKey key) { return PathOf(key)->ToString(); }

TEST(ObjectPath, IsWhatAPersonExpects) {
  EXPECT_EQ(Path({"apps", "Deployment", "shop", "web"}), "shop/Deployment.apps/web.yaml");
  EXPECT_EQ(Path({"", "ConfigMap", "shop", "a.b"}), "shop/ConfigMap/a.b.yaml");
  EXPECT_EQ(Path({"", "Namespace", "", "shop"}), "_cluster/Namespace/shop.yaml");
  EXPECT_EQ(Path({"rbac.authorization.k8s.io", "ClusterRole", "", "system:admin"}),
            "_cluster/ClusterRole.rbac.authorization.k8s.io/system%3Aadmin.yaml");
}

TEST(ObjectPath, A05EveryPartStaysOneHarmlessName) {
  const std::string hostile[] = {"..",     ".",    "../../etc", "/", "a/b", std::string("a\0b", 3),
                                 "a.",     "a\nb", "\xff",      "é", "%2e", "con",
                                 ".hidden"};
  for (const std::string& text : hostile) {
    for (const ObjectKey& key :
         {ObjectKey{text, "Kind", "ns", "n"}, ObjectKey{"g", text, "ns", "n"},
          ObjectKey{"g", "Kind", text, "n"}, ObjectKey{"g", "Kind", "ns", text}}) {
      ASSERT_OK_AND_ASSIGN(const ObjectPath path, PathOf(key));
      for (const std::string& part : {path.namespace_folder, path.kind_folder, path.file}) {
        EXPECT_EQ(part.find_first_of(std::string("/\0\n\xff", 4)), std::string::npos) << part;
        EXPECT_NE(part, "..");
        EXPECT_NE(part[0], '.') << part;
      }
    }
  }
}

TEST(ObjectPath, A05DifferentKeysHaveDifferentPaths) {
  const ObjectKey keys[] = {
      {"", "Kind", "", "n"},   {"", "Kind", "_cluster", "n"}, {"b", "A", "ns", "n"},
      {"", "A.b", "ns", "n"},  {"", "A", "ns", "a/b"},        {"", "A", "ns", "a%2Fb"},
      {"", "A", "ns", ".."},   {"", "A", "ns", "%2E."},       {"", "A", "ns", "n.yaml"},
      {"", "A", "ns", "n"},    {"", "A", "ns", "e\xcc\x81"},  {"", "A", "ns", "\xc3\xa9"},
      {"b.c", "A", "ns", "n"}, {"c", "A.b", "ns", "n"},       {"", "A.b.c", "ns", "n"},
  };
  std::set<std::string> paths;
  for (const ObjectKey& key : keys) EXPECT_TRUE(paths.insert(Path(key)).second) << Path(key);
}

TEST(ObjectPath, A05ANameThatIsTooLongIsAnError) {
  EXPECT_OK(PathOf({"", "A", "ns", std::string(250, 'a')}));
  EXPECT_THAT(PathOf({"", "A", "ns", std::string(251, 'a')}),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("256 bytes")));
  EXPECT_THAT(PathOf({"", "A", "ns", std::string(100, '/')}),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("305 bytes")));
}

}  // namespace
}  // namespace lockstep
