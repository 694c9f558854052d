#include "common/credentials/identity.h"

#include <algorithm>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr absl::string_view kHubUri = "spiffe://lockstep/hub";
constexpr absl::string_view kClusterPrefix = "spiffe://lockstep/cluster/";
constexpr absl::string_view kUserPrefix = "spiffe://lockstep/user/";
constexpr size_t kNameMax = 63;

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string Identity::ToUri() const {
  switch (kind) {
    case IdentityKind::kCluster:
      return absl::StrCat(kClusterPrefix, name);
    case IdentityKind::kUser:
      return absl::StrCat(kUserPrefix, name);
    case IdentityKind::kHub:
      return std::string(kHubUri);
  }
  return "";
}

absl::Status CheckIdentityName(absl::string_view what, absl::string_view name) {
  const bool good =
      !name.empty() && name.size() <= kNameMax && name.front() != '-' && name.back() != '-' &&
      std::all_of(name.begin(), name.end(), [](char c) { return IsLowerOrDigit(c) || c == '-'; });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      what, " name \"", absl::CHexEscape(name.substr(0, kNameMax + 1)),
      "\": a name is 1 to 63 of a-z, 0-9 and '-', and neither begins nor ends with '-'"));
}

absl::StatusOr<Identity> ParseIdentityUri(absl::string_view uri) {
  if (uri == kHubUri) return Identity{.kind = IdentityKind::kHub};
  Identity identity;
  absl::string_view name = uri;
  if (absl::ConsumePrefix(&name, kClusterPrefix)) {
    identity.kind = IdentityKind::kCluster;
    LOCKSTEP_RETURN_IF_ERROR(CheckIdentityName("cluster", name));
  } else if (absl::ConsumePrefix(&name, kUserPrefix)) {
    identity.kind = IdentityKind::kUser;
    LOCKSTEP_RETURN_IF_ERROR(CheckIdentityName("user", name));
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", absl::CHexEscape(uri.substr(0, 100)), "\" is no name of Lockstep's"));
  }
  identity.name = std::string(name);
  return identity;
}

}  // namespace lockstep
