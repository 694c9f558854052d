#include "hub/source/allowed_sources.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

// IPv6 addresses that stand for an IPv4 address, which is their last four bytes.
constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr uint8_t kNat64[12] = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0};

IpAddress FromV4(const void* bytes) {
  IpAddress address;
  std::memcpy(address.bytes.data(), bytes, 4);
  address.length = 4;
  return address;
}

IpAddress FromV6(const void* bytes) {
  const auto* all = static_cast<const uint8_t*>(bytes);
  for (const uint8_t* prefix : {kMapped, kNat64}) {
    if (std::memcmp(all, prefix, 12) == 0) return FromV4(all + 12);
  }
  IpAddress address;
  std::memcpy(address.bytes.data(), bytes, 16);
  address.length = 16;
  return address;
}

// What IANA's special-purpose registries keep from the open internet (RFC 6890 and its successors).
const std::vector<Cidr>& SpecialRanges() {
  static const auto& ranges = *new std::vector<Cidr>([] {
    std::vector<Cidr> parsed;
    for (const char* text :
         {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
          "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
          "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"}) {
      parsed.push_back(Cidr::Parse(text).value());
    }
    return parsed;
  }());
  return ranges;
}

bool HasPrefix(const GitUrl& url, const GitUrl& prefix) {
  if (url.scheme() != prefix.scheme() || url.host() != prefix.host() ||
      url.port() != prefix.port()) {
    return false;
  }
  if (!prefix.user().empty() && prefix.user() != url.user()) return false;
  if (prefix.path().empty()) return true;
  absl::string_view rest = url.path();
  return absl::ConsumePrefix(&rest, prefix.path()) && (rest.empty() || rest[0] == '/');
}

}  // namespace

absl::StatusOr<IpAddress> IpAddress::Parse(absl::string_view text) {
  uint8_t raw[16];
  const std::string terminated(text);
  if (inet_pton(AF_INET, terminated.c_str(), raw) == 1) return FromV4(raw);
  if (inet_pton(AF_INET6, terminated.c_str(), raw) == 1) return FromV6(raw);
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no IP address"));
}

absl::StatusOr<IpAddress> IpAddress::FromSockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    return FromV4(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  }
  if (address->sa_family == AF_INET6) {
    return FromV6(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  }
  return absl::InvalidArgumentError("the address is neither IPv4 nor IPv6");
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  const int family = length == 4 ? AF_INET : AF_INET6;
  return inet_ntop(family, bytes.data(), text, sizeof text) == nullptr ? "?" : text;
}

bool IpAddress::IsPublic() const {
  if (length == 4) {
    return std::none_of(SpecialRanges().begin(), SpecialRanges().end(),
                        [this](const Cidr& range) { return range.Contains(*this); });
  }
  // Of IPv6 only 2000::/3 is given out; in it lie Teredo and 6to4, which carry IPv4 addresses, and
  // documentation.
  if ((bytes[0] & 0xe0) != 0x20) return false;
  const bool ietf = bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] < 0x02;
  const bool documentation =
      bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8;
  const bool six_to_four = bytes[0] == 0x20 && bytes[1] == 0x02;
  return !ietf && !documentation && !six_to_four;
}

absl::StatusOr<Cidr> Cidr::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  Cidr range;
  LOCKSTEP_ASSIGN_OR_RETURN(range.network, IpAddress::Parse(text.substr(0, slash)));
  range.prefix = range.network.length * 8;
  if (slash != absl::string_view::npos &&
      (!absl::SimpleAtoi(text.substr(slash + 1), &range.prefix) || range.prefix < 0 ||
       range.prefix > range.network.length * 8)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is no range of addresses; write one as 10.0.0.0/8"));
  }
  return range;
}

bool Cidr::Contains(const IpAddress& address) const {
  if (address.length != network.length) return false;
  const int whole = prefix / 8;
  if (std::memcmp(address.bytes.data(), network.bytes.data(), whole) != 0) return false;
  if (prefix % 8 == 0) return true;
  const int shift = 8 - prefix % 8;
  return address.bytes[whole] >> shift == network.bytes[whole] >> shift;
}

std::string Cidr::ToString() const { return absl::StrCat(network.ToString(), "/", prefix); }

absl::Status AddressPolicy::Check(const IpAddress& address) const {
  if (any || address.IsPublic()) return absl::OkStatus();
  for (const Cidr& range : ranges) {
    if (range.Contains(address)) return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("the host's address ", address.ToString(),
                   " is not on the open internet; if the hub may fetch there, start it with "
                   "--allow-source naming the URL or "
                   "the range"));
}

absl::StatusOr<AllowedSources> AllowedSources::Parse(absl::Span<const std::string> patterns) {
  AllowedSources allowed;
  for (const std::string& pattern : patterns) {
    if (!absl::StrContains(pattern, "://") && !absl::StrContains(pattern, '@')) {
      absl::StatusOr<Cidr> range = Cidr::Parse(pattern);
      if (!range.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--allow-source \"", RedactUrl(pattern),
                         "\": it is neither a URL prefix (https://host/path) nor a range of "
                         "addresses (10.0.0.0/8)"));
      }
      allowed.ranges_.push_back(*range);
      continue;
    }
    absl::StatusOr<GitUrl> prefix = GitUrl::ParsePrefix(pattern);
    if (!prefix.ok()) return Annotate(prefix.status(), "--allow-source");
    allowed.prefixes_.push_back(*std::move(prefix));
  }
  return allowed;
}

bool AllowedSources::Names(const GitUrl& url) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(),
                     [&url](const GitUrl& prefix) { return HasPrefix(url, prefix); });
}

absl::Status AllowedSources::CheckUrl(const GitUrl& url) const {
  if (url.scheme() == GitUrl::Scheme::kHttps || url.scheme() == GitUrl::Scheme::kSsh ||
      Names(url)) {
    return absl::OkStatus();
  }
  const bool file = url.scheme() == GitUrl::Scheme::kFile;
  return absl::PermissionDeniedError(absl::StrCat(
      "the repository's URL \"", url.ToString(),
      "\": ", file ? "files of the hub's machine are read" : "http without TLS is used",
      " only where the hub was started with --allow-source naming the URL or a prefix of it"));
}

AddressPolicy AllowedSources::PolicyFor(const GitUrl& url) const {
  return {.any = Names(url), .ranges = ranges_};
}

}  // namespace lockstep
