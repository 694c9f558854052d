#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// The one rule for names of resources, namespaces, clusters and users: a DNS label, that is 1 to
/// 63 of a-z, 0-9 and
/// '-', with a letter or digit first and last. INVALID_ARGUMENT says what is wrong with it
/// ("\"Web\" holds 'W'; …"). Source: RFC 1123; names are compared byte by byte.
absl::Status CheckDnsLabel(absl::string_view name);

/// DNS labels joined by dots, at most 253 bytes: API groups, prefixes of label keys.
absl::Status CheckDnsSubdomain(absl::string_view name);

/// A label's key: an optional DNS subdomain and '/', then 1 to 63 letters, digits, '-', '_' and
/// '.', with a letter or digit first and last. Source: Kubernetes' IsQualifiedName.
absl::Status CheckLabelKey(absl::string_view key);

/// A label's value: empty, or what may stand after the '/' of a key. Source: Kubernetes'
/// IsValidLabelValue.
absl::Status CheckLabelValue(absl::string_view value);

}  // namespace lockstep
