#include "common/render/resource/selector.h"

#include <gtest/gtest.h>

#include "common/object/yaml.h"
#include "tests/testing/status.h"

namespace lockstep::kustomize {
namespace {

bool Selects(absl::string_view selector, absl::string_view labels) {
  const absl::StatusOr<LabelSelector> parsed = LabelSelector::Parse(selector);
  EXPECT_OK(parsed) << selector;
  const std::vector<Value> documents = ReadYaml(labels, "x.yaml").value();
  const Value& map = documents.front();
  return parsed->Matches(&map);
}

TEST(LabelSelector, UnderstandsAllOperators) {
  EXPECT_TRUE(Selects("a=1,b!=2, c in (u, v), d notin (z),e,!f", "{a: '1', c: v, e: ''}"));
  EXPECT_TRUE(Selects("a==1", "{a: '1'}"));
  EXPECT_FALSE(Selects("a in (1,2)", "{a: '3'}"));
  EXPECT_FALSE(Selects("!a", "{a: ''}"));
  EXPECT_TRUE(Selects("g>4,g<6", "{g: '5'}"));
  EXPECT_FALSE(Selects("g>5", "{g: '5'}"));
  EXPECT_TRUE(Selects("", "{}"));
}

TEST(LabelSelector, SaysWhatIsWrong) {
  for (const char* text : {"a in", "a in (b", "=b", "a,,b", "a b c", "a > x", "a=b=c"}) {
    EXPECT_FALSE(LabelSelector::Parse(text).ok()) << text;
  }
}

TEST(Selector, MatchesTheOriginalOrTheCurrentName) {
  Resource resource(
      ReadYaml("{apiVersion: v1, kind: Service, metadata: {name: web}}", "x.yaml").value().front());
  resource.RememberId();
  SetName("x-web", &resource.value);
  for (const char* name : {"web", "x-web", ".*web", "w.b", ""}) {
    EXPECT_TRUE(Selector::Compile({.name = name})->Matches(resource)) << name;
  }
  for (const char* name : {"we", "eb", "w"}) {
    EXPECT_FALSE(Selector::Compile({.name = name})->Matches(resource)) << name;
  }
  EXPECT_TRUE(Selector::Compile({.kind = "Serv.*", .space = "default"})->Matches(resource));
  EXPECT_FALSE(Selector::Compile({.group = "apps"})->Matches(resource));
  EXPECT_FALSE(Selector::Compile({.name = "("}).ok());
}

}  // namespace
}  // namespace lockstep::kustomize
