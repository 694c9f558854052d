#include "hub/identity/users.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr absl::string_view kSuffix = ".crt";
constexpr int64_t kFileBytesMax = 64 * 1024;

// Names have no dot, so that the parts cannot be mistaken.
std::string FileName(absl::string_view name, const Digest& fingerprint) {
  return absl::StrCat(name, ".", fingerprint.ToHex(), kSuffix);
}

// The files of one user, or of all for "".
absl::StatusOr<std::vector<std::string>> FilesOf(const std::string& path, absl::string_view name) {
  absl::StatusOr<std::vector<std::string>> all = ListDirectory(path);
  if (absl::IsNotFound(all.status())) return std::vector<std::string>();
  if (!all.ok()) return all;
  std::vector<std::string> files;
  for (std::string& file : *all) {
    const bool wanted = name.empty() || absl::StartsWith(file, absl::StrCat(name, "."));
    // Temporary files of a write begin with a dot.
    if (wanted && file.front() != '.' && absl::EndsWith(file, kSuffix)) {
      files.push_back(std::move(file));
    }
  }
  return files;
}

absl::StatusOr<UserCredentials> Write(const std::string& path,
                                      const CertificateAuthority& authority, absl::string_view name,
                                      absl::Time now) {
  const PrivateKey key = PrivateKey::Generate();
  LOCKSTEP_ASSIGN_OR_RETURN(const Certificate certificate,
                            authority.IssueUser(name, key.PublicDer(), now));
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(path, 0700));
  LOCKSTEP_RETURN_IF_ERROR(
      WriteFileAtomic(absl::StrCat(path, "/", FileName(name, key.Fingerprint())),
                      certificate.ToPem(), Durability::kSynced, 0600));
  return UserCredentials{.certificate_pem = certificate.ToPem(), .key_pem = key.ToPem()};
}

absl::Status RemoveFiles(const std::string& path, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    LOCKSTEP_RETURN_IF_ERROR(RemoveFile(absl::StrCat(path, "/", file)));
  }
  return SyncDirectory(path);
}

absl::Status NoSuchUser(absl::string_view name) {
  return absl::NotFoundError(
      absl::StrCat("there is no user \"", name, "\"; `lockstep-hub user list` shows who is there"));
}

}  // namespace

absl::Status UserDirectory::Check(const PeerIdentity& peer) const {
  // The name is of an identity, so it has neither '/' nor '.'.
  if (peer.kind == IdentityKind::kUser &&
      PathExists(absl::StrCat(path_, "/", FileName(peer.name, peer.fingerprint)))) {
    return absl::OkStatus();
  }
  return absl::UnauthenticatedError(
      "this certificate is not of a user of this hub (any more); whoever runs the hub can make "
      "another with `lockstep-hub user renew` or `user add`");
}

absl::StatusOr<UserCredentials> UserDirectory::Add(const CertificateAuthority& authority,
                                                   absl::string_view name, absl::Time now) const {
  LOCKSTEP_RETURN_IF_ERROR(CheckIdentityName("user", name));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<std::string> present, FilesOf(path_, name));
  if (!present.empty()) {
    return absl::AlreadyExistsError(absl::StrCat("there is a user \"", name,
                                                 "\" already; `lockstep-hub user renew ", name,
                                                 "` makes a new certificate"));
  }
  return Write(path_, authority, name, now);
}

absl::StatusOr<UserCredentials> UserDirectory::Renew(const CertificateAuthority& authority,
                                                     absl::string_view name, absl::Time now) const {
  LOCKSTEP_RETURN_IF_ERROR(CheckIdentityName("user", name));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<std::string> old, FilesOf(path_, name));
  if (old.empty()) return NoSuchUser(name);
  LOCKSTEP_ASSIGN_OR_RETURN(UserCredentials credentials, Write(path_, authority, name, now));
  LOCKSTEP_RETURN_IF_ERROR(RemoveFiles(path_, old));
  return credentials;
}

absl::Status UserDirectory::Remove(absl::string_view name) const {
  LOCKSTEP_RETURN_IF_ERROR(CheckIdentityName("user", name));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(path_, name));
  if (files.empty()) return NoSuchUser(name);
  return RemoveFiles(path_, files);
}

absl::StatusOr<std::vector<User>> UserDirectory::List() const {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesOf(path_, ""));
  std::vector<User> users;
  for (const std::string& file : files) {
    const std::string path = absl::StrCat(path_, "/", file);
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string pem, ReadFile(path, kFileBytesMax));
    absl::StatusOr<Certificate> certificate = Certificate::FromPem(pem);
    if (!certificate.ok()) return Annotate(certificate.status(), path);
    absl::StatusOr<PeerIdentity> peer = certificate->ReadPeer();
    if (!peer.ok()) return Annotate(peer.status(), path);
    users.push_back({peer->name, peer->fingerprint, peer->not_after});
  }
  return users;
}

}  // namespace lockstep
