#include "common/render/substitute/substitute.h"

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using Unset = Substitution::Unset;

Substitution Make(std::map<std::string, std::string> variables, Unset unset = Unset::kError,
                  SubstituteLimits limits = {}) {
  const ClusterFacts cluster = {.name = "eu-1",
                                .labels = {{"region", "eu"}, {"example.com/tier", "gold"}}};
  absl::StatusOr<Substitution> made =
      Substitution::Create(std::move(variables), unset, cluster, limits);
  EXPECT_OK(made);
  return *std::move(made);
}

/// What becomes of `text` where v is "Hello/World.tar.gz", e is empty, or the message.
std::string Expand(absl::string_view text, Unset unset = Unset::kError) {
  const auto result =
      Make({{"v", "Hello/World.tar.gz"}, {"e", ""}, {"n", "2"}, {"w", "world"}}, unset).Apply(text);
  return result.ok() ? *result : std::string(result.status().message());
}

TEST(Substitution, PutsValuesIn) {
  EXPECT_EQ(Expand("a ${v}, ${w}!"), "a Hello/World.tar.gz, world!");
  EXPECT_EQ(Expand("[${e}]"), "[]");
}

TEST(Substitution, ADollarWithoutABraceIsText) {
  EXPECT_EQ(Expand("$v $ {v} $(v) $"), "$v $ {v} $(v) $");
}

TEST(Substitution, TwoDollarsAreOneAndNoExpression) {
  EXPECT_EQ(Expand("$${v} $$ $$$"), "${v} $ $$");
}

TEST(Substitution, AValueIsNotReadAgain) {
  EXPECT_EQ(*Make({{"a", "${b}$$"}, {"b", "x"}}).Apply("${a}"), "${b}$$");
}

TEST(Substitution, TakesDefaultsForWhatIsEmptyOrNotSet) {
  for (const char* op : {":-", ":=", "=", ":?", ":+"}) {
    EXPECT_EQ(Expand(absl::StrCat("${e", op, "x y}")), "x y") << op;
    EXPECT_EQ(Expand(absl::StrCat("${u", op, "x}")), "x") << op;
    EXPECT_EQ(Expand(absl::StrCat("${w", op, "x}")), "world") << op;
  }
  EXPECT_EQ(Expand("${u:-}"), "");
  EXPECT_EQ(Expand("${u:-a${w}b${v:0:1}}"), "aworldbH");
  EXPECT_EQ(Expand("${u:-$$x}"), "$$x");
}

TEST(Substitution, CountsBytes) {
  EXPECT_EQ(Expand("${#w} ${#u}"), "5 0");
  EXPECT_EQ(*Make({{"x", "é"}}).Apply("${#x}"), "2");
}

TEST(Substitution, ChangesCase) {
  EXPECT_EQ(Expand("${w^} ${w^^} ${v,} ${v,,}"),
            "World WORLD hello/World.tar.gz hello/world.tar.gz");
  EXPECT_EQ(*Make({{"x", "éa"}}).Apply("${x^} ${x^^}"), "Éa ÉA");
}

TEST(Substitution, CutsOutParts) {
  EXPECT_EQ(Expand("${w:1} ${w:1:3} ${w:3:9} ${w:9} ${w:9:1}"), "orld orl ld  ");
  EXPECT_EQ(Expand("${w:-2}"), "world");  // A default, as in bash.
  EXPECT_EQ(*Make({{"w", "world"}, {"m", "-2"}}).Apply("${w:${m}}"), "ld");
  EXPECT_EQ(Expand("${w:x}"), "world");
  EXPECT_EQ(Expand("${w:0:${n}}"), "wo");
  EXPECT_EQ(Expand("${w:1:-1}"), "${w:1:-1}: its length -1 is negative");
}

TEST(Substitution, TrimsByPatterns) {
  EXPECT_EQ(Expand("${v#*/} ${v##*.} ${v%.*} ${v%%.*}"),
            "World.tar.gz gz Hello/World.tar Hello/World");
  EXPECT_EQ(Expand("${v#[}"), "Hello/World.tar.gz");
}

