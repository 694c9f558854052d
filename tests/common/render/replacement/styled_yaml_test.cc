#include "common/render/replacement/styled_yaml.h"

#include <gtest/gtest.h>

#include "common/render/replacement/scalar_text.h"
#include "tests/testing/status.h"

namespace lockstep::kustomize {
namespace {

std::string Rewrite(absl::string_view text) {
  const absl::StatusOr<Value> value = ReadText(text);
  EXPECT_OK(value);
  return value.ok() ? WriteStyledYaml(*value, text) : "";
}

TEST(StyledYaml, LeavesWhatGoYamlLeaves) {
  const absl::string_view text =
      "# head\n"
      "global:\n"
      "  # of the interval\n"
      "  interval: 15s # behind\n"
      "  quoted: \"a\\tb\"\n"
      "  single: 'it''s'\n"
      "  \"key\": 1.10\n"
      "  empty: {}\n"
      "  flow: [\"a:1\", b, {c: d}]\n"
      "  block: |\n"
      "    line one\n"
      "      line two\n"
      "list:\n"
      "- name: x\n"
      "  items:\n"
      "  - 1\n"
      "  - - 2\n"
      "    - 3\n"
      "- y\n";
  EXPECT_EQ(Rewrite(text), text);
}

TEST(StyledYaml, EvensOutTheIndentation) {
  EXPECT_EQ(Rewrite("a:\n    b:\n        - c: 1\n          d: [ 1,2 ]\n\n        - e\n"),
            "a:\n  b:\n  - c: 1\n    d: [1, 2]\n  - e\n");
}

TEST(StyledYaml, WritesAScalarAlone) { EXPECT_EQ(Rewrite("a b"), "a b\n"); }

}  // namespace
}  // namespace lockstep::kustomize
