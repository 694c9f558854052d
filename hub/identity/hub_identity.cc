#include "hub/identity/hub_identity.h"

#include <cerrno>
#include <stdio.h>
#include <unistd.h>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "hub/identity/users.h"

namespace lockstep {
namespace {

constexpr int64_t kFileBytesMax = 1 << 20;

std::string IdentityPath(absl::string_view data_directory) {
  return absl::StrCat(data_directory, "/identity");
}

std::string UsersPath(absl::string_view data_directory) {
  return absl::StrCat(data_directory, "/users");
}

std::vector<std::string> HostsOf(const std::vector<HubAddress>& addresses) {
  std::vector<std::string> hosts;
  for (const HubAddress& address : addresses) hosts.push_back(address.host);
  return hosts;
}

std::vector<std::string> TargetsOf(const std::vector<HubAddress>& addresses) {
  std::vector<std::string> targets;
  for (const HubAddress& address : addresses) targets.push_back(address.Target());
  return targets;
}

absl::Status WritePrivate(const std::string& path, absl::string_view bytes) {
  return WriteFileAtomic(path, bytes, Durability::kSynced, 0600);
}

absl::Status WriteIdentity(const std::string& directory, const std::vector<HubAddress>& addresses,
                           absl::Time now) {
  LOCKSTEP_ASSIGN_OR_RETURN(const CertificateAuthority authority, CertificateAuthority::Make(now));
  const PrivateKey key = PrivateKey::Generate();
  LOCKSTEP_ASSIGN_OR_RETURN(const Certificate certificate,
                            authority.IssueHub(HostsOf(addresses), key.PublicDer(), now));
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(directory, 0700));
  LOCKSTEP_RETURN_IF_ERROR(WritePrivate(directory + "/ca.key", authority.key().ToPem()));
  LOCKSTEP_RETURN_IF_ERROR(WritePrivate(directory + "/ca.crt", authority.certificate().ToPem()));
  LOCKSTEP_RETURN_IF_ERROR(WritePrivate(directory + "/hub.key", key.ToPem()));
  LOCKSTEP_RETURN_IF_ERROR(WritePrivate(directory + "/hub.crt", certificate.ToPem()));
  return WritePrivate(directory + "/addresses", FormatHubAddresses(addresses));
}

absl::Status CheckInit(const InitOptions& options) {
  if (!options.admin.empty()) {
    LOCKSTEP_RETURN_IF_ERROR(CheckIdentityName("user", options.admin));
  }
  // As the file will be read: between one and eight, each good.
  LOCKSTEP_RETURN_IF_ERROR(ParseHubAddresses(FormatHubAddresses(options.addresses)).status());
  if (PathExists(IdentityPath(options.data_directory))) {
    return absl::AlreadyExistsError(
        absl::StrCat("making a hub in \"", options.data_directory,
                     "\": there is one already; start it, or name another directory"));
  }
  if (options.admin.empty()) return absl::OkStatus();
  const absl::StatusOr<ContextFile> contexts = LoadContextFile(options.context_file);
  if (absl::IsNotFound(contexts.status())) return absl::OkStatus();
  LOCKSTEP_RETURN_IF_ERROR(contexts.status());
  if (!contexts->Find(options.context_name).ok()) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat("the context \"", options.context_name,
                                               "\" is in \"", options.context_file,
                                               "\" already; choose another name or file"));
}

// Where the identity is made: all of it appears at once, by one rename.
std::string UnfinishedPath(absl::string_view data_directory) {
  return absl::StrCat(data_directory, "/.identity-unfinished");
}

absl::Status MakeHub(const InitOptions& options, absl::Time now) {
  const std::string unfinished = UnfinishedPath(options.data_directory);
  LOCKSTEP_RETURN_IF_ERROR(RemoveTree(unfinished));
  LOCKSTEP_RETURN_IF_ERROR(WriteIdentity(unfinished, options.addresses, now));
  const std::string path = IdentityPath(options.data_directory);
  if (rename(unfinished.c_str(), path.c_str()) != 0) return FileError(errno, "renaming to", path);
  LOCKSTEP_RETURN_IF_ERROR(SyncDirectory(options.data_directory));
  if (options.admin.empty()) return absl::OkStatus();

  LOCKSTEP_ASSIGN_OR_RETURN(const HubIdentity hub, HubIdentity::Load(options.data_directory));
  LOCKSTEP_ASSIGN_OR_RETURN(const UserCredentials admin,
                            hub.users().Add(hub.authority(), options.admin, now));
  return AddContext(options.context_file,
                    hub.MakeContext(options.context_name, options.admin, admin),
                    ExistingContext::kRefuse);
}

}  // namespace

