#include "agent/target/object_path.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

namespace lockstep {
namespace {

constexpr size_t kNameBytesMax = 255;  // NAME_MAX of every common file system.

bool IsPlain(char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; }

// `not_first` and `nowhere`: further bytes to encode at the beginning and everywhere.
std::string Escape(absl::string_view text, absl::string_view not_first, absl::string_view nowhere) {
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool encode = !IsPlain(c) || nowhere.find(c) != absl::string_view::npos ||
                        (i == 0 && not_first.find(c) != absl::string_view::npos);
    if (encode) {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

absl::Status CheckLength(const ObjectKey& key, absl::string_view part) {
  if (part.size() <= kNameBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "placing ", key.ToString(), ": \"", part.substr(0, 32), "…\" would be ", part.size(),
      " bytes and a file name has at most ", kNameBytesMax, "; use a shorter name"));
}

}  // namespace

absl::StatusOr<ObjectPath> PathOf(const ObjectKey& key) {
  if (key.kind.empty() || key.name.empty()) {
    return absl::InvalidArgumentError("placing an object: its kind or name is empty");
  }
  ObjectPath path;
  path.namespace_folder = key.namespace_.empty() ? "_cluster" : Escape(key.namespace_, "._", "");
  path.kind_folder = Escape(key.kind, "", ".");
  if (!key.group.empty()) absl::StrAppend(&path.kind_folder, ".", Escape(key.group, "", ""));
  path.file = absl::StrCat(Escape(key.name, ".", ""), ".yaml");
  for (const std::string* part : {&path.namespace_folder, &path.kind_folder, &path.file}) {
    if (absl::Status status = CheckLength(key, *part); !status.ok()) return status;
  }
  return path;
}

}  // namespace lockstep
