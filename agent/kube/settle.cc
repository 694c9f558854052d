#include "agent/kube/settle.h"

#include <absl/strings/str_cat.h>

namespace lockstep {

std::pair<absl::string_view, absl::string_view> SplitName(absl::string_view name) {
  const size_t slash = name.find('/');
  if (slash == absl::string_view::npos) return {"", name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

std::string SettledNamespace(const KindInfo& kind, const std::string& given,
                             absl::string_view default_namespace) {
  if (!kind.namespaced) return "";
  return given.empty() ? std::string(default_namespace) : given;
}

std::string UserOf(const ActingAs& as) {
  if (as.account.empty()) return "";
  return absl::StrCat("system:serviceaccount:", SplitName(as.application).first, ":", as.account);
}

}  // namespace lockstep
