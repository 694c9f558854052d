#include "common/render/kustomize/resource_file.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include "common/base/status.h"
#include "common/object/yaml.h"
#include "common/render/resource/resource.h"

namespace lockstep::kustomize {
namespace {

constexpr size_t kNodesMax = 200'000;  // Of a file with aliases, what they repeat included.

size_t CountNodes(const Value& value) {
  size_t count = 1;
  if (value.IsArray()) {
    for (const Value& item : value.AsArray()) count += CountNodes(item);
  } else if (value.IsObject()) {
    for (const Object::Member& member : value.AsObject()) count += CountNodes(member.value);
  }
  return count;
}

class ResourceReader {
 public:
  ResourceReader(absl::string_view text, absl::string_view file, uint32_t line_base, FileKind kind)
      : text_(text), file_(file), line_base_(line_base), kind_(kind) {}

  absl::StatusOr<std::vector<Value>> Read() {
    LOCKSTEP_RETURN_IF_ERROR(ReadDocuments());
    if (chunks_ == 1 && documents_.size() == 1) UnwrapList();
    LOCKSTEP_RETURN_IF_ERROR(CheckAll(&documents_));
    return InlineLists();
  }

 private:
  absl::Status Error(uint32_t line, uint32_t column, absl::string_view message) const {
    return absl::InvalidArgumentError(absl::StrCat(file_, ":", line, ":", column, ": ", message));
  }

  absl::Status ReadDocuments() {
    size_t begin = 0;
    uint32_t line = 0;  // Lines before `begin`.
    while (true) {
      const size_t at = text_.find("\n---", begin);
      const size_t end = at == absl::string_view::npos ? at : text_.find('\n', at + 1);
      if (end == absl::string_view::npos) break;
      const absl::string_view chunk = text_.substr(begin, at + 1 - begin);
      LOCKSTEP_RETURN_IF_ERROR(ReadChunk(chunk, line));
      line += static_cast<uint32_t>(std::count(chunk.begin(), chunk.end(), '\n')) + 1;
      const absl::string_view rest = absl::StripAsciiWhitespace(text_.substr(at + 4, end - at - 4));
      if (!rest.empty() && rest[0] != '#') {
        return Error(line, 1,
                     absl::StrCat("after \"---\" only a comment may stand, not \"", rest,
                                  "\"; put it on a line of its own"));
      }
      begin = end + 1;
    }
    return ReadChunk(text_.substr(begin), line);
  }

  absl::Status ReadChunk(absl::string_view chunk, uint32_t lines_before) {
    ++chunks_;
    YamlOptions options = {.dialect = YamlOptions::Dialect::kGoYaml3,
                           .any_key = kind_ == FileKind::kPatches,
                           .keep_source_text = true,
                           .first_document_only = true,
                           .lines_before = lines_before,
                           .line_base = line_base_};
    const bool repeats = absl::StrContains(chunk, '&');
    if (repeats) options.limits.nodes = std::min(options.limits.nodes, kNodesMax - nodes_);
    LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Value> read, ReadYamlWith(chunk, file_, options));
    for (Value& document : read) {
      if (document.IsNull()) continue;
      if (repeats) nodes_ += CountNodes(document);
      documents_.push_back(std::move(document));
    }
    return absl::OkStatus();
  }

  // A file that is nothing but a List is what is in it.
  void UnwrapList() {
    Value list = std::move(documents_.front());
    const absl::string_view kind = list.StringAt("kind");
    Value* const items = list.Find("items");
    if ((kind != "List" && kind != "ResourceList") ||
        (items == nullptr && list.Find("functionConfig") == nullptr)) {
      documents_.front() = std::move(list);
      return;
    }
    documents_.clear();
    if (items != nullptr && items->IsArray()) documents_ = std::move(items->AsArray());
  }

  // Drops empty ones.
  absl::Status CheckAll(std::vector<Value>* values) const {
    const auto is_empty = [](const Value& value) {
      return value.IsNull() || (value.IsObject() && value.AsObject().empty());
    };
    values->erase(std::remove_if(values->begin(), values->end(), is_empty), values->end());
    for (const Value& value : *values) LOCKSTEP_RETURN_IF_ERROR(Check(value));
    return absl::OkStatus();
  }

  absl::Status Check(const Value& value) const {
    const uint32_t line = value.place().line - line_base_;
    const uint32_t column = value.place().column;
    if (!value.IsObject()) {
      return Error(line, column,
                   absl::StrCat("an object should stand here, not a ", value.TypeName()));
    }
    const ResourceId id = IdOf(value);
    if (id.gvk.kind.empty()) return Error(line, column, "the object has no kind; add it");
    if (absl::EndsWith(id.gvk.kind, "List") || !id.name.empty()) return absl::OkStatus();
    return Error(line, column, absl::StrCat("the ", id.gvk.kind, " has no metadata.name; add it"));
  }

  // Lists among others: what is in them comes after everything else.
  absl::StatusOr<std::vector<Value>> InlineLists() {
    std::vector<Value> result;
    std::deque<Value> queue(std::make_move_iterator(documents_.begin()),
                            std::make_move_iterator(documents_.end()));
    for (; !queue.empty(); queue.pop_front()) {
      Value& value = queue.front();
      Value* const items =
          absl::EndsWith(value.StringAt("kind"), "List") ? value.Find("items") : nullptr;
      if (items == nullptr) {
        result.push_back(std::move(value));
        continue;
      }
      if (items->IsNull()) continue;
      if (!items->IsArray()) {
        return Error(items->place().line - line_base_, items->place().column,
                     absl::StrCat("items must be a list, not a ", items->TypeName()));
      }
      std::vector<Value> inner = std::move(items->AsArray());
      LOCKSTEP_RETURN_IF_ERROR(CheckAll(&inner));
      std::move(inner.begin(), inner.end(), std::back_inserter(queue));
    }
    return result;
  }

  const absl::string_view text_;
  const absl::string_view file_;
  const uint32_t line_base_;
  const FileKind kind_;
  size_t chunks_ = 0;
  size_t nodes_ = 0;  // Of documents that repeat something.
  std::vector<Value> documents_;
};

}  // namespace

absl::StatusOr<std::vector<Value>> ReadResources(absl::string_view bytes, absl::string_view file,
                                                 uint32_t line_base, FileKind kind) {
  if (!absl::StrContains(bytes, '\r')) return ResourceReader(bytes, file, line_base, kind).Read();
  const std::string text = absl::StrReplaceAll(bytes, {{"\r\n", "\n"}});
  return ResourceReader(text, file, line_base, kind).Read();
}

}  // namespace lockstep::kustomize