absl::Status InitHub(const InitOptions& options, absl::Time now) {
  LOCKSTEP_RETURN_IF_ERROR(CheckInit(options));
  const bool had_users = PathExists(UsersPath(options.data_directory));
  const absl::Status made = MakeHub(options, now);
  if (made.ok()) return made;
  // Half a hub would be in the way of the next attempt; what made this one fail is what is told.
  RemoveTree(UnfinishedPath(options.data_directory)).IgnoreError();
  RemoveTree(IdentityPath(options.data_directory)).IgnoreError();
  if (!had_users) RemoveTree(UsersPath(options.data_directory)).IgnoreError();
  rmdir(options.data_directory.c_str());  // Where nothing else lies in it.
  return made;
}

absl::StatusOr<bool> HoldsHub(absl::string_view data_directory) {
  if (PathExists(IdentityPath(data_directory))) return true;
  for (const absl::string_view kept : {"/store", "/store.mark"}) {
    if (!PathExists(absl::StrCat(data_directory, kept))) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("\"", data_directory, "\" holds a hub's store but not its identity; restore ",
                     IdentityPath(data_directory), " from a backup, or give up all agents and ",
                     "people that joined and run `lockstep-hub init` without --if-empty"));
  }
  return false;
}

HubIdentity::HubIdentity(std::string data_directory, CertificateAuthority authority,
                         Certificate certificate, std::vector<HubAddress> addresses)
    : data_directory_(std::move(data_directory)),
      authority_(std::move(authority)),
      certificate_(std::move(certificate)),
      addresses_(std::move(addresses)) {}

absl::StatusOr<HubIdentity> HubIdentity::Load(absl::string_view data_directory) {
  const std::string path = IdentityPath(data_directory);
  if (!PathExists(path)) {
    return absl::NotFoundError(absl::StrCat("there is no hub in \"", data_directory,
                                            "\"; make one with `lockstep-hub init`"));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string ca, ReadFile(path + "/ca.crt", kFileBytesMax));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string ca_key, ReadFile(path + "/ca.key", kFileBytesMax));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string leaf, ReadFile(path + "/hub.crt", kFileBytesMax));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string lines, ReadFile(path + "/addresses", kFileBytesMax));
  absl::StatusOr<CertificateAuthority> authority = CertificateAuthority::FromPem(ca, ca_key);
  if (!authority.ok()) return Annotate(authority.status(), path + "/ca.crt");
  absl::StatusOr<Certificate> certificate = Certificate::FromPem(leaf);
  if (!certificate.ok()) return Annotate(certificate.status(), path + "/hub.crt");
  absl::StatusOr<std::vector<HubAddress>> addresses = ParseHubAddresses(lines);
  if (!addresses.ok()) return Annotate(addresses.status(), path + "/addresses");
  return HubIdentity(std::string(data_directory), *std::move(authority), *std::move(certificate),
                     *std::move(addresses));
}

UserDirectory HubIdentity::users() const { return UserDirectory(UsersPath(data_directory_)); }

TlsFiles HubIdentity::Files() const {
  const std::string path = IdentityPath(data_directory_);
  return {.key = path + "/hub.key", .certificate = path + "/hub.crt", .roots = path + "/ca.crt"};
}

absl::StatusOr<TlsMaterial> HubIdentity::Material() const {
  TlsMaterial material;
  LOCKSTEP_ASSIGN_OR_RETURN(material.key_pem, ReadFile(Files().key, kFileBytesMax));
  material.roots_pem = authority_.certificate().ToPem();
  material.certificate_pem = certificate_.ToPem() + material.roots_pem;
  return material;
}

JoinToken HubIdentity::NewJoinToken(absl::string_view cluster) const {
  return MakeJoinToken(cluster, authority_.fingerprint(), addresses_);
}

Context HubIdentity::MakeContext(absl::string_view context_name, absl::string_view user,
                                 const UserCredentials& credentials) const {
  return {.name = std::string(context_name),
          .hubs = TargetsOf(addresses_),
          .user = std::string(user),
          .material = {.key_pem = credentials.key_pem,
                       .certificate_pem = credentials.certificate_pem,
                       .roots_pem = authority_.certificate().ToPem()}};
}

absl::Time HubIdentity::renew_at() const {
  return certificate_.not_before() + (certificate_.not_after() - certificate_.not_before()) / 2;
}

absl::StatusOr<bool> HubIdentity::RenewIfDue(absl::Time now) {
  if (now < renew_at()) return false;
  LOCKSTEP_ASSIGN_OR_RETURN(
      Certificate next, authority_.IssueHub(HostsOf(addresses_), certificate_.PublicDer(), now));
  LOCKSTEP_RETURN_IF_ERROR(WritePrivate(Files().certificate, next.ToPem()));
  certificate_ = std::move(next);
  return true;
}

}  // namespace lockstep
