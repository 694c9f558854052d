// Any text with variables, strict and lenient.
#include "common/render/substitute/substitute.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tests/fuzz/check.h"

namespace lockstep::fuzz {
namespace {

// Small enough for thousands of runs.
constexpr SubstituteLimits kLimits = {.output_bytes = 64 << 10, .depth = 32, .steps = 1'000'000};

Substitution Make(Substitution::Unset unset) {
  return *Substitution::Create(
      {{"a", "one two"}, {"empty", ""}, {"path", "/usr/local/lib.so.1"}, {"umlaut", "Größe"}},
      unset, ClusterFacts{.name = "eu-1", .labels = {{"env", "prod"}}}, kLimits);
}

}  // namespace
}  // namespace lockstep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using lockstep::Substitution;
  using lockstep::fuzz::Check;
  static const Substitution strict = lockstep::fuzz::Make(Substitution::Unset::kError);
  static const Substitution lenient = lockstep::fuzz::Make(Substitution::Unset::kEmpty);
  const absl::string_view text = lockstep::fuzz::TextOf(bytes, size);
  const absl::StatusOr<std::string> one = strict.Apply(text);
  const absl::StatusOr<std::string> other = lenient.Apply(text);
  if (one.ok()) {
    Check(one->size() <= lockstep::fuzz::kLimits.output_bytes, "the limit of the output holds");
    Check(other.ok() && *other == *one, "what is right strictly is right leniently");
  }
  if (text.find('$') == absl::string_view::npos &&
      text.size() <= lockstep::fuzz::kLimits.output_bytes)
    Check(one.ok() && *one == text, "text without a dollar stays as it is");
  return 0;
}
