#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/resource_list.h"
#include "common/render/kustomize/transformer_config.h"
#include "common/render/resource/resource.h"

namespace lockstep::kustomize {

/// What a kustomization has gathered so far.
struct Accumulator {
  ResourceList list;
  SharedConfig config;  // Null for nothing.
  std::vector<VarEntry> vars;

  /// Takes over all of `other`. INVALID_ARGUMENT for ids and vars that are here already.
  absl::Status Join(const Session& session, Accumulator other);
};

/// One kustomization of a build: the steps 1 to 9 of KUSTOMIZE.md's section 1.
class Target {
 public:
  /// Reads the kustomization in the loader's folder. `from` is where that is named.
  static absl::StatusOr<std::unique_ptr<Target>> Load(std::unique_ptr<Loader> loader, Origin origin,
                                                      Place from);

  const Kustomization& kustomization() const { return kustomization_; }
  const Loader& loader() const { return *loader_; }

  /// Adds what this kustomization makes to `all`, and runs its transformers on that.
  absl::Status Accumulate(Accumulator* all);

  /// Sets the schema of the kustomization's `openapi`, if it has one.
  absl::Status SetSchema();

 private:
  Target(std::unique_ptr<Loader> loader, Origin origin)
      : loader_(std::move(loader)), origin_(std::move(origin)) {}

  Session& session() const { return loader_->session(); }

  absl::Status AddEntries(const std::vector<Text>& entries, Accumulator* all);
  absl::Status AddFile(const Text& entry, Accumulator* all);
  absl::Status AddFolder(const Text& entry, bool component, Accumulator* all);
  absl::Status AddConfigurations(Accumulator* all);
  absl::Status Generate(Accumulator* all);
  absl::Status Transform(Accumulator* all);
  absl::Status TransformNames(Accumulator* all);
  absl::Status TransformLabels(Accumulator* all);
  absl::Status TransformFields(Accumulator* all);
  absl::Status RunPlugins(Accumulator* all);
  absl::Status RunValidators(Accumulator* all);
  /// The objects that an entry of generators, transformers or validators configures.
  absl::StatusOr<std::vector<Resource>> ReadPlugins(const std::vector<Text>& entries);
  /// Runs one built-in transformer: errors get `place` in front, buildMetadata records it.
  absl::Status Step(absl::string_view kind, Place place, Accumulator* all,
                    absl::FunctionRef<absl::Status(ResourceList*)> run);

  const std::unique_ptr<Loader> loader_;
  const Origin origin_;
  std::shared_ptr<const FileCache::Documents> documents_;  // The kustomization points into it.
  Kustomization kustomization_;
};

}  // namespace lockstep::kustomize