TEST(Substitution, Replaces) {
  EXPECT_EQ(Expand("${v/l/L} ${v//l/L} ${v/#Hello/Bye} ${v/%gz/xz} ${v/#x/y} ${v//l/}"),
            "HeLlo/World.tar.gz HeLLo/WorLd.tar.gz Bye/World.tar.gz Hello/World.tar.xz "
            "Hello/World.tar.gz Heo/Word.tar.gz");
  EXPECT_EQ(Expand("${v/\\//-} ${w//o/\\\\}"), "Hello-World.tar.gz w\\rld");
  EXPECT_EQ(Expand("${w//${e}/-}"), "-w-o-r-l-d-");
}

TEST(Substitution, TellsWhatIsNotSet) {
  EXPECT_EQ(Expand("a: ${missing}\n"),
            "${missing}: the variable missing is not set; set it, or write ${missing:=DEFAULT}, or "
            "$${ for the text itself");
  EXPECT_EQ(Expand("a: ${missing}.", Unset::kEmpty), "a: .");
  EXPECT_EQ(Expand("${w:-${missing}}"),
            "${w:-${missing}: the variable missing is not set; set it, or write "
            "${missing:=DEFAULT}, or $${ for the text itself");
}

TEST(Substitution, TellsWhatIsNoExpression) {
  EXPECT_THAT(Expand("${}"), testing::HasSubstr("no variable's name"));
  EXPECT_THAT(Expand("${v"), testing::HasSubstr("closing brace is missing"));
  EXPECT_THAT(Expand("${v-d}"), testing::HasSubstr("write :- or :="));
  EXPECT_THAT(Expand("${v:}"), testing::HasSubstr("is empty"));
  EXPECT_THAT(Expand("${v/a}"), testing::HasSubstr("${v/a}: "));
  EXPECT_THAT(Expand("${u:-a"), testing::HasSubstr("closing brace is missing"));
}

TEST(Substitution, KnowsTheCluster) {
  EXPECT_EQ(Expand("${cluster.name} ${cluster.labels.region} ${cluster.labels.example.com/tier^^}"),
            "eu-1 eu GOLD");
  EXPECT_EQ(Expand("${cluster.labels.none:-x}"), "x");
  EXPECT_THAT(Expand("${cluster.labels.none}"),
              testing::HasSubstr("cluster.labels.none is not set"));
  EXPECT_THAT(Expand("${cluster.nam}"), testing::HasSubstr("did you mean name?"));
  ASSERT_OK_AND_ASSIGN(const Substitution without, Substitution::Create({}, Unset::kError));
  EXPECT_THAT(without.Apply("${cluster.name}"),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("no cluster here")));
}

TEST(Substitution, TakesLineBreaksOutOfValues) {
  EXPECT_EQ(*Make({{"x", "a\nb\n"}}).Apply("${x}"), "ab");
}

TEST(Substitution, RefusesImproperNames) {
  EXPECT_THAT(Substitution::Create({{"1a", ""}}, Unset::kError),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("\"1a\"")));
  EXPECT_THAT(Substitution::Create({{"a-b", ""}}, Unset::kError),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("\"a-b\"")));
}

TEST(Substitution, LimitsOutputDepthAndTime) {
  const std::string large(1'000, 'x');
  std::string text;
  for (int i = 0; i < 20; ++i) text += "${a}";
  EXPECT_EQ(
      Make({{"a", large}}, Unset::kError, {.output_bytes = 10'000}).Apply(text).status().code(),
      absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Make({{"a", large}}, Unset::kError, {.output_bytes = 10'000})
                .Apply("${a//x/${a}}")
                .status()
                .code(),
            absl::StatusCode::kResourceExhausted);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "${a:-";
  EXPECT_EQ(Make({}).Apply(deep).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Make({{"a", std::string(100'000, 'x')}}).Apply("${a##*x*x*y}").status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace lockstep
