#include "common/render/replacement/replacement.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/render/patch/scalar.h"
#include "common/render/replacement/embedded_text.h"
#include "common/render/replacement/field_path.h"
#include "common/render/replacement/scalar_text.h"

namespace lockstep::kustomize {
namespace {

constexpr absl::string_view kDefaultPath = "metadata.name";

bool IsScalar(const Value& value) { return !value.IsArray() && !value.IsObject(); }

std::string Describe(const Replacement::Source& source) {
  std::vector<std::string> words;
  const auto add = [&words](absl::string_view key, absl::string_view text) {
    if (!text.empty()) words.push_back(absl::StrCat(key, " ", text));
  };
  add("group", source.group);
  add("version", source.version);
  add("kind", source.kind);
  add("name", source.name);
  add("namespace", source.space);
  return absl::StrJoin(words, ", ");
}

/// Whether it is called so now, or ever was.
bool IsSelected(const Resource& resource, const Replacement::Source& source) {
  const Gvk wanted = {source.group, source.version, source.kind};
  const absl::string_view space =
      IsCertainlyClusterScoped(wanted) ? kNoNamespace : absl::string_view(source.space);
  for (const ResourceId& id : resource.AllIds()) {
    if ((source.name.empty() || source.name == id.name) &&
        (source.space.empty() || space == id.space) && id.gvk.IsSelectedBy(wanted)) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<Resource*> FindSource(const Replacement::Source& source,
                                     std::vector<Resource>* resources) {
  Resource* found = nullptr;
  for (Resource& resource : *resources) {
    if (!IsSelected(resource, source)) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("source: ", Describe(source), " selects more than one object: ",
                       found->CurrentId().ToString(), " and ", resource.CurrentId().ToString()));
    }
    found = &resource;
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("source: nothing is selected by ", Describe(source)));
  }
  return found;
}

/// A copy of what the targets get.
absl::StatusOr<Value> ReadSource(const Replacement::Source& source,
                                 std::vector<Resource>* resources) {
  LOCKSTEP_ASSIGN_OR_RETURN(Resource * resource, FindSource(source, resources));
  const std::string path =
      source.field_path.empty() ? std::string(kDefaultPath) : source.field_path;
  const absl::StatusOr<Value*> field = LookUp(SplitFieldPath(path), &resource->value);
  if (!field.ok()) {
    return Annotate(field.status(), absl::StrCat("source: fieldPath ", path, " of ",
                                                 resource->CurrentId().ToString()));
  }
  if (*field == nullptr || patch::IsNullOrEmpty(**field)) {
    return absl::InvalidArgumentError(absl::StrCat("source: fieldPath ", path, " is missing in ",
                                                   resource->CurrentId().ToString()));
  }
  Value value = **field;
  if (source.options.delimiter.empty()) return value;
  if (!IsScalar(value)) {
    return absl::InvalidArgumentError(absl::StrCat("source: fieldPath ", path, " is a ",
                                                   value.TypeName(), "; a delimiter is for text"));
  }
  const std::string text = patch::TextOf(value);
  const std::vector<std::string> pieces = absl::StrSplit(text, source.options.delimiter);
  const int64_t index = source.options.index;
  if (index < 0 || index >= static_cast<int64_t>(pieces.size())) {
    return absl::InvalidArgumentError(absl::StrCat("source: options.index ", index,
                                                   " is out of bounds for \"", text,
                                                   "\", which has ", pieces.size(), " pieces"));
  }
  // A piece of a number is still written as one.
  const bool quoted = value.is_quoted();
  value = quoted ? Value::String(pieces[static_cast<size_t>(index)])
                 : PlainScalar(pieces[static_cast<size_t>(index)]);
  value.set_quoted(quoted);
  return value;
}

/// One of the targets, its expressions compiled.
class Writer {
 public:
  static absl::StatusOr<Writer> Make(const Replacement::Target& target) {
    if (!target.select.has_value()) {
      return absl::InvalidArgumentError("select is missing; say which objects the value is for");
    }
    Writer writer(&target);
    LOCKSTEP_ASSIGN_OR_RETURN(writer.select_, Selector::Compile(*target.select));
    for (const SelectorSpec& spec : target.reject) {
      LOCKSTEP_ASSIGN_OR_RETURN(writer.reject_.emplace_back(), Selector::Compile(spec));
    }
    const std::vector<std::string> default_path = {std::string(kDefaultPath)};
    for (const std::string& path : target.field_paths.empty() ? default_path : target.field_paths) {
      writer.paths_.push_back({path, SplitFieldPath(path)});
    }
    return writer;
  }

