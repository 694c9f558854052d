#include "common/render/plain.h"

#include <algorithm>
#include <deque>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/render/manifest_file.h"
#include "common/render/source_walk.h"

namespace lockstep {
namespace {

// Faults of one folder, as one status.
class Faults {
 public:
  explicit Faults(size_t shown_max) : shown_max_(shown_max) {}

  void Add(std::string line) {
    ++count_;
    if (lines_.size() < shown_max_) lines_.push_back(std::move(line));
  }
  absl::Status status() const {
    if (count_ == 0) return absl::OkStatus();
    std::string text = absl::StrJoin(lines_, "\n");
    if (count_ > lines_.size()) absl::StrAppend(&text, "\nand ", count_ - lines_.size(), " more");
    return absl::InvalidArgumentError(text);
  }

 private:
  const size_t shown_max_;
  size_t count_ = 0;
  std::vector<std::string> lines_;
};

// One file's objects on the way into the set.
struct LoadedFile {
  const SourceFile* source;
  std::string cache_key;
  std::shared_ptr<const ParsedFile> as_written;
  std::shared_ptr<const ParsedFile> in_namespace;  // Made where an object needs it.
};

// An object that is settled: its key, and the form of it that counts.
struct Settled {
  const ObjectKey* key;  // Of the object, or one of the renderer's own.
  const ParsedObject* object;
  const SourceFile* source;
};

class PlainRenderer {
 public:
  PlainRenderer(const Snapshot& snapshot, const RenderParameters& parameters, ParseCache* cache)
      : snapshot_(snapshot),
        parameters_(parameters),
        cache_(cache),
        faults_(parameters.limits.errors) {}

  absl::StatusOr<RenderedSet> Render(absl::string_view path) {
    LOCKSTEP_ASSIGN_OR_RETURN(const SourceTree tree,
                              WalkSource(snapshot_, path, parameters_.ignore, parameters_.limits));
    for (const std::string& fault : tree.kustomizations) {
      faults_.Add(absl::StrCat(
          fault,
          ": building with Kustomize is not there yet, and half of it would be wrong; name a "
          "folder of plain manifests, or exclude the kustomization files in .sourceignore"));
    }
    LOCKSTEP_RETURN_IF_ERROR(faults_.status());
    for (const std::string& fault : tree.faults) faults_.Add(fault);
    set_.warnings = tree.warnings;
    LOCKSTEP_RETURN_IF_ERROR(Load(tree.files));
    const std::vector<Settled> settled = Settle();
    CheckOnce(settled);
    LOCKSTEP_RETURN_IF_ERROR(faults_.status());
    return Finish(settled);
  }

 private:
  absl::Status Load(const std::vector<SourceFile>& files) {
    set_.files = files.size();
    loaded_.reserve(files.size());
    size_t documents = 0;
    for (const SourceFile& file : files) {
      LOCKSTEP_ASSIGN_OR_RETURN(const std::shared_ptr<const ParsedFile> parsed, LoadFile(file));
      if (parsed == nullptr) continue;
      documents += parsed->documents;
      if (documents > parameters_.limits.documents) {
        return absl::ResourceExhaustedError(absl::StrCat(
            file.path, ": the source path holds more than ", parameters_.limits.documents,
            " documents, the limit; split it into several applications"));
      }
      for (const ParsedObject& object : parsed->objects) {
        if (object.defines == Scope::kUnknown) continue;
        scopes_.Define(object.defines_group, object.defines_kind, object.defines);
      }
    }
    return absl::OkStatus();
  }

  // Null where the file has faults.
  absl::StatusOr<std::shared_ptr<const ParsedFile>> LoadFile(const SourceFile& file) {
    // JSON is read a little differently, so the kind of file is part of the key.
    std::string key = absl::StrCat(file.id, absl::string_view(&file.path.back(), 1));
    std::shared_ptr<const ParsedFile> parsed = cache_ == nullptr ? nullptr : cache_->Find(key);
    if (parsed == nullptr) {
      LOCKSTEP_ASSIGN_OR_RETURN(parsed, ParseFile(file));
      if (parsed == nullptr) return parsed;
      if (cache_ != nullptr) cache_->Add(key, parsed);
    }
    loaded_.push_back({&file, std::move(key), parsed, nullptr});
    return parsed;
  }

  absl::StatusOr<std::shared_ptr<const ParsedFile>> ParseFile(const SourceFile& file) {
    const uint64_t bytes_max = parameters_.limits.file_bytes;
    const absl::StatusOr<std::shared_ptr<const std::string>> content =
        snapshot_.ReadFile(file.path, bytes_max);
    if (absl::IsResourceExhausted(content.status())) {
      faults_.Add(absl::StrCat(file.path, ": has more than ", bytes_max,
                               " bytes, the limit of a manifest file; split it"));
      return nullptr;
    }
    LOCKSTEP_RETURN_IF_ERROR(content.status());
    ++set_.files_parsed;
    ManifestFile result = ReadManifestFile(**content, file.path);
    for (std::string& error : result.errors) faults_.Add(std::move(error));
    if (!result.errors.empty()) return nullptr;
    return std::make_shared<const ParsedFile>(std::move(result.parsed));
  }

