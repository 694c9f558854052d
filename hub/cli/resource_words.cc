#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/object/json.h"
#include "common/object/yaml_writer.h"
#include "common/text/nearest.h"
#include "hub/cli/command.h"
#include "hub/fleet/format.h"

namespace lockstep {
namespace {

struct KindWords {
  absl::string_view kind;
  std::vector<std::string> words;
};

const std::vector<KindWords>& Kinds() {
  static const auto* kinds = new std::vector<KindWords>{
      {"Application", {"application", "applications", "app", "apps"}},
      {"GitRepository",
       {"gitrepository", "gitrepositories", "gitrepo", "gitrepos", "repository", "repositories",
        "repo", "repos"}},
      {"Cluster", {"cluster", "clusters"}},
      {"Secret", {"secret", "secrets"}},
  };
  return *kinds;
}

}  // namespace

absl::StatusOr<std::string> ParseKind(absl::string_view word) {
  const std::string lower = absl::AsciiStrToLower(word);
  std::vector<std::string> known;
  for (const KindWords& kind : Kinds()) {
    for (const std::string& candidate : kind.words) {
      if (candidate == lower) return std::string(kind.kind);
      known.push_back(candidate);
    }
  }
  const std::string nearest = NearestWord(lower, known);
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", word, "\" is no kind of resource",
      nearest.empty() ? "; there are applications, gitrepositories, clusters and secrets"
                      : absl::StrCat("; did you mean \"", nearest, "\"?")));
}

const v1::ObjectMeta& MetaOf(const v1::Resource& resource) {
  switch (resource.kind_case()) {
    case v1::Resource::kGitRepository:
      return resource.git_repository().metadata();
    case v1::Resource::kCluster:
      return resource.cluster().metadata();
    case v1::Resource::kSecret:
      return resource.secret().metadata();
    default:
      return resource.application().metadata();
  }
}

std::string NameOf(const v1::Resource& resource) {
  const absl::string_view kind = resource.has_git_repository() ? "gitrepository"
                                 : resource.has_cluster()      ? "cluster"
                                 : resource.has_secret()       ? "secret"
                                                               : "application";
  const v1::ObjectMeta& meta = MetaOf(resource);
  return absl::StrCat(kind, ".lockstep.dev/", meta.namespace_(),
                      meta.namespace_().empty() ? "" : "/", meta.name());
}

absl::StatusOr<v1::ResourceKey> MakeKey(absl::string_view kind, absl::string_view name,
                                        const GlobalFlags& flags) {
  v1::ResourceKey key;
  key.set_kind(std::string(kind));
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  if (parts.size() > 2 || (parts.size() == 2 && kind == "Cluster")) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", name, "\" is no name; write NAME or NAMESPACE/NAME"));
  }
  key.set_name(parts.back());
  if (kind != "Cluster") key.set_namespace_(parts.size() == 2 ? parts.front() : flags.name_space);
  return key;
}

std::string KeyText(const v1::ResourceKey& key) {
  return absl::StrCat(key.kind(), " ", key.namespace_(), key.namespace_().empty() ? "" : "/",
                      key.name());
}

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string FormatMessage(const google::protobuf::Message& message, OutputFormat format) {
  const Value value = ToValue(message);
  return format == OutputFormat::kJson ? absl::StrCat(WriteJson(value, 2), "\n") : WriteYaml(value);
}

std::string FormatResource(const v1::Resource& resource, OutputFormat format) {
  switch (resource.kind_case()) {
    case v1::Resource::kGitRepository:
      return FormatMessage(resource.git_repository(), format);
    case v1::Resource::kCluster:
      return FormatMessage(resource.cluster(), format);
    case v1::Resource::kSecret:
      return FormatMessage(resource.secret(), format);
    default:
      return FormatMessage(resource.application(), format);
  }
}

}  // namespace lockstep
