#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// Where a repository is: https://, http://, ssh://user@host/path, user@host:path or file:///path,
/// checked strictly, so that no part of it can be taken for an option, a command or another part
/// further down. Pure data.
class GitUrl {
 public:
  enum class Scheme : uint8_t { kHttps, kHttp, kSsh, kFile };

  GitUrl() = default;

  /// INVALID_ARGUMENT with the reason; the text of the error never holds a password.
  ///
  /// Refused are other schemes (`ext::`, `git:`), control characters, spaces, quotes and what
  /// shells read, a query or fragment, `..` and its escapes, parts that begin with '-', and user or
  /// password in an http or https URL: those belong in the Secret that spec.secretRef names.
  static absl::StatusOr<GitUrl> Parse(absl::string_view text);

  /// The same for the beginning of URLs: path and, for ssh, user may lack.
  static absl::StatusOr<GitUrl> ParsePrefix(absl::string_view text);

  Scheme scheme() const { return scheme_; }
  /// The login name of an ssh URL, else empty.
  const std::string& user() const { return user_; }
  /// Lower case, an IPv6 address without its brackets; empty for a file.
  const std::string& host() const { return host_; }
  /// The scheme's own port where none was written; 0 for a file.
  uint16_t port() const { return port_; }
  /// As written, without trailing slashes; begins with '/' except in the form user@host:path.
  const std::string& path() const { return path_; }

  /// The one spelling of this URL: equal repositories' URLs have equal texts. Holds no secret.
  std::string ToString() const { return ToStringAt(host_); }
  /// The same with `host` in place of the host, for a connection to an address that was checked.
  std::string ToStringAt(absl::string_view host) const;

  friend bool operator==(const GitUrl&, const GitUrl&) = default;

 private:
  enum class Extent : uint8_t { kWhole, kPrefix };

  static absl::StatusOr<GitUrl> ParseAs(absl::string_view text, Extent extent);
  absl::Status ParseText(absl::string_view text, Extent extent);
  absl::Status ParseAuthority(absl::string_view authority, Extent extent);
  absl::Status SetPort(absl::string_view text);
  absl::Status ParseScp(absl::string_view text, Extent extent);
  absl::Status SetPath(absl::string_view path, Extent extent);

  Scheme scheme_ = Scheme::kHttps;
  std::string user_;
  std::string host_;
  uint16_t port_ = 0;
  std::string path_;
};

/// `text` for a message: user and password before an '@' replaced, control characters escaped, cut
/// at 200 bytes.
std::string RedactUrl(absl::string_view text);

/// `text` with control characters as \xNN and ill-formed UTF-8 replaced: safe to show on a terminal
/// and to store.
std::string EscapeControl(absl::string_view text);

}  // namespace lockstep
