#include "hub/ports/render_port.h"

#include <map>
#include <set>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/render/plain.h"
#include "hub/record/key.h"

namespace lockstep {
namespace {

// Changes with every change of what rendering makes of the same input.
constexpr absl::string_view kRendererVersion = "plain/1";

constexpr size_t kConfigFilesMax = 20'000;
constexpr uint64_t kConfigFileBytesMax = 3 << 20;

using Outcome = event::RenderOutcome;

// One folder rendered with one set of parameters: what several clusters share.
struct Folder {
  Digest input;
  decltype(Outcome::result) result = absl::InternalError("not rendered");
  bool rendered = false;
};

// Renders the folders of one commit, each once.
class CommitRenderer {
 public:
  CommitRenderer(const effect::StartRender& render, std::shared_ptr<const Snapshot> snapshot,
                 ParseCache* cache, const Store& store)
      : render_(render), snapshot_(std::move(snapshot)), cache_(cache), store_(store) {}

  Outcome Render(const RenderJob& job) {
    Outcome outcome;
    outcome.application = job.application->meta.Name().ToString();
    outcome.cluster = job.cluster->name;
    const absl::StatusOr<std::string> path = job.application->spec.path.Expand(*job.cluster);
    if (!path.ok()) {
      outcome.result = Annotate(path.status(), "spec.path");
      return outcome;
    }
    Folder& folder = FindFolder(*path, job.application->spec.default_namespace);
    outcome.input = folder.input;
    if (std::holds_alternative<absl::Status>(folder.result) && folder.input.IsZero()) {
      outcome.result = folder.result;
    } else if (folder.input == job.previous_input) {
      outcome.result = Outcome::Unchanged{};
    } else {
      RenderFolder(*path, job.application->spec.default_namespace, &folder);
      outcome.result = folder.result;
      if (std::holds_alternative<absl::Status>(folder.result)) outcome.input = Digest();
    }
    return outcome;
  }

  std::map<Digest, BlobBytes> TakeBlobs() { return std::move(blobs_); }

 private:
  RenderParameters Parameters(const std::string& default_namespace) const {
    RenderParameters parameters;
    parameters.default_namespace = default_namespace;
    parameters.ignore = render_.specification->spec.ignore;
    return parameters;
  }

  Folder& FindFolder(const std::string& path, const std::string& default_namespace) {
    const auto [at, added] = folders_.try_emplace({path, default_namespace});
    Folder& folder = at->second;
    if (!added) return folder;
    const absl::StatusOr<Digest> input =
        RenderInput(*snapshot_, path, Parameters(default_namespace));
    if (input.ok()) {
      Hasher hasher;
      hasher.AddSized(kRendererVersion);
      hasher.Add(input->bytes());
      folder.input = hasher.Finish();
    } else if (absl::IsNotFound(input.status())) {
      folder.input = Digest::Of(absl::StrCat("missing path ", path));
      folder.result = Outcome::MissingPath{};
      folder.rendered = true;
    } else {
      folder.result = input.status();
      folder.rendered = true;
    }
    return folder;
  }

  void RenderFolder(const std::string& path, const std::string& default_namespace, Folder* folder) {
    if (folder->rendered) return;
    folder->rendered = true;
    absl::StatusOr<RenderedSet> set =
        RenderPlain(*snapshot_, path, Parameters(default_namespace), cache_);
    if (!set.ok()) {
      folder->result = set.status();
      return;
    }
    Outcome::Rendered rendered;
    rendered.manifest = set->manifest;
    rendered.warnings = std::move(set->warnings);
    std::vector<std::string> files;
    for (const RenderedObject& object : set->objects) {
      files.push_back(object.file);
      AddBlob(object.blob, object.json);
    }
    rendered.origins = std::make_shared<const Origins>(files);
    if (!set->manifest->empty()) {
      AddBlob(set->manifest->digest(),
              std::make_shared<const std::string>(set->manifest->Encode()));
      AddBlob(rendered.origins->digest(),
              std::make_shared<const std::string>(rendered.origins->Encode()));
    }
    folder->result = std::move(rendered);
  }

  void AddBlob(const Digest& digest, BlobBytes bytes) {
    if (blobs_.count(digest) > 0 || held_.count(digest) > 0) return;
    // Whatever Get says but NOT_FOUND is the append's to find out.
    if (absl::IsNotFound(store_.Get(Family::kBlob, BlobKey(digest)).status())) {
      blobs_.emplace(digest, std::move(bytes));
    } else {
      held_.insert(digest);
    }
  }

