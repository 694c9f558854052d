#include "common/text/names.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

TEST(CheckDnsLabel, A57IsTheOneRuleForNames) {
  for (const std::string& name : {std::string("a"), std::string("eu-3"), std::string("0"),
                                  std::string("a--b"), std::string(63, 'x')}) {
    EXPECT_OK(CheckDnsLabel(name));
  }
  for (const std::string& name :
       {std::string(), std::string(64, 'x'), std::string("Web"), std::string("a.b"),
        std::string("a/b"), std::string("ünï"), std::string("-a"), std::string("a-"),
        std::string("a_b"), std::string("a b"), std::string("a\0b", 3), std::string("a\n"),
        std::string(".."), std::string("%2e")}) {
    EXPECT_THAT(CheckDnsLabel(name), StatusIs(absl::StatusCode::kInvalidArgument, testing::_))
        << name;
  }
}

TEST(CheckDnsLabel, SaysWhatIsWrongWithoutControlCharacters) {
  EXPECT_THAT(CheckDnsLabel("Web"), StatusIs(absl::StatusCode::kInvalidArgument,
                                             "\"Web\" may hold only a-z, 0-9 and '-'"));
  EXPECT_THAT(CheckDnsLabel("a\nb"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a\\nb")));
  EXPECT_THAT(CheckDnsLabel(std::string(64, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("has 64 bytes; a name has at most 63")));
  EXPECT_LT(CheckDnsLabel(std::string(1 << 20, 'x')).message().size(), 300u);
}

TEST(CheckLabelKey, FollowsKubernetes) {
  for (const char* key : {"env", "topology.kubernetes.io/region", "A_b.c-9", "a.b/C"}) {
    EXPECT_OK(CheckLabelKey(key));
  }
  for (const char* key : {"", "/a", "a/", "a/b/c", "-a", "a-", "A.b/c", "a b", "é"}) {
    EXPECT_FALSE(CheckLabelKey(key).ok()) << key;
  }
  EXPECT_OK(CheckLabelKey(std::string(63, 'k')));
  EXPECT_FALSE(CheckLabelKey(std::string(64, 'k')).ok());
}

TEST(CheckLabelValue, MayBeEmptyButHoldsNoSlash) {
  for (const char* value : {"", "prod", "A.b_c-1", "1"}) EXPECT_OK(CheckLabelValue(value));
  for (const char* value : {"a/b", "..", ".", "-a", "a.", "a b", "%2e"}) {
    EXPECT_FALSE(CheckLabelValue(value).ok()) << value;
  }
}

}  // namespace
}  // namespace lockstep
