#include "common/render/resource/pattern.h"

#include <absl/strings/str_cat.h>
#include <re2/re2.h>

// The only file that knows RE2.

namespace lockstep::kustomize {
namespace {

constexpr size_t kPatternBytesMax = 4096;
constexpr int64_t kProgramBytesMax = 4 << 20;

RE2::Options Options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kProgramBytesMax);
  return options;
}

}  // namespace

// A text without special characters is only compared: most patterns are names.
struct Pattern::Impl {
  std::string literal;
  std::unique_ptr<RE2> expression;  // Null for a literal.
  Extent extent;
};

Pattern::Pattern() = default;
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

absl::StatusOr<Pattern> Pattern::Compile(absl::string_view pattern, Extent extent) {
  Pattern made;
  if (pattern.empty()) return made;
  if (pattern.size() > kPatternBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("the regular expression has more than ",
                                                   kPatternBytesMax, " bytes; shorten it"));
  }
  made.impl_ = std::make_unique<Impl>();
  made.impl_->extent = extent;
  if (pattern.find_first_of("\\.+*?()|[]{}^$") == absl::string_view::npos) {
    made.impl_->literal = std::string(pattern);
    return made;
  }
  const std::string whole =
      extent == Extent::kWhole ? absl::StrCat("^(?:", pattern, ")$") : std::string(pattern);
  made.impl_->expression = std::make_unique<RE2>(whole, Options());
  if (!made.impl_->expression->ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", pattern, "\" is no regular expression: ", made.impl_->expression->error()));
  }
  return made;
}

bool Pattern::Matches(absl::string_view text) const {
  if (impl_ == nullptr) return true;
  if (impl_->expression == nullptr) {
    return impl_->extent == Extent::kWhole ? text == impl_->literal
                                           : text.find(impl_->literal) != absl::string_view::npos;
  }
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *impl_->expression);
}

}  // namespace lockstep::kustomize
