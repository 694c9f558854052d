#include "common/render/kustomize/replacements.h"

#include <string>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/replacement/replacement.h"

namespace lockstep::kustomize {
namespace {

Decoder::Decode Options(const Decoder& decoder, Replacement::Options* out) {
  return [&decoder, out](const Value& value, const FieldPath& path) {
    std::string encoding;  // Accepted, not used.
    return decoder.Object(value, path,
                          {{"delimiter", decoder.String(&out->delimiter)},
                           {"index", decoder.Integer(&out->index)},
                           {"encoding", decoder.String(&encoding)},
                           {"create", decoder.Bool(&out->create)}});
  };
}

absl::Status DecodeSource(const Decoder& decoder, const Value& value, const FieldPath& path,
                          Replacement::Source* out) {
  return decoder.Object(value, path,
                        {{"group", decoder.String(&out->group)},
                         {"version", decoder.String(&out->version)},
                         {"kind", decoder.String(&out->kind)},
                         {"name", decoder.String(&out->name)},
                         {"namespace", decoder.String(&out->space)},
                         {"fieldPath", decoder.String(&out->field_path)},
                         {"options", Options(decoder, &out->options)}});
}

absl::Status DecodeTarget(const Decoder& decoder, const Value& value, const FieldPath& path,
                          Replacement::Target* out) {
  std::vector<Text> field_paths;
  LOCKSTEP_RETURN_IF_ERROR(decoder.Object(
      value, path,
      {{"select",
        [&decoder, out](const Value& select, const FieldPath& at) {
          return DecodeSelector(decoder, select, at, &out->select.emplace());
        }},
       {"reject", decoder.List<SelectorSpec>(
                      &out->reject,
                      [&decoder](const Value& reject, const FieldPath& at, SelectorSpec* spec) {
                        return DecodeSelector(decoder, reject, at, spec);
                      })},
       {"fieldPaths", decoder.Strings(&field_paths)},
       {"options", Options(decoder, &out->options)}}));
  for (Text& each : field_paths) out->field_paths.push_back(std::move(each.text));
  return absl::OkStatus();
}

Decoder::Fields ReplacementFields(const Decoder& decoder, Replacement* out) {
  return {{"source",
           [&decoder, out](const Value& value, const FieldPath& path) {
             out->source = Replacement::Source{};
             return DecodeSource(decoder, value, path, &*out->source);
           }},
          {"sourceValue",
           [&decoder, out](const Value& value, const FieldPath& path) {
             return decoder.String(&out->source_value.emplace())(value, path);
           }},
          {"targets", [&decoder, out](const Value& value, const FieldPath& path) {
             return decoder.List<Replacement::Target>(
                 &out->targets.emplace(),
                 [&decoder](const Value& target, const FieldPath& at, Replacement::Target* made) {
                   return DecodeTarget(decoder, target, at, made);
                 })(value, path);
           }}};
}

class Entries {
 public:
  Entries(Decoder::Strictness strictness, const Loader& loader, ResourceList* list)
      : loader_(loader),
        decoder_(loader.session().MakeDecoder(strictness)),
        lenient_(loader.session().MakeDecoder(Decoder::Strictness::kLenient)),
        list_(list) {}

  absl::Status Apply(const Value& entry, size_t index) {
    const FieldPath root = {.name = "replacements"};
    const FieldPath path = {.parent = &root, .index = index};
    Replacement replacement;
    Text file;
    Decoder::Fields fields = ReplacementFields(decoder_, &replacement);
    fields.push_back({"path", decoder_.String(&file)});
    LOCKSTEP_RETURN_IF_ERROR(decoder_.Object(entry, path, fields));
    if (file.text.empty()) return Carry(replacement, entry);
    if (replacement.source || (replacement.targets && !replacement.targets->empty())) {
      return decoder_.Error(entry,
                            "a replacement has both a path and a source or targets; keep one");
    }
    return ApplyFile(file);
  }

 private:
  absl::Status Carry(const Replacement& replacement, const Value& entry) {
    const absl::Status status = Replace(replacement, &list_->items());
    list_->Changed();
    return status.ok() ? status : loader_.session().At(entry.place(), status);
  }

  absl::Status ApplyFile(const Text& file) {
    LOCKSTEP_ASSIGN_OR_RETURN(const auto documents, loader_.ReadConfiguration(file));
    const Value empty;
    const Value& content = (*documents)->empty() ? empty : (*documents)->front();
    if (!content.IsArray() && !content.IsObject()) {
      return loader_.session().Error(
          file.place, absl::StrCat("\"", file.text, "\" holds a ", content.TypeName(),
                                   ", where a replacement or a list of them should stand"));
    }
    if (content.IsObject()) return ApplyInFile(content);
    for (const Value& item : content.AsArray()) LOCKSTEP_RETURN_IF_ERROR(ApplyInFile(item));
    return absl::OkStatus();
  }

  absl::Status ApplyInFile(const Value& entry) {
    Replacement replacement;
    LOCKSTEP_RETURN_IF_ERROR(lenient_.Object(entry, {}, ReplacementFields(lenient_, &replacement)));
    return Carry(replacement, entry);
  }

  const Loader& loader_;
  const Decoder decoder_;
  const Decoder lenient_;
  ResourceList* const list_;
};

}  // namespace

absl::Status ApplyReplacements(const std::vector<const Value*>& entries,
                               Decoder::Strictness strictness, const Loader& loader,
                               ResourceList* list) {
  Entries all(strictness, loader, list);
  for (size_t i = 0; i < entries.size(); ++i) {
    LOCKSTEP_RETURN_IF_ERROR(all.Apply(*entries[i], i));
  }
  list->DropEmpty();
  return absl::OkStatus();
}

}  // namespace lockstep::kustomize
