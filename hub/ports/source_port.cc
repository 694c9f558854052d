#include "hub/ports/source_port.h"

#include <utility>
#include <variant>

#include <absl/strings/str_cat.h>

#include "common/base/log.h"
#include "common/base/status.h"
#include "hub/secrets/sealed.h"

namespace lockstep {
namespace {

std::string CredentialsKey(const GitRepository& repository) {
  return repository.spec.secret.empty()
             ? ""
             : absl::StrCat(repository.meta.namespace_, "/", repository.spec.secret);
}

using Mirrors = std::map<NamespacedName, std::string>;  // By repository.

void AddMirror(const GitRepository& repository, Mirrors* mirrors) {
  const absl::StatusOr<GitUrl> url = GitUrl::Parse(repository.spec.url);
  if (url.ok())
    mirrors->emplace(repository.meta.Name(), MirrorName(*url, CredentialsKey(repository)));
}

Mirrors AllMirrors(const HubState& state) {
  Mirrors mirrors;
  for (const auto& [key, resource] : state.resources) {
    if (const auto* repository = std::get_if<GitRepository>(resource.resource.get()))
      AddMirror(*repository, &mirrors);
  }
  if (state.settings.has_config_repository) AddMirror(state.settings.config_repository, &mirrors);
  return mirrors;
}

}  // namespace

std::set<std::string> MirrorsOf(const HubState& state) {
  std::set<std::string> names;
  for (const auto& [repository, name] : AllMirrors(state)) names.insert(name);
  return names;
}

void SourcePort::Remember(const HubState& state) {
  MutexLock lock(&mutex_);
  mirrors_ = AllMirrors(state);
}

void SourcePort::Start(effect::StartFetch fetch) {
  parts_.pool->Run([this, fetch = std::move(fetch)] {
    const absl::Duration begun = parts_.clock->Monotonic();
    const absl::StatusOr<FetchResult> result = Fetch(fetch, fetch.specification->spec.ref);
    parts_.metrics->source_fetch_duration->Observe(parts_.clock->Monotonic() - begun);
    parts_.metrics->source_fetches
        ->With(!result.ok()      ? "failed"
               : result->changed ? "changed"
                                 : "unchanged")
        .Increment();
    if (!result.ok()) {
      Log(LogLevel::kWarning, "fetch failed",
          {{"repository", fetch.repository.ToString()}, {"error", result.status().message()}});
      loop_->Post(event::FetchDone{fetch.repository, result.status(), fetch.job});
      return;
    }
    if (result->changed) {
      Log(LogLevel::kInfo, "revision fetched",
          {{"repository", fetch.repository.ToString()},
           {"revision", result->revision},
           {"forced", result->forced}});
    }
    loop_->Post(event::FetchDone{fetch.repository,
                                 event::Fetched{result->revision, result->commit, result->forced},
                                 fetch.job});
  });
}

absl::StatusOr<FetchResult> SourcePort::Fetch(const effect::StartFetch& fetch, const GitRef& ref) {
  const GitRepository& repository = *fetch.specification;
  FetchRequest request;
  LOCKSTEP_ASSIGN_OR_RETURN(request.url, GitUrl::Parse(repository.spec.url));
  request.ref = ref;
  request.timeout = repository.spec.timeout;
  request.credentials_key = CredentialsKey(repository);
  if (!repository.spec.secret.empty()) {
    const ResourceKey key{ResourceKind::kSecret, repository.meta.namespace_,
                          repository.spec.secret};
    if (!fetch.secret.has_value()) {
      return absl::NotFoundError(
          absl::StrCat(key.ToString(), " does not exist; apply it, or remove spec.secretRef"));
    }
    LOCKSTEP_ASSIGN_OR_RETURN(const auto data, OpenSecret(*parts_.box, key, *fetch.secret));
    const absl::StatusOr<GitCredentials> credentials = CredentialsFromSecret(request.url, data);
    if (!credentials.ok())
      return Annotate(credentials.status(), absl::StrCat("using ", key.ToString()));
    request.credentials = *credentials;
  }
  {
    MutexLock lock(&mutex_);
    mirrors_[fetch.repository] = MirrorName(request.url, request.credentials_key);
  }
  return parts_.source->Fetch(request);
}

absl::StatusOr<event::Fetched> SourcePort::FindRevision(const effect::StartFetch& fetch,
                                                        absl::string_view revision) {
  const std::string text(revision);
  absl::StatusOr<FetchResult> result;
  if (IsCommitId(text)) {
    result = Fetch(fetch, {.commit = text});
  } else {
    result = Fetch(fetch, {.branch = text});
    if (absl::IsNotFound(result.status())) result = Fetch(fetch, {.tag = text});
    if (absl::IsNotFound(result.status())) {
      return absl::NotFoundError(absl::StrCat("GitRepository ", fetch.repository.ToString(),
                                              " has no branch or tag \"", revision, "\""));
    }
  }
  LOCKSTEP_RETURN_IF_ERROR(result.status());
  return event::Fetched{result->revision, result->commit, false};
}

absl::StatusOr<std::shared_ptr<const Snapshot>> SourcePort::Open(const NamespacedName& repository,
                                                                 absl::string_view commit) {
  std::string mirror;
  {
    MutexLock lock(&mutex_);
    const auto known = mirrors_.find(repository);
    if (known == mirrors_.end()) {
      return absl::NotFoundError(
          absl::StrCat("GitRepository ", repository.ToString(), " was not fetched yet"));
    }
    mirror = known->second;
  }
  return parts_.source->Open(mirror, commit);
}

}  // namespace lockstep
