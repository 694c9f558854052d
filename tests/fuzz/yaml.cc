// Any bytes, read as YAML in both dialects: what is read can be written and read back.
#include "common/object/yaml.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/object/json.h"
#include "common/object/yaml_writer.h"
#include "tests/fuzz/check.h"

namespace lockstep::fuzz {
namespace {

void ReadAndWrite(absl::string_view text) {
  const absl::StatusOr<std::vector<Value>> read = ReadYaml(text, "fuzz.yaml");
  if (!read.ok()) {
    Check(!read.status().message().empty(), "an error says why");
    return;
  }
  for (const Value& value : *read) {
    const std::string json = CanonicalJson(value);
    const absl::StatusOr<Value> back = ReadJson(json, "fuzz.json");
    // A text may be longer as JSON, past that reader's limit.
    if (!absl::IsResourceExhausted(back.status()))
      Check(back.ok() && *back == value, "ReadJson(CanonicalJson(v)) == v");
    const absl::StatusOr<std::vector<Value>> again = ReadYaml(WriteYaml(value), "again.yaml");
    if (!absl::IsResourceExhausted(again.status())) {
      Check(again.ok() && again->size() == 1, "what WriteYaml writes is one document");
      Check((*again)[0] == value, "ReadYaml(WriteYaml(v)) == v");
    }
  }
}

}  // namespace
}  // namespace lockstep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const absl::string_view text = lockstep::fuzz::TextOf(bytes, size);
  lockstep::fuzz::ReadAndWrite(text);
  for (const bool any_key : {false, true}) {
    (void)lockstep::ReadYamlWith(text, "fuzz.yaml",
                                 {.dialect = lockstep::YamlOptions::Dialect::kGoYaml3,
                                  .any_key = any_key,
                                  .last_key_wins = any_key,
                                  .keep_source_text = true});
  }
  return 0;
}
