#include "common/render/kustomize/value_add.h"

#include <string>
#include <utility>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/transformers.h"

namespace lockstep::kustomize {
namespace {

struct Target {
  std::optional<SelectorSpec> selector;
  std::string field_path;
  int64_t position = 0;  // Of the value in a path, from 1; 0: it is the whole field.
};

Decoder::Decode Targets(const Decoder& decoder, std::vector<Target>* out) {
  return decoder.List<Target>(
      out, [&decoder](const Value& value, const FieldPath& path, Target* target) {
        return decoder.Object(value, path,
                              {{"selector",
                                [&decoder, target](const Value& selector, const FieldPath& at) {
                                  return DecodeSelector(decoder, selector, at,
                                                        &target->selector.emplace());
                                }},
                               {"fieldPath", decoder.String(&target->field_path)},
                               {"filePathPosition", decoder.Integer(&target->position)}});
      });
}

// "a/c" with "b" at 2 is "a/b/c"; a leading slash stays.
std::string InsertPart(absl::string_view path, int64_t position, absl::string_view part) {
  const bool absolute = !path.empty() && path[0] == '/';
  std::vector<std::string> parts = absl::StrSplit(path, '/', absl::SkipEmpty());
  const auto at = std::min<int64_t>(position - 1, static_cast<int64_t>(parts.size()));
  parts.insert(parts.begin() + at, std::string(part));
  return absl::StrCat(absolute ? "/" : "", absl::StrJoin(parts, "/"));
}

absl::Status Add(const std::string& text, const Target& target, Resource* resource) {
  FieldSpec spec;
  spec.path = target.field_path;
  spec.create = true;
  spec.Split();
  return VisitField(spec, CreateKind::kScalar, &resource->value, [&](Value* value) {
    if (value->IsObject() || value->IsArray()) {
      return absl::InvalidArgumentError(
          absl::StrCat(target.field_path, " is a ", value->TypeName(), ", not a text"));
    }
    *value = Value::TakeString(
        target.position > 0 ? InsertPart(ScalarText(*value), target.position, text) : text);
    return absl::OkStatus();
  });
}

}  // namespace

absl::Status ApplyValueAdd(const Value& configuration, const Decoder& decoder, const Loader& loader,
                           ResourceList* list) {
  std::string text;
  std::vector<Target> targets;
  Text file;
  LOCKSTEP_RETURN_IF_ERROR(decoder.Object(configuration, {},
                                          {{"value", decoder.String(&text)},
                                           {"targets", Targets(decoder, &targets)},
                                           {"targetFilePath", decoder.String(&file)}}));
  text = std::string(absl::StripAsciiWhitespace(text));
  if (text.empty()) text = loader.root().substr(loader.root().rfind('/') + 1);
  if (!file.text.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(const auto documents, loader.ReadConfiguration(file));
    if (!(*documents)->empty()) {
      LOCKSTEP_RETURN_IF_ERROR(
          decoder.Object((*documents)->front(), {}, {{"targets", Targets(decoder, &targets)}}));
    }
  }
  if (targets.empty()) return absl::InvalidArgumentError("it has no targets; name one");
  for (const Target& target : targets) {
    if (target.field_path.empty() || target.position < 0) {
      return absl::InvalidArgumentError(
          "a target needs fieldPath, and filePathPosition must not be negative");
    }
    LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<size_t> selected,
                              list->Select(target.selector.value_or(SelectorSpec())));
    for (const size_t position : selected) {
      Resource& resource = list->items()[position];
      if (target.field_path == "metadata/namespace" && resource.CurrentId().space == kNoNamespace) {
        continue;
      }
      LOCKSTEP_RETURN_IF_ERROR(OfObject(Add(text, target, &resource), resource));
    }
    list->Changed();
  }
  return absl::OkStatus();
}

}  // namespace lockstep::kustomize
