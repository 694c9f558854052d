#include <string>
#include <utility>

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"
#include "common/render/kustomize/transformers.h"
#include "common/render/resource/pattern.h"

namespace lockstep::kustomize {
namespace {

constexpr absl::string_view kTagAndDigest = "(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$";

// [host[:port]/]name[:tag][@digest]
struct ImageName {
  absl::string_view name, tag, digest;
};

ImageName Split(absl::string_view image) {
  const size_t slash = image.find('/');
  const size_t from = slash == absl::string_view::npos ? 0 : slash;
  const size_t at = image.find('@', from);
  const size_t colon = image.find(':', from);
  if (colon == absl::string_view::npos || at < colon) {
    if (at == absl::string_view::npos) return {.name = image};
    return {.name = image.substr(0, at), .digest = image.substr(at + 1)};
  }
  ImageName parts = {.name = image.substr(0, colon)};
  parts.tag = image.substr(colon + 1, at == absl::string_view::npos ? at : at - colon - 1);
  if (at != absl::string_view::npos) parts.digest = image.substr(at + 1);
  return parts;
}

class ImageSetter {
 public:
  ImageSetter(const ImageEntry& entry, Pattern pattern)
      : entry_(entry), pattern_(std::move(pattern)) {}

  absl::Status Set(Value* value) const {
    if (value->IsObject() || value->IsArray()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the image must be a text, not a ", value->TypeName()));
    }
    const absl::string_view old = ScalarText(*value);
    if (!pattern_.Matches(old)) return absl::OkStatus();
    const Place place = value->place();
    *value = Value::TakeString(Changed(Split(old)));
    value->set_place(place);
    return absl::OkStatus();
  }

  // Every list called containers or initContainers, wherever it stands. Recursion is bounded by the
  // reader's depth limit.
  absl::Status SetInContainers(Value* value) const {
    if (value->IsArray()) {
      for (Value& item : value->AsArray()) LOCKSTEP_RETURN_IF_ERROR(SetInContainers(&item));
      return absl::OkStatus();
    }
    if (!value->IsObject()) return absl::OkStatus();
    for (Object::Member& member : value->AsObject()) {
      LOCKSTEP_RETURN_IF_ERROR(SetInContainers(&member.value));
      const bool meant = member.key == "containers" || member.key == "initContainers";
      if (!meant || !member.value.IsArray()) continue;
      for (Value& container : member.value.AsArray()) {
        LOCKSTEP_RETURN_IF_ERROR(SetInContainer(&container));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status SetInContainer(Value* container) const {
    if (container->IsNull()) return absl::OkStatus();
    if (!container->IsObject()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a container must be a mapping, not a ", container->TypeName()));
    }
    Value* const image = container->Find("image");
    return image == nullptr || image->IsNull() ? absl::OkStatus() : Set(image);
  }

  std::string Changed(const ImageName& old) const {
    std::string name(entry_.new_name.empty() ? old.name : absl::string_view(entry_.new_name));
    std::string tag(old.tag);
    absl::string_view digest = old.digest;
    if (!entry_.new_tag.empty()) {
      tag = entry_.new_tag;
      digest = entry_.digest;
    } else if (!entry_.digest.empty()) {
      tag.clear();
      digest = entry_.digest;
    } else if (!entry_.tag_suffix.empty()) {
      absl::StrAppend(&tag, entry_.tag_suffix);
      digest = "";
    }
    if (!tag.empty()) absl::StrAppend(&name, ":", tag);
    if (!digest.empty()) absl::StrAppend(&name, "@", digest);
    return name;
  }

  const ImageEntry& entry_;
  const Pattern pattern_;
};

}  // namespace

absl::Status ApplyImages(const ImageEntry& entry, const FieldSpecs& specs, ResourceList* list) {
  absl::StatusOr<Pattern> pattern =
      Pattern::Compile(absl::StrCat("^", entry.name, kTagAndDigest), Pattern::Extent::kAnywhere);
  if (!pattern.ok()) return Annotate(pattern.status(), "the image's name");
  const ImageSetter setter(entry, *std::move(pattern));
  for (Resource& resource : list->items()) {
    if (GvkOf(resource.value).kind == "CustomResourceDefinition") continue;
    LOCKSTEP_RETURN_IF_ERROR(OfObject(setter.SetInContainers(&resource.value), resource));
    for (const FieldSpec& spec : specs) {
      if (!Applies(spec, GvkOf(resource.value))) continue;
      const absl::Status status =
          VisitField(spec, CreateKind::kNothing, &resource.value, [&setter](Value* value) {
            return value->IsNull() ? absl::OkStatus() : setter.Set(value);
          });
      LOCKSTEP_RETURN_IF_ERROR(OfObject(status, resource));
    }
  }
  return absl::OkStatus();
}

}  // namespace lockstep::kustomize
