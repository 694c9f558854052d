#include "common/credentials/join_token.h"

#include <algorithm>
#include <arpa/inet.h>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/credentials/identity.h"

namespace lockstep {
namespace {

constexpr absl::string_view kPrefix = "lsj1.";
constexpr size_t kSecretBytes = 32;
constexpr size_t kCheckBytes = 4;
constexpr size_t kHubsMax = 8;
constexpr size_t kHostBytesMax = 253;
constexpr size_t kTokenBytesMax = 8192;

bool IsIpv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::string HostPort(const std::string& host, uint16_t port) {
  return IsIpv6(host) ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

absl::StatusOr<uint16_t> ParsePort(absl::string_view text) {
  uint32_t port = 0;
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(text, &port) || port == 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("port \"", absl::CHexEscape(text.substr(0, 20)), "\" is not 1 to 65535"));
  }
  return static_cast<uint16_t>(port);
}

std::string Sized(absl::string_view bytes) {
  return absl::StrCat(std::string(1, static_cast<char>(bytes.size())), bytes);
}

std::string BigEndian16(uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

// Takes a token's fields off its bytes, one after another.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : left_(bytes) {}

  absl::string_view Take(size_t count) {
    if (left_.size() < count) short_ = true;
    const absl::string_view taken = left_.substr(0, count);
    left_.remove_prefix(taken.size());
    return taken;
  }
  uint8_t TakeByte() {
    const absl::string_view taken = Take(1);
    return taken.empty() ? 0 : static_cast<uint8_t>(taken[0]);
  }
  std::string TakeSized() { return std::string(Take(TakeByte())); }
  uint16_t TakeBigEndian16() {
    const uint8_t high = TakeByte();
    return static_cast<uint16_t>(high << 8 | TakeByte());
  }

  bool EndedWell() const { return !short_ && left_.empty(); }

 private:
  absl::string_view left_;
  bool short_ = false;
};

absl::Status BadToken() {
  return absl::InvalidArgumentError(
      "join token: it is not whole; copy all of what `lockstep cluster join-token` printed");
}

absl::StatusOr<JoinToken> ReadFields(absl::string_view fields) {
  Reader reader(fields);
  JoinToken token;
  token.secret = std::string(reader.Take(kSecretBytes));
  const absl::string_view fingerprint = reader.Take(Digest::kSize);
  token.cluster = reader.TakeSized();
  const size_t count = reader.TakeByte();
  for (size_t i = 0; i < count; ++i) {
    HubAddress& hub = token.hubs.emplace_back();
    hub.host = reader.TakeSized();
    hub.port = reader.TakeBigEndian16();
    hub.enrolment_port = reader.TakeBigEndian16();
    if (!CheckHost(hub.host).ok() || hub.port == 0 || hub.enrolment_port == 0) return BadToken();
  }
  if (!reader.EndedWell() || count == 0 || count > kHubsMax) return BadToken();
  if (!CheckIdentityName("cluster", token.cluster).ok()) return BadToken();
  LOCKSTEP_ASSIGN_OR_RETURN(token.ca_fingerprint, Digest::FromBytes(fingerprint));
  return token;
}

}  // namespace

std::string HubAddress::Target() const { return HostPort(host, port); }

std::string HubAddress::EnrolmentTarget() const { return HostPort(host, enrolment_port); }

absl::Status CheckHost(absl::string_view host) {
  const bool good = !host.empty() && host.size() <= kHostBytesMax &&
                    (IsIpv6(std::string(host)) ||
                     (absl::ascii_isalnum(host.front()) && absl::ascii_isalnum(host.back()) &&
                      !absl::StrContains(host, "..") &&
                      std::all_of(host.begin(), host.end(), [](unsigned char c) {
                        return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
                      })));
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", absl::CHexEscape(host.substr(0, 60)),
                                                 "\" is neither a DNS name nor an IP address"));
}