  bool Selects(const Resource& resource) const {
    if (!select_.MatchesLabelsAndAnnotations(resource.value)) return false;
    bool selected = Matches(select_, resource);
    for (size_t i = 0; i < reject_.size() && selected; ++i) {
      const SelectorSpec& spec = target_->reject[i];
      const bool by_labels = !spec.label_selector.empty() || !spec.annotation_selector.empty();
      const bool by_id = !spec.group.empty() || !spec.version.empty() || !spec.kind.empty() ||
                         !spec.name.empty() || !spec.space.empty();
      // Either suffices.
      if (by_labels && reject_[i].MatchesLabelsAndAnnotations(resource.value)) selected = false;
      if (by_id && Matches(reject_[i], resource)) selected = false;
    }
    return selected;
  }

  absl::Status Write(const Value& value, Resource* resource) const {
    for (const Path& path : paths_) {
      if (absl::Status status = WriteAt(path, value, &resource->value); !status.ok()) {
        return Annotate(status, absl::StrCat("fieldPath ", path.text, " of ",
                                             resource->CurrentId().ToString()));
      }
    }
    return absl::OkStatus();
  }

 private:
  struct Path {
    std::string text;
    std::vector<std::string> parts;
  };

  explicit Writer(const Replacement::Target* target) : target_(target) {}

  /// By any name that it has or had. The current namespace counts as it is written.
  static bool Matches(const Selector& selector, const Resource& resource) {
    const auto matches = [&selector](const ResourceId& id, absl::string_view space) {
      return selector.MatchesGvk(id.gvk) && selector.MatchesName(id.name) &&
             selector.MatchesNamespace(space);
    };
    if (matches(resource.CurrentId(), NamespaceOf(resource.value))) return true;
    for (size_t i = 0; i < resource.former.size(); ++i) {
      const ResourceId id = resource.FormerId(i);
      if (matches(id, id.space)) return true;
    }
    return false;
  }

  absl::Status WriteAt(const Path& path, const Value& value, Value* object) const {
    Create create = Create::kNothing;
    if (target_->options.create) {
      create = value.IsObject()  ? Create::kMapping
               : value.IsArray() ? Create::kList
                                 : Create::kScalar;
    }
    if (SetInText(path.parts, create, value, object)) return absl::OkStatus();
    LOCKSTEP_ASSIGN_OR_RETURN(const FoundPlaces found, FindAll(path.parts, create, object));
    if (found.places.empty() && found.in_texts == 0) {
      return absl::InvalidArgumentError(
          create == Create::kNothing ? "there is no such field; options.create: true makes it"
                                     : "there is no such field, and it cannot be made");
    }
    for (Value* place : found.places) LOCKSTEP_RETURN_IF_ERROR(Put(value, place));
    return absl::OkStatus();
  }

  absl::Status Put(const Value& value, Value* place) const {
    if (!IsScalar(*place)) {
      if (!target_->options.delimiter.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the field is a ", place->TypeName(), "; a delimiter is for text"));
      }
      *place = value;
      return absl::OkStatus();
    }
    if (target_->options.delimiter.empty()) return SetText(patch::TextOf(value), place);
    const std::string text = patch::TextOf(*place);
    std::vector<std::string> pieces = absl::StrSplit(text, target_->options.delimiter);
    const int64_t index = target_->options.index;
    std::string piece = value.IsNull() ? "" : patch::TextOf(value);
    if (index < 0) {
      pieces.insert(pieces.begin(), std::move(piece));
    } else if (index >= static_cast<int64_t>(pieces.size())) {
      pieces.push_back(std::move(piece));
    } else {
      pieces[static_cast<size_t>(index)] = std::move(piece);
    }
    return SetText(absl::StrJoin(pieces, target_->options.delimiter), place);
  }

  const Replacement::Target* target_;
  Selector select_;
  std::vector<Selector> reject_;
  std::vector<Path> paths_;
};

absl::StatusOr<Value> ValueOf(const Replacement& replacement, std::vector<Resource>* resources) {
  if (replacement.source_value.has_value()) {
    if (replacement.source.has_value()) {
      return absl::InvalidArgumentError("source and sourceValue are both given; take one");
    }
    return PlainScalar(*replacement.source_value);
  }
  return ReadSource(*replacement.source, resources);
}

}  // namespace

absl::Status Replace(const Replacement& replacement, std::vector<Resource>* resources) {
  if ((!replacement.source.has_value() && !replacement.source_value.has_value()) ||
      !replacement.targets.has_value()) {
    return absl::InvalidArgumentError("a replacement needs a source and at least one target");
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const Value value, ValueOf(replacement, resources));
  size_t index = 0;
  for (const Replacement::Target& target : *replacement.targets) {
    const std::string where = absl::StrCat("targets[", index++, "]");
    const absl::StatusOr<Writer> writer = Writer::Make(target);
    if (!writer.ok()) return Annotate(writer.status(), where);
    for (Resource& resource : *resources) {
      if (!writer->Selects(resource)) continue;
      if (absl::Status status = writer->Write(value, &resource); !status.ok()) {
        return Annotate(status, where);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace lockstep::kustomize
