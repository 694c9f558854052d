// Reads what sigs.k8s.io/yaml reads, as sigs.k8s.io/yaml reads it: see
// ../shared/corpus/yaml/README.md.

#include <cstddef>
#include <map>
#include <string>

#include <absl/strings/escaping.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "common/object/json.h"
#include "common/object/yaml.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

constexpr char kCorpus[] = "../shared/corpus/yaml/kubernetes-yaml.jsonl";

// Row → why Lockstep refuses on purpose what the other reader takes.
const std::map<size_t, std::string>& Refused() {
  static const auto* const rows = new std::map<size_t, std::string>{
      {233, "the bytes are no UTF-8; Go writes U+FFFD for them"},
      {909, "libyaml refuses \"a:\" as an item of a flow list"},
      {934, "a mapping as key; Go stops after it and loses the value"},
      {937, "a list as key; Go stops after it and loses the value"},
      {997, "the bytes are no UTF-8; Go writes U+FFFD for them"},
      {998, "the bytes are no UTF-8; Go writes U+FFFD for them"},
      {999, "the bytes are no UTF-8; Go writes U+FFFD for them"},
      {1258, "duplicate key"},
      {1259, "duplicate key"},
      {1284, "duplicate key"},
      {1286, "what follows \"...\" without \"---\" is lost by Go"},
      {1295, "duplicate key, by an alias"},
      {1318, "duplicate key"},
      {1323, "duplicate key: yes and true"},
      {1345, "duplicate key"},
      {1349, "duplicate key: 1 and \"1\""},
  };
  return *rows;
}

// Row → why Lockstep takes on purpose what the other reader refuses.
const std::map<size_t, std::string>& Accepted() {
  static const std::string* const slash =
      new std::string("\\/ is JSON's escape; kubectl takes it where a file is JSON");
  static const auto* const rows = new std::map<size_t, std::string>{
      {256, *slash}, {1066, *slash}, {1067, *slash}, {1068, *slash}, {1305, *slash}};
  return *rows;
}

TEST(YamlCorpus, A31ReadsEveryRowAsKubernetesDoes) {
  if (!PathExists(kCorpus)) GTEST_SKIP() << kCorpus << " is not here";
  ASSERT_OK_AND_ASSIGN(const std::string lines, ReadFile(kCorpus));
  size_t row = 0;
  size_t refused = 0;
  size_t accepted = 0;
  for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    ++row;
    ASSERT_OK_AND_ASSIGN(const Value record, ReadJson(line, kCorpus));
    std::string yaml;
    ASSERT_TRUE(absl::Base64Unescape(record.StringAt("yaml_base64"), &yaml));
    SCOPED_TRACE(absl::StrCat("row ", row, ": ", absl::CEscape(yaml)));
    const absl::StatusOr<std::vector<Value>> documents = ReadYaml(yaml, "x.yaml");
    if (record.Find("json")->IsNull()) {
      accepted += Accepted().count(row);
      EXPECT_EQ(documents.ok(), Accepted().count(row) == 1);
      continue;
    }
    if (Refused().count(row) == 1) {
      ++refused;
      EXPECT_FALSE(documents.ok()) << "read, although: " << Refused().at(row);
      continue;
    }
    EXPECT_OK(documents);
    if (!documents.ok()) continue;
    ASSERT_OK_AND_ASSIGN(const Value wanted, ReadJson(record.StringAt("json"), "wanted"));
    const Value& first = documents->empty() ? Value::Null() : documents->front();
    EXPECT_EQ(CanonicalJson(first), CanonicalJson(wanted));
    EXPECT_TRUE(first == wanted);
  }
  EXPECT_EQ(row, 1356U);
  EXPECT_EQ(refused, Refused().size());
  EXPECT_EQ(accepted, Accepted().size());
}

}  // namespace
}  // namespace lockstep
