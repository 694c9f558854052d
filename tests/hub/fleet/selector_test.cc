#include "hub/fleet/selector.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

const Labels kProd = {{"env", "prod"}, {"region", "eu"}, {"topology.kubernetes.io/zone", "a"}};

TEST(LabelSelector, WithoutRequirementsSelectsAll) {
  EXPECT_TRUE(LabelSelector().Matches(kProd));
  EXPECT_TRUE(LabelSelector().Matches({}));
}

TEST(LabelSelector, NeedsEveryRequirement) {
  const LabelSelector selector{
      .match_labels = {{"env", "prod"}},
      .match_expressions = {{"region", LabelRequirement::Operator::kIn, {"eu", "us"}}}};
  EXPECT_TRUE(selector.Matches(kProd));
  EXPECT_FALSE(selector.Matches({{"env", "prod"}}));
  EXPECT_FALSE(selector.Matches({{"env", "dev"}, {"region", "eu"}}));
}

TEST(ParseLabelSelector, MatchesAsKubectlDoes) {
  const struct {
    const char* text;
    bool want;
  } kRows[] = {
      {"", true},
      {"  ", true},
      {"env=prod", true},
      {"env==prod", true},
      {"env = prod", true},
      {"env=dev", false},
      {"env=", false},
      {"env!=dev", true},
      {"env!=prod", false},
      {"tier!=web", true},  // Holds where the label is absent.
      {"region in (eu, us)", true},
      {"region in (us)", false},
      {"region notin (eu)", false},
      {"tier notin (web,db)", true},
      {"env", true},
      {"!env", false},
      {"!tier", true},
      {"topology.kubernetes.io/zone=a", true},
      {"env=prod,region in (eu,us),!tier", true},
      {"env=prod,tier", false},
      {"in=a", false},
      {"in in (in)", false},
  };
  for (const auto& row : kRows) {
    ASSERT_OK_AND_ASSIGN(const LabelSelector selector, ParseLabelSelector(row.text));
    EXPECT_EQ(selector.Matches(kProd), row.want) << row.text;
  }
}

TEST(ParseLabelSelector, SaysWhatIsWrong) {
  const struct {
    const char* text;
    const char* want;
  } kRows[] = {
      {"env=prod,", "selector \"env=prod,\": a label's key is missing"},
      {"=prod", "selector \"=prod\": a label's key is missing"},
      {"env in eu", "selector \"env in eu\": after in comes a list such as (eu, us)"},
      {"env in (eu", "selector \"env in (eu\": a \")\" is missing"},
      {"env is prod", "selector \"env is prod\": after env comes =, ==, !=, in or notin"},
      {"env=a b", "selector \"env=a b\": unexpected \"b\""},
      {"env>3", "selector \"env>3\": after env comes =, ==, !=, in or notin"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(ParseLabelSelector(row.text),
                StatusIs(absl::StatusCode::kInvalidArgument, row.want));
  }
  for (const char* text : {"-a=b", "env=-b", "a/b/c", "!", "env=é"}) {
    EXPECT_FALSE(ParseLabelSelector(text).ok()) << text;
  }
}

}  // namespace
}  // namespace lockstep
