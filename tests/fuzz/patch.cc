// "A resource\n@@\na patch": merged, and applied as RFC 6902.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <absl/strings/str_split.h>

#include "common/object/json.h"
#include "common/object/yaml.h"
#include "common/render/patch/json_patch.h"
#include "common/render/patch/merge_schema.h"
#include "common/render/patch/strategic_merge.h"
#include "tests/fuzz/check.h"

namespace lockstep::fuzz {
namespace {

absl::StatusOr<std::vector<Value>> Read(absl::string_view text, bool patch) {
  return ReadYamlWith(
      text, patch ? "patch.yaml" : "base.yaml",
      {.dialect = YamlOptions::Dialect::kGoYaml3, .any_key = patch, .keep_source_text = true});
}

void Merge(absl::string_view base_text, absl::string_view patch_text) {
  const absl::StatusOr<std::vector<Value>> base = Read(base_text, false);
  const absl::StatusOr<std::vector<Value>> patches = Read(patch_text, true);
  if (!base.ok() || !patches.ok()) return;
  const MergeSchema& schema = MergeSchema::BuiltIn();
  for (const Value& resource : *base) {
    if (!resource.IsObject()) continue;
    for (const Value& patch : *patches) {
      if (!patch.IsObject()) continue;
      const std::string before = CanonicalJson(patch);
      Value first = resource;
      Value second = resource;
      const absl::StatusOr<PatchOutcome> one = ApplyStrategicMerge(&first, patch, schema);
      const absl::StatusOr<PatchOutcome> two = ApplyStrategicMerge(&second, patch, schema);
      Check(CanonicalJson(patch) == before, "a patch stays as it is");
      Check(one.ok() == two.ok() && (!one.ok() || *one == *two), "twice is the same");
      if (one.ok() && *one == PatchOutcome::kPatched)
        Check(CanonicalJson(first) == CanonicalJson(second), "twice is the same value");
    }
  }
}

void ApplyOperations(absl::string_view base_text, absl::string_view patch_text) {
  const absl::StatusOr<std::vector<Value>> base = Read(base_text, false);
  const absl::StatusOr<JsonPatch> patch = ParseJsonPatch(patch_text, "patch.yaml");
  if (!base.ok() || !patch.ok()) return;
  for (Value resource : *base) {
    if (ApplyJsonPatch(&resource, *patch).ok()) (void)CanonicalJson(resource);
  }
}

}  // namespace
}  // namespace lockstep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(lockstep::fuzz::TextOf(bytes, size), absl::MaxSplits("\n@@\n", 1));
  lockstep::fuzz::Merge(parts.first, parts.second);
  lockstep::fuzz::ApplyOperations(parts.first, parts.second);
  return 0;
}
