#include "hub/source/ssh_host.h"

#include <algorithm>
#include <memory>
#include <netdb.h>
#include <set>
#include <sys/socket.h>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/digest.h"

namespace lockstep {
namespace {

// '*' and '?' as in ssh_config(5) PATTERNS, case already folded.
bool MatchesPattern(absl::string_view text, absl::string_view pattern) {
  size_t t = 0;
  size_t p = 0;
  size_t star = absl::string_view::npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] == text[t] && pattern[p] != '*'))) {
      ++t;
      ++p;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == absl::string_view::npos;
}

// "|1|salt|hash": HMAC-SHA1 of the name under the salt.
bool MatchesHash(absl::string_view text, absl::string_view hashed) {
  const std::vector<absl::string_view> parts = absl::StrSplit(hashed, '|');
  std::string salt;
  std::string hash;
  return parts.size() == 4 && parts[1] == "1" && absl::Base64Unescape(parts[2], &salt) &&
         absl::Base64Unescape(parts[3], &hash) && HmacSha1(salt, text) == hash;
}

bool NamesHost(absl::string_view field, const std::vector<std::string>& names) {
  if (absl::StartsWith(field, "|")) {
    return std::any_of(names.begin(), names.end(),
                       [field](const std::string& name) { return MatchesHash(name, field); });
  }
  bool named = false;
  const std::string folded = absl::AsciiStrToLower(field);
  for (absl::string_view pattern : absl::StrSplit(folded, ',')) {
    const bool negated = absl::ConsumePrefix(&pattern, "!");
    const bool matches =
        std::any_of(names.begin(), names.end(),
                    [pattern](const std::string& name) { return MatchesPattern(name, pattern); });
    if (matches && negated) return false;
    named |= matches;
  }
  return named;
}

}  // namespace

absl::StatusOr<std::string> KnownHostsAt(absl::string_view known_hosts, absl::string_view host,
                                         uint16_t port, absl::string_view address) {
  const std::vector<std::string> names = {absl::StrCat("[", host, "]:", port), std::string(host)};
  std::vector<std::string> keys;
  std::set<std::string> revoked;
  bool rsa = false;
  for (const absl::string_view line : absl::StrSplit(known_hosts, '\n')) {
    std::vector<absl::string_view> fields =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (fields.empty() || absl::StartsWith(fields[0], "#")) continue;
    const bool marked = absl::StartsWith(fields[0], "@");
    const bool revokes = fields[0] == "@revoked";
    if (marked && !revokes) continue;  // Certificate authorities: libssh2 does not know them.
    if (marked) fields.erase(fields.begin());
    if (fields.size() < 3 || !NamesHost(fields[0], names)) continue;
    const std::string key = absl::StrCat(fields[1], " ", fields[2]);
    if (revokes) {
      revoked.insert(key);
    } else if (fields[1] == "ssh-rsa") {
      rsa = true;
    } else {
      keys.push_back(key);
    }
  }
  const std::string at = port == 22 ? std::string(address) : absl::StrCat("[", address, "]:", port);
  std::string lines;
  for (const std::string& key : keys) {
    if (!revoked.contains(key)) absl::StrAppend(&lines, at, " ", key, "\n");
  }
  if (!lines.empty()) return lines;
  return absl::PermissionDeniedError(absl::StrCat(
      "the Secret's known_hosts has no ", rsa ? "ecdsa or ed25519 key" : "key", " of ",
      port == 22 ? host : names[0], rsa ? " (its RSA key would be checked with SHA-1 only)" : "",
      "; add what ssh-keyscan ", port == 22 ? "" : absl::StrCat("-p ", port, " "), host,
      " prints, after checking it"));
}

absl::StatusOr<std::vector<IpAddress>> ResolveAllowed(const std::string& host,
                                                      const AddressPolicy& policy) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* raw = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &raw); error != 0) {
    return absl::UnavailableError(
        absl::StrCat("looking up the host \"", host, "\": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(raw, freeaddrinfo);
  std::vector<IpAddress> allowed;
  absl::Status refused =
      absl::UnavailableError(absl::StrCat("the host \"", host, "\" has no address"));
  for (const addrinfo* entry = raw; entry != nullptr; entry = entry->ai_next) {
    const absl::StatusOr<IpAddress> address = IpAddress::FromSockaddr(entry->ai_addr);
    if (!address.ok()) continue;
    if (absl::Status status = policy.Check(*address); !status.ok()) {
      refused = status;
    } else {
      allowed.push_back(*address);
    }
  }
  if (allowed.empty()) return refused;
  return allowed;
}

}  // namespace lockstep
