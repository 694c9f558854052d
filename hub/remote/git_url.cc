#include "hub/remote/git_url.h"

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"
#include "common/text/utf8.h"

namespace lockstep {
namespace {

constexpr size_t kUrlBytesMax = 2048;

absl::Status Refuse(absl::string_view why) { return absl::InvalidArgumentError(why); }

uint16_t DefaultPort(GitUrl::Scheme scheme) {
  switch (scheme) {
    case GitUrl::Scheme::kHttps:
      return 443;
    case GitUrl::Scheme::kHttp:
      return 80;
    case GitUrl::Scheme::kSsh:
      return 22;
    case GitUrl::Scheme::kFile:
      return 0;
  }
  return 0;
}

absl::string_view SchemeName(GitUrl::Scheme scheme) {
  switch (scheme) {
    case GitUrl::Scheme::kHttps:
      return "https";
    case GitUrl::Scheme::kHttp:
      return "http";
    case GitUrl::Scheme::kSsh:
      return "ssh";
    case GitUrl::Scheme::kFile:
      return "file";
  }
  return "";
}

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_'; }

absl::Status CheckName(absl::string_view what, absl::string_view name) {
  if (name.empty()) return Refuse(absl::StrCat("it has no ", what));
  if (name.size() > 253) return Refuse(absl::StrCat("its ", what, " is over 253 bytes long"));
  if (name[0] == '-') {
    return Refuse(
        absl::StrCat("its ", what, " begins with '-', which programs take for an option"));
  }
  for (const char c : name) {
    if (!IsNameCharacter(c)) {
      return Refuse(absl::StrCat("its ", what, " holds '", absl::CHexEscape({&c, 1}),
                                 "'; letters, digits, '.', '-' and '_' may stand there"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckEscape(absl::string_view path, size_t at) {
  if (at + 2 >= path.size() || !absl::ascii_isxdigit(path[at + 1]) ||
      !absl::ascii_isxdigit(path[at + 2])) {
    return Refuse("its path holds a '%' that two hex digits do not follow");
  }
  const char decoded = absl::HexStringToBytes(path.substr(at + 1, 2))[0];
  if (absl::ascii_iscntrl(decoded) || decoded == '.' || decoded == '/' || decoded == '\\') {
    return Refuse(absl::StrCat("its path holds the escape ", path.substr(at, 3),
                               "; control characters, '.', '/' and '\\' may not be escaped"));
  }
  return absl::OkStatus();
}

absl::Status CheckPath(absl::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '%') {
      LOCKSTEP_RETURN_IF_ERROR(CheckEscape(path, i));
    } else if (c == '?' || c == '#') {
      return Refuse("it has a query or fragment; a repository's URL ends with its path");
    } else if (!absl::ascii_isalnum(c) &&
               !absl::StrContains("-._~/@:+,=", absl::string_view(&c, 1))) {
      return Refuse(absl::StrCat("its path holds '", absl::CHexEscape({&c, 1}),
                                 "'; write other characters than letters, digits and -._~/@:+,= as "
                                 "%XX"));
    }
  }
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part == "." || part == "..") return Refuse("its path holds \".\" or \"..\"");
    if (absl::StartsWith(part, "-")) {
      return Refuse("a part of its path begins with '-', which programs take for an option");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<GitUrl::Scheme> SchemeOf(absl::string_view name) {
  for (const GitUrl::Scheme scheme : {GitUrl::Scheme::kHttps, GitUrl::Scheme::kHttp,
                                      GitUrl::Scheme::kSsh, GitUrl::Scheme::kFile}) {
    if (absl::EqualsIgnoreCase(name, SchemeName(scheme))) return scheme;
  }
  return Refuse("its scheme is not one of https, ssh, http, file");
}

}  // namespace

absl::StatusOr<GitUrl> GitUrl::Parse(absl::string_view text) {
  return ParseAs(text, Extent::kWhole);
}

absl::StatusOr<GitUrl> GitUrl::ParsePrefix(absl::string_view text) {
  return ParseAs(text, Extent::kPrefix);
}

absl::StatusOr<GitUrl> GitUrl::ParseAs(absl::string_view text, Extent extent) {
  GitUrl url;
  absl::Status status;
  if (text.empty()) return Refuse("the repository's URL is empty");
  if (text.size() > kUrlBytesMax) {
    status = Refuse(absl::StrCat("it is over ", kUrlBytesMax, " bytes long"));
  } else {
    status = url.ParseText(text, extent);
  }
  if (status.ok()) return url;
  return Annotate(status, absl::StrCat("the repository's URL \"", RedactUrl(text), "\""));
}

absl::Status GitUrl::ParseText(absl::string_view text, Extent extent) {
  const size_t separator = text.find("://");
  if (absl::StrContains(text.substr(0, separator), "::")) {
    return Refuse("HELPER::ADDRESS would run a program; write a URL of https, ssh, http or file");
  }
  for (const char c : text) {
    if (absl::ascii_iscntrl(c)) return Refuse("it holds a control character");
    if (c == ' ') return Refuse("it holds a space; write it as %20");
    if (!absl::ascii_isascii(c)) return Refuse("it holds a byte over 127; write it as %XX");
  }
  if (text[0] == '-') return Refuse("it begins with '-', which programs take for an option");
  if (separator == absl::string_view::npos) return ParseScp(text, extent);
  LOCKSTEP_ASSIGN_OR_RETURN(scheme_, SchemeOf(text.substr(0, separator)));
  const absl::string_view rest = text.substr(separator + 3);
  const size_t slash = std::min(rest.find('/'), rest.size());
  LOCKSTEP_RETURN_IF_ERROR(ParseAuthority(rest.substr(0, slash), extent));
  return SetPath(rest.substr(slash), extent);
}

absl::Status GitUrl::ParseAuthority(absl::string_view authority, Extent extent) {
  if (scheme_ == Scheme::kFile) {
    if (!authority.empty()) return Refuse("a file URL has no host: write file:///path");
    return absl::OkStatus();
  }
  if (const size_t at = authority.rfind('@'); at != absl::string_view::npos) {
    const absl::string_view user = authority.substr(0, at);
    if (scheme_ != Scheme::kSsh || absl::StrContains(user, ':')) {
      return Refuse(
          "it holds a user or password; put them into a Secret and name it in spec.secretRef");
    }
    LOCKSTEP_RETURN_IF_ERROR(CheckName("user", user));
    user_ = std::string(user);
    authority.remove_prefix(at + 1);
  } else if (scheme_ == Scheme::kSsh && extent == Extent::kWhole) {
    return Refuse("it has no user: write ssh://git@host/path");
  }
  absl::string_view port_text;
  if (absl::ConsumePrefix(&authority, "[")) {
    const size_t end = authority.find(']');
    if (end == absl::string_view::npos) return Refuse("its host has a '[' without a ']'");
    host_ = absl::AsciiStrToLower(authority.substr(0, end));
    if (host_.empty() || host_.find_first_not_of("0123456789abcdef:.") != std::string::npos) {
      return Refuse("what stands in brackets is no IPv6 address");
    }
    port_text = authority.substr(end + 1);
  } else {
    const size_t colon = authority.find(':');
    const absl::string_view host = authority.substr(0, colon);
    LOCKSTEP_RETURN_IF_ERROR(CheckName("host", host));
    host_ = absl::AsciiStrToLower(host);
    port_text = colon == absl::string_view::npos ? "" : authority.substr(colon);
  }
  return SetPort(port_text);
}

absl::Status GitUrl::SetPort(absl::string_view text) {
  port_ = DefaultPort(scheme_);
  if (text.empty()) return absl::OkStatus();
  uint32_t number = 0;
  if (!absl::ConsumePrefix(&text, ":") || text.empty() ||
      text.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(text, &number) || number == 0 || number > 65535) {
    return Refuse("its port is not a number from 1 to 65535");
  }
  port_ = static_cast<uint16_t>(number);
  return absl::OkStatus();
}

absl::Status GitUrl::ParseScp(absl::string_view text, Extent extent) {
  const size_t at = text.find('@');
  const size_t colon = text.find(':');
  if (at == absl::string_view::npos || colon == absl::string_view::npos || colon < at) {
    return Refuse("it is neither SCHEME://HOST/PATH nor USER@HOST:PATH");
  }
  scheme_ = Scheme::kSsh;
  port_ = DefaultPort(scheme_);
  user_ = std::string(text.substr(0, at));
  host_ = absl::AsciiStrToLower(text.substr(at + 1, colon - at - 1));
  LOCKSTEP_RETURN_IF_ERROR(CheckName("user", user_));
  LOCKSTEP_RETURN_IF_ERROR(CheckName("host", host_));
  return SetPath(text.substr(colon + 1), extent);
}

absl::Status GitUrl::SetPath(absl::string_view path, Extent extent) {
  while (absl::ConsumeSuffix(&path, "/")) {
  }
  if (path.empty() && extent == Extent::kWhole) return Refuse("it has no path");
  LOCKSTEP_RETURN_IF_ERROR(CheckPath(path));
  path_ = std::string(path);
  return absl::OkStatus();
}

std::string GitUrl::ToStringAt(absl::string_view host) const {
  if (scheme_ == Scheme::kFile) return absl::StrCat("file://", path_);
  const std::string shown =
      absl::StrContains(host, ':') ? absl::StrCat("[", host, "]") : std::string(host);
  if (!path_.empty() && path_[0] != '/') return absl::StrCat(user_, "@", shown, ":", path_);
  return absl::StrCat(SchemeName(scheme_), "://", user_, user_.empty() ? "" : "@", shown,
                      port_ == DefaultPort(scheme_) ? "" : absl::StrCat(":", port_), path_);
}

std::string EscapeControl(absl::string_view text) {
  const std::string valid = ToUtf8(text);
  std::string shown;
  for (size_t i = 0; i < valid.size(); ++i) {
    const auto byte = static_cast<uint8_t>(valid[i]);
    const bool c1 = byte == 0xc2 && static_cast<uint8_t>(valid[i + 1]) < 0xa0;  // U+0080 to U+009F.
    if (absl::ascii_iscntrl(byte)) {
      absl::StrAppend(&shown, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else if (c1) {
      absl::StrAppend(&shown, "\\x", absl::Hex(static_cast<uint8_t>(valid[++i]), absl::kZeroPad2));
    } else {
      shown.push_back(valid[i]);
    }
  }
  return shown;
}

std::string RedactUrl(absl::string_view text) {
  std::string shown;
  const size_t separator = text.find("://");
  const size_t start = separator == absl::string_view::npos ? 0 : separator + 3;
  // The last '@' before the path; where there is none before it, any: a password may hold a slash.
  const size_t at = text.rfind('@');
  if (separator != absl::string_view::npos && at != absl::string_view::npos && at > start) {
    shown = absl::StrCat(text.substr(0, start), "***", text.substr(at));
  } else {
    shown = std::string(text);
  }
  if (shown.size() > 200) shown = absl::StrCat(absl::string_view(shown).substr(0, 200), "…");
  return EscapeControl(shown);
}

}  // namespace lockstep
