#include "common/object/object_key.h"

#include <absl/strings/str_cat.h>

namespace lockstep {
namespace {

absl::Status CheckPart(absl::string_view what, absl::string_view part, bool required) {
  if (part.empty() && required) return absl::InvalidArgumentError(absl::StrCat(what, " is empty"));
  if (part.size() > 253)
    return absl::InvalidArgumentError(absl::StrCat(what, " has more than 253 bytes"));
  if (part == "." || part == "..")
    return absl::InvalidArgumentError(absl::StrCat(what, " is \"", part, "\""));
  for (const unsigned char c : part) {
    if (c < 0x20 || c == 0x7f || c == '/') {
      return absl::InvalidArgumentError(
          absl::StrCat(what, " holds a slash or a control character"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string ObjectKey::ToString() const {
  std::string text = kind;
  if (!group.empty()) absl::StrAppend(&text, ".", group);
  absl::StrAppend(&text, " ");
  if (!namespace_.empty()) absl::StrAppend(&text, namespace_, "/");
  absl::StrAppend(&text, name);
  return text;
}

absl::Status CheckObjectKey(const ObjectKey& key) {
  if (absl::Status status = CheckPart("group", key.group, false); !status.ok()) return status;
  if (absl::Status status = CheckPart("kind", key.kind, true); !status.ok()) return status;
  if (absl::Status status = CheckPart("metadata.namespace", key.namespace_, false); !status.ok())
    return status;
  return CheckPart("metadata.name", key.name, true);
}

}  // namespace lockstep
