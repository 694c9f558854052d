#include "common/render/replacement/embedded_text.h"

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_replace.h>

#include "common/base/status.h"
#include "common/object/json.h"
#include "common/render/patch/scalar.h"
#include "common/render/replacement/scalar_text.h"
#include "common/render/replacement/styled_yaml.h"

namespace lockstep::kustomize {
namespace {

void SortKeys(Value* value) {
  if (value->IsArray()) {
    for (Value& item : value->AsArray()) SortKeys(&item);
  } else if (value->IsObject()) {
    std::vector<Object::Member> members;
    for (Object::Member& member : value->AsObject()) {
      SortKeys(&member.value);
      members.push_back(std::move(member));
    }
    std::sort(members.begin(), members.end(),
              [](const Object::Member& a, const Object::Member& b) { return a.key < b.key; });
    value->AsObject().Assign(std::move(members));
  }
}

/// JSON as Go's encoding/json prints it, on several lines if the original had several.
std::string WriteGoJson(Value document, absl::string_view original) {
  SortKeys(&document);
  const bool pretty = absl::StrContains(original, '\n') && absl::StrContains(original, "  ");
  // These stand in strings only.
  return absl::StrReplaceAll(WriteJson(document, pretty ? 2 : 0), {{"<", "\\u003c"},
                                                                   {">", "\\u003e"},
                                                                   {"&", "\\u0026"},
                                                                   {"\u2028", "\\u2028"},
                                                                   {"\u2029", "\\u2029"}});
}

bool IsScalar(const Value& value) { return !value.IsArray() && !value.IsObject(); }

absl::StatusOr<std::string> ChangeText(const std::string& text,
                                       const std::vector<std::string>& path, Create create,
                                       const Value& value) {
  LOCKSTEP_ASSIGN_OR_RETURN(Value document, ReadText(text));
  LOCKSTEP_ASSIGN_OR_RETURN(const FoundPlaces found, FindAll(path, create, &document));
  if (found.places.empty() && found.in_texts == 0) {
    return absl::NotFoundError("there is no such field in the text");
  }
  for (Value* place : found.places) {
    if (IsScalar(*place)) {
      LOCKSTEP_RETURN_IF_ERROR(SetText(patch::TextOf(value), place));
    } else {
      *place = value;
    }
  }
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(text);
  if (absl::StartsWith(start, "{") || absl::StartsWith(start, "[")) {
    return WriteGoJson(std::move(document), text);
  }
  return std::string(absl::StripAsciiWhitespace(WriteStyledYaml(document, text)));
}

}  // namespace

bool SetInText(const std::vector<std::string>& path, Create create, const Value& value,
               Value* root) {
  for (size_t i = 1; i < path.size(); ++i) {
    const std::vector<std::string> outer(path.begin(),
                                         path.begin() + static_cast<std::ptrdiff_t>(i));
    const absl::StatusOr<Value*> scalar = LookUp(outer, root);
    if (!scalar.ok() || *scalar == nullptr || !IsScalar(**scalar)) continue;
    const std::string text = patch::TextOf(**scalar);
    if (absl::StripAsciiWhitespace(text).empty()) continue;
    const std::vector<std::string> inner(path.begin() + static_cast<std::ptrdiff_t>(i), path.end());
    const absl::StatusOr<std::string> changed = ChangeText(text, inner, create, value);
    return changed.ok() && SetText(*changed, *scalar).ok();
  }
  return false;
}

}  // namespace lockstep::kustomize
