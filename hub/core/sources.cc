#include "hub/core/sources.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/text/utf8.h"
#include "hub/core/instances.h"

namespace lockstep {
namespace {

using event::RenderOutcome;

ResourceKey RepositoryKey(const NamespacedName& name) {
  return {ResourceKind::kGitRepository, name.namespace_, name.name};
}

// Uniform in [-1, 1), by name and attempt: the same on every machine, different between
// repositories. FNV-1a.
double Spread(const NamespacedName& name, uint64_t salt) {
  uint64_t hash = 14695981039346656037u ^ salt;
  for (const char c : name.ToString())
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdu;
  return static_cast<double>(hash >> 11) * 0x1.0p-52 - 1.0;
}

absl::Duration Wait(const NamespacedName& name, const SourceState& source, absl::Duration interval,
                    absl::Time now) {
  absl::Duration wait = interval;
  if (source.failures > 0) {
    wait = kBackoffFirst * (int64_t{1} << std::min(source.failures - 1, 20));
    wait = std::min(wait, std::max(kBackoffMax, interval));
  }
  const auto salt = static_cast<uint64_t>(absl::ToUnixMillis(now));
  return wait * (1.0 + kIntervalJitter * Spread(name, salt));
}

void Answer(Turn& turn, std::vector<uint64_t> requests, const absl::StatusOr<ReplyBody>& result) {
  for (const uint64_t request : requests) turn.Reply(request, result);
}

// A fetch ended badly, or could not begin.
void Fail(Turn& turn, const NamespacedName& name, SourceState& source,
          const GitRepository& repository, absl::Status error) {
  error = absl::Status(error.code(), ToUtf8(error.message()));
  const bool is_new = source.error != error;
  ++source.failures;
  source.error = error;
  source.next_due = turn.now + Wait(name, source, repository.spec.interval, turn.now);
  turn.TouchSource(name);
  Answer(turn, std::exchange(source.waiting, {}), error);
  if (!is_new) return;
  turn.Record({.warning = true,
               .reason = "FetchFailed",
               .message = std::string(error.message()),
               .about = RepositoryKey(name),
               .by = "hub"});
}

void StartFetch(Turn& turn, const NamespacedName& name, SourceState& source) {
  const GitRepository* repository = FindRepository(turn.state, name);
  effect::StartFetch fetch;
  fetch.repository = name;
  fetch.specification = std::make_shared<const GitRepository>(*repository);
  const std::string& secret = repository->spec.secret;
  if (name == ConfigRepositoryName()) {
    fetch.secret = turn.state.settings.config_secret;
  } else if (!secret.empty()) {
    const ResourceState* found =
        turn.state.FindResource({ResourceKind::kSecret, name.namespace_, secret});
    if (found == nullptr) {
      Fail(turn, name, source, *repository,
           absl::NotFoundError(absl::StrCat("fetching GitRepository ", name.ToString(),
                                            ": there is no Secret ", name.namespace_, "/", secret,
                                            "; apply it")));
      return;
    }
    fetch.secret = found->secret;
  }
  source.fetching = true;
  source.fetch_job = fetch.job = ++turn.state.job;
  source.next_due = absl::InfiniteFuture();
  turn.Emit(std::move(fetch));
}

void TakeRevision(Turn& turn, const NamespacedName& name, SourceState& source,
                  const event::Fetched& fetched) {
  source.error = absl::OkStatus();
  source.failures = 0;
  source.last_fetch = turn.wall();
  source.unconfirmed = false;
  if (source.commit == fetched.commit) {
    source.revision = ToUtf8(fetched.revision);
  } else {
    if (fetched.forced) {
      turn.Record(
          {.warning = true,
           .reason = "ForcePush",
           .message = absl::StrCat("history was rewritten: ", fetched.revision,
                                   " does not descend from ", source.commit, "; it is followed"),
           .about = RepositoryKey(name),
           .by = "hub"});
    }
    source.revision = ToUtf8(fetched.revision);
    source.commit = fetched.commit;
    turn.Record({.reason = "NewRevision",
                 .message = absl::StrCat("fetched ", source.revision),
                 .about = RepositoryKey(name),
                 .by = "hub"});
  }
  // A rendering that is under way is followed by one of the newer commit.
  if (!source.rendering && source.rendered != source.commit) turn.render.insert(name);
}

void AddJobs(const HubState& state, const std::string& application, const SourceState& source,
             std::vector<RenderJob>* jobs) {
  const ResourceState* resource = state.FindApplication(application);
  const auto places = state.places.find(application);
  if (places == state.places.end()) return;
  const auto specification =
      std::make_shared<const Application>(std::get<Application>(*resource->resource));
  for (const std::string& name : places->second) {
    const ClusterState& cluster = state.clusters.at(name);
    const Instance& instance = cluster.instances.at(application);
    if (!instance.placed) continue;
    if (source.rendered == source.commit && !instance.input.IsZero()) continue;
    jobs->push_back({specification, cluster.labels, instance.input});
  }
}

RenderQuestion QuestionOf(const effect::StartRender& render) {
  RenderQuestion question;
  question.repository = render.specification;
  for (const RenderJob& job : render.jobs) {
    question.applications.emplace(job.application->meta.Name().ToString(), job.application);
    question.clusters.emplace(job.cluster->name, job.cluster);
  }
  return question;
}

void StartRender(Turn& turn, const NamespacedName& name, SourceState& source) {
  if (name == ConfigRepositoryName()) {
    source.rendering = true;
    source.render_job = ++turn.state.job;
    source.rendering_commit = source.commit;
    turn.Emit(effect::ReadConfig{name, source.revision, source.commit, source.render_job});
    return;
  }
  effect::StartRender render;
  render.repository = name;
  render.specification = std::make_shared<const GitRepository>(*FindRepository(turn.state, name));
  render.revision = source.revision;
  render.commit = source.commit;
  const ResourceKey first{ResourceKind::kApplication, "", ""};
  for (auto at = turn.state.resources.lower_bound(first);
       at != turn.state.resources.end() && at->first.kind == ResourceKind::kApplication; ++at) {
    if (at->second.going || std::get<Application>(*at->second.resource).spec.source != name)
      continue;
    AddJobs(turn.state, at->first.Name().ToString(), source, &render.jobs);
  }
  if (render.jobs.empty()) {
    if (source.rendered != source.commit) {
      source.rendered = source.commit;
      turn.TouchSource(name);
    }
    return;
  }
  source.rendering = true;
  source.render_job = render.job = ++turn.state.job;
  source.rendering_commit = source.commit;
  source.question = QuestionOf(render);
  turn.Emit(std::move(render));
}

}  // namespace

bool RendersAlike(const ApplicationSpec& a, const ApplicationSpec& b) {
  return a.source == b.source && a.path == b.path && a.missing_path == b.missing_path &&
         a.default_namespace == b.default_namespace;
}

const NamespacedName& ConfigRepositoryName() {
  static const auto* name = new NamespacedName{"lockstep-system", "config"};
  return *name;
}

const GitRepository* FindRepository(const HubState& state, const NamespacedName& name) {
  if (name == ConfigRepositoryName()) {
    return state.settings.has_config_repository ? &state.settings.config_repository : nullptr;
  }
  const ResourceState* found = state.FindResource(RepositoryKey(name));
  return found == nullptr ? nullptr : &std::get<GitRepository>(*found->resource);
}

void StartFetches(Turn& turn) {
  for (auto& [name, source] : turn.state.sources) {
    const bool asked = turn.fetch.contains(name);
    if (!asked && source.next_due > turn.now) continue;
    if (source.fetching) {
      source.fetch_again |= asked;
      continue;
    }
    const ResourceState* resource = turn.state.FindResource(RepositoryKey(name));
    if (resource != nullptr && IsSuspended(*resource)) {
      source.next_due = absl::InfiniteFuture();
      Answer(turn, std::exchange(source.waiting, {}),
             absl::FailedPreconditionError(
                 absl::StrCat("syncing GitRepository ", name.ToString(),
                              ": it was suspended meanwhile; `lockstep resume` it first")));
      continue;
    }
    StartFetch(turn, name, source);
  }
  turn.fetch.clear();
}

namespace {

// Whether what is known of the repository, or of what the configuration repository says about those
// who use it, may be older than what agents have.
bool IsUnconfirmed(const HubState& state, const NamespacedName& name, const SourceState& source) {
  if (source.unconfirmed) return true;
  const auto config = state.sources.find(ConfigRepositoryName());
  if (config == state.sources.end() || name == ConfigRepositoryName()) return false;
  const bool first_read = config->second.rendering && config->second.rendered.empty();
  return config->second.unconfirmed || first_read;
}

}  // namespace

void StartRenders(Turn& turn) {
  for (const NamespacedName& name : std::exchange(turn.render, {})) {
    const auto at = turn.state.sources.find(name);
    if (at == turn.state.sources.end() || at->second.commit.empty() ||
        IsUnconfirmed(turn.state, name, at->second)) {
      continue;  // Rendered once it was fetched.
    }
    if (FindRepository(turn.state, name) == nullptr) continue;
    if (at->second.rendering) {
      at->second.render_again = true;
    } else {
      StartRender(turn, name, at->second);
    }
  }
}

void OnFetchDone(Turn& turn, const event::FetchDone& done) {
  const auto at = turn.state.sources.find(done.repository);
  const GitRepository* repository = FindRepository(turn.state, done.repository);
  if (at == turn.state.sources.end() || repository == nullptr) return;
  SourceState& source = at->second;
  if (!source.fetching || source.fetch_job != done.job) return;  // Of one that was deleted.
  source.fetching = false;
  if (std::exchange(source.discard, false)) {
    source.waiting_next.insert(source.waiting_next.begin(), source.waiting.begin(),
                               source.waiting.end());
    source.waiting.clear();
    source.fetch_again = true;
  } else if (!done.result.ok()) {
    Fail(turn, done.repository, source, *repository, done.result.status());
  } else {
    const bool changed = source.commit != done.result->commit;
    TakeRevision(turn, done.repository, source, *done.result);
    source.next_due = turn.now + Wait(done.repository, source, repository->spec.interval, turn.now);
    turn.TouchSource(done.repository);
    Answer(turn, std::exchange(source.waiting, {}),
           ReplyBody(reply::Synced{source.revision, changed}));
    turn.Notify();
  }
  if (std::exchange(source.fetch_again, false)) {
    source.waiting = std::exchange(source.waiting_next, {});
    turn.fetch.insert(done.repository);
  }
}

absl::Time NextFetch(const HubState& state) {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [name, source] : state.sources) {
    if (!source.fetching) next = std::min(next, source.next_due);
  }
  return next;
}

