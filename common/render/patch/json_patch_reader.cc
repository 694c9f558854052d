#include <array>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/object/json.h"
#include "common/object/yaml.h"
#include "common/render/patch/json_patch.h"
#include "common/text/nearest.h"

namespace lockstep {
namespace {

constexpr size_t kOperationsMax = 10'000;

using Operation = JsonPatch::Operation;

constexpr std::array<std::pair<absl::string_view, Operation::Kind>, 6> kKinds = {{
    {"add", Operation::Kind::kAdd},
    {"remove", Operation::Kind::kRemove},
    {"replace", Operation::Kind::kReplace},
    {"move", Operation::Kind::kMove},
    {"copy", Operation::Kind::kCopy},
    {"test", Operation::Kind::kTest},
}};

absl::StatusOr<Value> ReadDocument(absl::string_view text, absl::string_view file,
                                   uint32_t lines_before) {
  if (absl::StartsWith(text, "[")) return ReadJson(text, file);
  YamlOptions options;
  options.last_key_wins = true;
  options.first_document_only = true;
  options.lines_before = lines_before;
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Value> documents, ReadYamlWith(text, file, options));
  return documents.empty() ? Value() : std::move(documents[0]);
}

absl::Status UnknownKind(const Value& operation) {
  const Value* op = operation.Find("op");
  if (op == nullptr) {
    return absl::InvalidArgumentError("it has no `op`; write op: replace, for example");
  }
  std::vector<std::string> known;
  for (const auto& [name, kind] : kKinds) known.emplace_back(name);
  const std::string word = op->IsString() ? op->AsString() : CanonicalJson(*op);
  const std::string near = NearestWord(word, known);
  return absl::InvalidArgumentError(
      absl::StrCat("`op: ", word, "` is unknown; ",
                   near.empty() ? "" : absl::StrCat("did you mean ", near, "? "),
                   "write add, remove, replace, move, copy or test"));
}

/// The string member `key`; a fault where there is none.
absl::StatusOr<std::string> ReadPath(const Value& operation, absl::string_view key) {
  const Value* path = operation.Find(key);
  if (path != nullptr && path->IsString()) return path->AsString();
  return absl::InvalidArgumentError(absl::StrCat("its `", key, "` is ",
                                                 path == nullptr ? "missing" : "no string",
                                                 "; write a path such as /spec/replicas"));
}

absl::Status ReadOperation(Value* from, Operation* operation) {
  const absl::string_view op = from->StringAt("op");
  bool known = false;
  for (const auto& [name, kind] : kKinds) {
    if (name != op) continue;
    operation->kind = kind;
    known = true;
  }
  if (!known) return UnknownKind(*from);
  LOCKSTEP_ASSIGN_OR_RETURN(operation->path, ReadPath(*from, "path"));
  if (operation->kind == Operation::Kind::kMove || operation->kind == Operation::Kind::kCopy) {
    LOCKSTEP_ASSIGN_OR_RETURN(operation->from, ReadPath(*from, "from"));
  }
  if (Value* value = from->Find("value"); value != nullptr) operation->value = std::move(*value);
  return absl::OkStatus();
}

std::string At(absl::string_view file, Place place) {
  if (place.line == 0) return std::string(file);
  return absl::StrCat(file, ":", place.line, ":", place.column);
}

}  // namespace

absl::StatusOr<JsonPatch> ParseJsonPatch(absl::string_view text, absl::string_view file,
                                         uint32_t lines_before) {
  LOCKSTEP_ASSIGN_OR_RETURN(Value document, ReadDocument(text, file, lines_before));
  JsonPatch patch;
  patch.file = std::string(file);
  if (document.IsNull()) return patch;
  if (!document.IsArray()) {
    return absl::InvalidArgumentError(
        absl::StrCat(At(file, document.place()),
                     ": a JSON patch is a list of operations, this is a ", document.TypeName()));
  }
  if (document.AsArray().size() > kOperationsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(At(file, document.place()), ": a JSON patch of ", document.AsArray().size(),
                     " operations; at most ", kOperationsMax, " are carried out"));
  }
  for (Value& item : document.AsArray()) {
    if (!item.IsObject() && !item.IsNull()) {
      return absl::InvalidArgumentError(
          absl::StrCat(At(file, item.place()), ": operation ", patch.operations.size() + 1,
                       " of the JSON patch is no mapping: ", item.TypeName()));
    }
    Operation& operation = patch.operations.emplace_back();
    operation.place = item.place();
    operation.fault = ReadOperation(&item, &operation);
  }
  return patch;
}

}  // namespace lockstep