absl::StatusOr<HubAddress> ParseHubAddress(absl::string_view text, uint16_t enrolment_port) {
  HubAddress address{.enrolment_port = enrolment_port};
  absl::string_view host = text;
  absl::string_view port;
  if (absl::ConsumePrefix(&host, "[")) {
    const size_t end = host.find(']');
    if (end == absl::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("address \"", absl::CHexEscape(text.substr(0, 60)), "\": no ']' after '['"));
    }
    port = host.substr(end + 1);
    host = host.substr(0, end);
    if (!IsIpv6(std::string(host))) {
      return absl::InvalidArgumentError(absl::StrCat("address \"",
                                                     absl::CHexEscape(text.substr(0, 60)),
                                                     "\": no IPv6 address in the brackets"));
    }
  } else if (std::count(host.begin(), host.end(), ':') == 1) {
    port = host.substr(host.find(':'));
    host = host.substr(0, host.find(':'));
  }
  if (!port.empty()) {
    if (!absl::ConsumePrefix(&port, ":")) {
      return absl::InvalidArgumentError(absl::StrCat(
          "address \"", absl::CHexEscape(text.substr(0, 60)), "\": only :PORT may follow ']'"));
    }
    LOCKSTEP_ASSIGN_OR_RETURN(address.port, ParsePort(port));
  }
  LOCKSTEP_RETURN_IF_ERROR(CheckHost(host));
  address.host = std::string(host);
  return address;
}

std::string FormatHubAddresses(const std::vector<HubAddress>& hubs) {
  std::string lines;
  for (const HubAddress& hub : hubs)
    absl::StrAppend(&lines, hub.Target(), " ", hub.enrolment_port, "\n");
  return lines;
}

absl::StatusOr<std::vector<HubAddress>> ParseHubAddresses(absl::string_view lines) {
  std::vector<HubAddress> hubs;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const absl::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    const size_t space = std::min(line.find(' '), line.size());
    LOCKSTEP_ASSIGN_OR_RETURN(const uint16_t enrolment_port,
                              ParsePort(line.substr(std::min(space + 1, line.size()))));
    LOCKSTEP_ASSIGN_OR_RETURN(hubs.emplace_back(),
                              ParseHubAddress(line.substr(0, space), enrolment_port));
  }
  if (hubs.empty() || hubs.size() > kHubsMax) {
    return absl::InvalidArgumentError(absl::StrCat("hub addresses: not 1 to ", kHubsMax));
  }
  return hubs;
}

JoinToken MakeJoinToken(absl::string_view cluster, const Digest& ca_fingerprint,
                        std::vector<HubAddress> hubs) {
  return {.secret = RandomBytes(kSecretBytes),
          .ca_fingerprint = ca_fingerprint,
          .cluster = std::string(cluster),
          .hubs = std::move(hubs)};
}

std::string FormatJoinToken(const JoinToken& token) {
  std::string bytes =
      absl::StrCat(token.secret, token.ca_fingerprint.bytes(), Sized(token.cluster));
  bytes.push_back(static_cast<char>(token.hubs.size()));
  for (const HubAddress& hub : token.hubs) {
    absl::StrAppend(&bytes, Sized(hub.host), BigEndian16(hub.port),
                    BigEndian16(hub.enrolment_port));
  }
  absl::StrAppend(&bytes, Digest::Of(bytes).bytes().substr(0, kCheckBytes));
  return absl::StrCat(kPrefix, absl::WebSafeBase64Escape(bytes));
}

absl::StatusOr<JoinToken> ParseJoinToken(absl::string_view text) {
  absl::string_view encoded = absl::StripAsciiWhitespace(text);
  if (!absl::ConsumePrefix(&encoded, kPrefix)) {
    return absl::InvalidArgumentError(
        absl::StrCat("join token: it does not begin with \"", kPrefix,
                     "\"; make one with `lockstep cluster join-token`"));
  }
  std::string bytes;
  if (encoded.size() > kTokenBytesMax || !absl::WebSafeBase64Unescape(encoded, &bytes) ||
      absl::WebSafeBase64Escape(bytes) != encoded || bytes.size() < kCheckBytes) {
    return BadToken();
  }
  const absl::string_view fields = absl::string_view(bytes).substr(0, bytes.size() - kCheckBytes);
  if (Digest::Of(fields).bytes().substr(0, kCheckBytes) !=
      absl::string_view(bytes).substr(fields.size())) {
    return BadToken();
  }
  return ReadFields(fields);
}

Digest HashTokenSecret(absl::string_view secret) { return Digest::Of(secret); }

}  // namespace lockstep