namespace {

void TakeError(Turn& turn, const RenderOutcome& outcome, const std::string& revision,
               Instance& instance, std::string error) {
  error = ToUtf8(error);
  instance.input = Digest();
  if (instance.error == error && instance.rendered_revision == revision) return;
  const bool is_new = instance.error != error;
  instance.error = std::move(error);
  instance.rendered_revision = revision;
  turn.TouchAssignment(outcome.cluster, outcome.application);
  if (!is_new) return;
  turn.Record({.warning = true,
               .reason = "RenderFailed",
               .message = absl::StrCat(instance.error, " (at ", revision, ")"),
               .about = ApplicationKey(outcome.application),
               .cluster = outcome.cluster,
               .by = "hub"});
}

void TakeCandidate(Turn& turn, const RenderOutcome& outcome, const std::string& revision,
                   Instance& instance, Candidate candidate) {
  const bool nothing_to_drop = instance.assignment.generation == 0 || instance.releasing();
  if (candidate.missing_path && nothing_to_drop && instance.missing_path &&
      instance.error.empty() && !instance.waiting.has_value() && instance.input == outcome.input) {
    return;  // Nothing of it was here and nothing is.
  }
  instance.input = outcome.input;
  instance.rendered_revision = revision;
  instance.error.clear();
  instance.missing_path = candidate.missing_path;
  turn.TouchAssignment(outcome.cluster, outcome.application);
  if (candidate.missing_path && nothing_to_drop) {
    instance.waiting.reset();
    instance.refused.clear();
  } else {
    instance.waiting = std::move(candidate);
  }
  turn.replan.insert(outcome.cluster);
}

// Takes out of the question what would be asked otherwise now. It is asked again: whoever changes
// what rendering depends on forgets the input.
RenderQuestion StillAsked(const HubState& state, RenderQuestion question) {
  std::erase_if(question.applications, [&](const auto& asked) {
    const ResourceState* present = state.FindApplication(asked.first);
    if (present == nullptr) return true;
    const ApplicationSpec& now = std::get<Application>(*present->resource).spec;
    const GitRepository* repository = FindRepository(state, now.source);
    if (!RendersAlike(asked.second->spec, now) || repository == nullptr) return true;
    const GitRepositorySpec& then = question.repository->spec;
    return !(repository->spec.url == then.url && repository->spec.ref == then.ref &&
             repository->spec.ignore == then.ignore);
  });
  return question;
}

bool Answers(const RenderOutcome& outcome, const RenderQuestion& question,
             const ClusterFacts& now) {
  const auto application = question.applications.find(outcome.application);
  if (application == question.applications.end()) return false;
  if (!application->second->spec.path.HasPlaceholders()) return true;
  const auto asked = question.clusters.find(outcome.cluster);
  return asked != question.clusters.end() && asked->second->labels == now.labels;
}

void TakeOutcome(Turn& turn, const RenderOutcome& outcome, const RenderQuestion& question,
                 const std::string& revision) {
  const auto cluster = turn.state.clusters.find(outcome.cluster);
  if (cluster == turn.state.clusters.end()) return;
  if (!Answers(outcome, question, *cluster->second.labels)) return;
  const auto at = cluster->second.instances.find(outcome.application);
  if (at == cluster->second.instances.end() || !at->second.placed) return;
  Instance& instance = at->second;
  const ResourceState* resource = turn.state.FindApplication(outcome.application);
  if (const auto* error = std::get_if<absl::Status>(&outcome.result)) {
    TakeError(turn, outcome, revision, instance, std::string(error->message()));
  } else if (const auto* rendered = std::get_if<RenderOutcome::Rendered>(&outcome.result)) {
    instance.warnings = rendered->warnings;
    TakeCandidate(turn, outcome, revision, instance,
                  {rendered->manifest, rendered->origins, revision, false});
  } else if (std::holds_alternative<RenderOutcome::MissingPath>(outcome.result)) {
    const ApplicationSpec& spec = std::get<Application>(*resource->resource).spec;
    if (spec.missing_path == MissingPath::kSkip) {
      instance.warnings.clear();
      TakeCandidate(turn, outcome, revision, instance, {EmptyManifest(), nullptr, revision, true});
    } else {
      TakeError(turn, outcome, revision, instance,
                absl::StrCat("rendering ", outcome.application, " for cluster ", outcome.cluster,
                             ": the path \"", spec.path.text(), "\" is not in ", revision,
                             "; restore it, or set missingPath: skip"));
    }
  }
}

// Whether the same commit may render after the next fetch: the mirror failed, not the content.
bool MayHeal(const RenderOutcome& outcome) {
  const auto* error = std::get_if<absl::Status>(&outcome.result);
  return error != nullptr && error->code() != absl::StatusCode::kInvalidArgument &&
         error->code() != absl::StatusCode::kResourceExhausted;
}

}  // namespace

void OnRenderDone(Turn& turn, const event::RenderDone& done) {
  const auto at = turn.state.sources.find(done.repository);
  if (at == turn.state.sources.end()) return;
  SourceState& source = at->second;
  if (!source.rendering || source.render_job != done.job) return;  // Of one that was deleted.
  source.rendering = false;
  for (const auto& [digest, bytes] : done.blobs) {
    turn.PutBlob(digest, *bytes);
    turn.state.deltas.AddBlob(digest, bytes);
  }
  turn.by = done.revision;
  bool may_heal = false;
  const RenderQuestion question = StillAsked(turn.state, std::exchange(source.question, {}));
  for (const RenderOutcome& outcome : done.outcomes) {
    TakeOutcome(turn, outcome, question, done.revision);
    may_heal |= MayHeal(outcome);
  }
  source.rendered = may_heal ? std::string() : source.rendering_commit;
  turn.TouchSource(done.repository);
  const bool newer = source.rendering_commit != source.commit;
  const bool again = std::exchange(source.render_again, false);
  if (again || newer) turn.render.insert(done.repository);
  turn.Notify();
}

}  // namespace lockstep