  const effect::StartRender& render_;
  const std::shared_ptr<const Snapshot> snapshot_;
  ParseCache* const cache_;
  const Store& store_;
  std::map<std::pair<std::string, std::string>, Folder> folders_;  // By path, default namespace.
  std::map<Digest, BlobBytes> blobs_;
  std::set<Digest> held_;
};

// The files of the configuration repository's folder, in order of their paths.
absl::Status CollectFiles(const Snapshot& snapshot, const std::string& directory,
                          std::vector<ResourceFile>* files) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Snapshot::Entry> entries,
                            snapshot.List(directory, kConfigFilesMax));
  for (const Snapshot::Entry& entry : entries) {
    const std::string path =
        directory.empty() ? entry.name : absl::StrCat(directory, "/", entry.name);
    if (absl::StartsWith(entry.name, ".")) continue;
    if (entry.kind == Snapshot::Kind::kDirectory) {
      LOCKSTEP_RETURN_IF_ERROR(CollectFiles(snapshot, path, files));
      continue;
    }
    const bool manifest = absl::EndsWith(path, ".yaml") || absl::EndsWith(path, ".yml") ||
                          absl::EndsWith(path, ".json");
    if (!manifest || entry.kind != Snapshot::Kind::kFile) continue;
    if (files->size() >= kConfigFilesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("\"", directory, "\" holds more than ", kConfigFilesMax, " files"));
    }
    LOCKSTEP_ASSIGN_OR_RETURN(const auto content, snapshot.ReadFile(path, kConfigFileBytesMax));
    files->push_back({path, *content});
  }
  return absl::OkStatus();
}

event::ConfigRead ReadConfigFiles(const effect::ReadConfig& read, SnapshotProvider* snapshots,
                                  const std::string& path) {
  event::ConfigRead result;
  result.revision = read.revision;
  result.job = read.job;
  const auto snapshot = snapshots->Open(read.repository, read.commit);
  if (!snapshot.ok()) {
    result.whole = snapshot.status();
    return result;
  }
  std::vector<ResourceFile> files;
  result.whole = CollectFiles(**snapshot, path, &files);
  if (result.whole.ok() && files.empty()) {
    result.whole =
        absl::NotFoundError(absl::StrCat("\"", path, "\" holds no .yaml, .yml or .json file"));
  }
  // What the commit itself lacks or has too much of no other reading finds.
  if (absl::IsNotFound(result.whole) || absl::IsResourceExhausted(result.whole))
    result.whole = absl::InvalidArgumentError(result.whole.message());
  if (!result.whole.ok()) return result;
  ParsedResources parsed = ParseResources(files);
  for (ParsedResource& resource : parsed.resources) {
    result.resources.push_back({std::move(resource.resource), std::nullopt, resource.file, {}});
  }
  for (const std::string& error : parsed.errors) {
    // FILE:LINE:COLUMN: message.
    const std::string file = error.substr(0, error.find(':'));
    result.errors.push_back(
        {file, error.size() > file.size() ? error.substr(file.size() + 1) : ""});
  }
  return result;
}

}  // namespace

event::RenderDone RenderCommit(const effect::StartRender& render, SnapshotProvider* snapshots,
                               ParseCache* cache, const Store& store) {
  event::RenderDone done;
  done.repository = render.repository;
  done.revision = render.revision;
  done.job = render.job;
  auto snapshot = snapshots->Open(render.repository, render.commit);
  if (!snapshot.ok()) {
    for (const RenderJob& job : render.jobs) {
      done.outcomes.push_back({job.application->meta.Name().ToString(), job.cluster->name, Digest(),
                               snapshot.status()});
    }
    return done;
  }
  CommitRenderer renderer(render, *std::move(snapshot), cache, store);
  done.outcomes.reserve(render.jobs.size());
  for (const RenderJob& job : render.jobs) done.outcomes.push_back(renderer.Render(job));
  done.blobs = renderer.TakeBlobs();
  return done;
}

void PoolRenderPort::Start(effect::StartRender render) {
  parts_.pool->Run([this, render = std::move(render)] {
    const absl::Duration begun = parts_.clock->Monotonic();
    event::RenderDone done = RenderCommit(render, parts_.snapshots, parts_.cache, *parts_.store);
    parts_.metrics->render_duration->Observe(parts_.clock->Monotonic() - begun);
    for (const Outcome& outcome : done.outcomes) {
      const bool failed = std::holds_alternative<absl::Status>(outcome.result);
      const bool unchanged = std::holds_alternative<Outcome::Unchanged>(outcome.result);
      parts_.metrics->render_jobs->With(failed      ? "failed"
                                        : unchanged ? "unchanged"
                                                    : "rendered")
          .Increment();
    }
    loop_->Post(std::move(done));
  });
}

void PoolRenderPort::ReadConfig(effect::ReadConfig read) {
  parts_.pool->Run([this, read = std::move(read)] {
    loop_->Post(ReadConfigFiles(read, parts_.snapshots, parts_.config_path));
  });
}

}  // namespace lockstep
