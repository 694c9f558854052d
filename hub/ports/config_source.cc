#include "hub/ports/config_source.h"

#include <sys/stat.h>
#include <utility>
#include <variant>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "hub/fleet/parse.h"
#include "hub/remote/git_url.h"
#include "hub/remote/ref_spec.h"
#include "hub/secrets/sealed.h"

namespace lockstep {
namespace {

constexpr absl::string_view kNamespace = "lockstep-system";
constexpr absl::string_view kName = "config";
constexpr int64_t kFileBytesMax = 1 << 20;

absl::StatusOr<Secret> ReadSecretFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("reading credentials from \"", path, "\": others may read it; chmod 600 it"));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(std::string content, ReadFile(path, kFileBytesMax));
  ParsedResources parsed = ParseResources({{path, std::move(content)}}, kNamespace);
  LOCKSTEP_RETURN_IF_ERROR(parsed.status());
  if (parsed.resources.size() == 1) {
    if (auto* secret = std::get_if<Secret>(&parsed.resources.front().resource))
      return std::move(*secret);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("reading credentials from \"", path, "\": it holds no single Secret"));
}

}  // namespace

absl::Status ConfigureSource(const ConfigSource& source, const SecretBox& box,
                             HubSettings* settings) {
  if (absl::Status url = GitUrl::Parse(source.url).status(); !url.ok())
    return Annotate(url, "--config-repository");
  GitRepository repository;
  repository.meta.namespace_ = std::string(kNamespace);
  repository.meta.name = std::string(kName);
  repository.spec.url = source.url;
  repository.spec.ref.branch = source.branch;
  if (absl::Status ref = ValidateGitRef(repository.spec.ref); !ref.ok())
    return Annotate(ref, "--config-ref");
  if (!source.credentials_file.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(const Secret secret, ReadSecretFile(source.credentials_file));
    repository.spec.secret = secret.meta.name;
    settings->config_secret =
        SealSecret(box, {ResourceKind::kSecret, repository.meta.namespace_, repository.spec.secret},
                   secret.data);
  }
  settings->has_config_repository = true;
  settings->config_repository = std::move(repository);
  return absl::OkStatus();
}

}  // namespace lockstep