  std::vector<Settled> Settle() {
    std::vector<Settled> settled;
    settled.reserve(loaded_.size());
    for (LoadedFile& file : loaded_) {
      for (size_t i = 0; i < file.as_written->objects.size(); ++i) {
        settled.push_back(SettleOne(file, i));
      }
    }
    std::stable_sort(settled.begin(), settled.end(),
                     [](const Settled& a, const Settled& b) { return *a.key < *b.key; });
    return settled;
  }

  Settled SettleOne(LoadedFile& file, size_t position) {
    const ParsedObject& object = file.as_written->objects[position];
    const Scope scope = scopes_.Of(object.key.group, object.key.kind);
    if (scope == Scope::kNamespaced && object.key.namespace_.empty()) {
      const ParsedObject& moved = InDefaultNamespace(file)[position];
      return {&moved.key, &moved, file.source};
    }
    if (scope == Scope::kCluster && !object.key.namespace_.empty()) {
      ObjectKey& key = own_keys_.emplace_back(object.key);
      key.namespace_.clear();  // Kubernetes takes no notice of it there.
      return {&key, &object, file.source};
    }
    return {&object.key, &object, file.source};
  }

  // All objects of the file that may need it, because the cache holds whole files.
  const std::vector<ParsedObject>& InDefaultNamespace(LoadedFile& file) {
    if (file.in_namespace != nullptr) return file.in_namespace->objects;
    const std::string key = absl::StrCat(file.cache_key, parameters_.default_namespace);
    if (cache_ != nullptr) file.in_namespace = cache_->Find(key);
    if (file.in_namespace == nullptr) {
      ParsedFile moved = *file.as_written;
      for (ParsedObject& object : moved.objects) {
        const bool may_need = object.key.namespace_.empty() &&
                              BuiltInScope(object.key.group, object.key.kind) != Scope::kCluster;
        if (may_need) object = InNamespace(object, parameters_.default_namespace);
      }
      file.in_namespace = std::make_shared<const ParsedFile>(std::move(moved));
      if (cache_ != nullptr) cache_->Add(key, file.in_namespace);
    }
    return file.in_namespace->objects;
  }

  void CheckOnce(const std::vector<Settled>& settled) {
    for (size_t i = 1; i < settled.size(); ++i) {
      if (*settled[i].key != *settled[i - 1].key) continue;
      faults_.Add(absl::StrCat(settled[i].source->path, ":", settled[i].object->place.line, ":",
                               settled[i].object->place.column, ": ", settled[i].key->ToString(),
                               " is also in ", settled[i - 1].source->path, ":",
                               settled[i - 1].object->place.line,
                               "; an application names an object once"));
    }
  }

  absl::StatusOr<RenderedSet> Finish(const std::vector<Settled>& settled) {
    std::vector<ManifestEntry> entries;
    entries.reserve(settled.size());
    set_.objects.reserve(settled.size());
    for (const Settled& one : settled) {
      entries.push_back({*one.key, one.object->blob});
      set_.objects.push_back(
          {*one.key, one.object->blob, one.object->json, one.source->path, one.object->place.line});
    }
    LOCKSTEP_ASSIGN_OR_RETURN(set_.manifest, Manifest::Make(std::move(entries)));
    return std::move(set_);
  }

  const Snapshot& snapshot_;
  const RenderParameters& parameters_;
  ParseCache* const cache_;  // Borrowed; may be null.
  Faults faults_;
  std::vector<LoadedFile> loaded_;
  std::deque<ObjectKey> own_keys_;
  DefinedScopes scopes_;
  RenderedSet set_;
};

}  // namespace

const RenderedObject* RenderedSet::Find(const ObjectKey& key) const {
  const auto found = std::lower_bound(
      objects.begin(), objects.end(), key,
      [](const RenderedObject& object, const ObjectKey& wanted) { return object.key < wanted; });
  return found != objects.end() && found->key == key ? &*found : nullptr;
}

absl::StatusOr<RenderedSet> RenderPlain(const Snapshot& snapshot, absl::string_view path,
                                        const RenderParameters& parameters, ParseCache* cache) {
  return PlainRenderer(snapshot, parameters, cache).Render(path);
}

absl::StatusOr<Digest> RenderInput(const Snapshot& snapshot, absl::string_view path,
                                   const RenderParameters& parameters) {
  Hasher hasher;
  hasher.AddSized(path);
  LOCKSTEP_RETURN_IF_ERROR(HashSource(snapshot, path, hasher));
  hasher.AddSized(parameters.default_namespace);
  hasher.AddInteger(parameters.ignore.has_value());
  hasher.AddSized(parameters.ignore.value_or(""));
  const RenderLimits& limits = parameters.limits;
  for (const uint64_t limit : {uint64_t{limits.files}, limits.file_bytes,
                               uint64_t{limits.documents}, uint64_t{limits.errors}}) {
    hasher.AddInteger(limit);
  }
  return hasher.Finish();
}

}  // namespace lockstep
