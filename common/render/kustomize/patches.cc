#include "common/render/kustomize/patches.h"

#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/render/kustomize/schema_comment.h"
#include "common/render/kustomize/transformers.h"
#include "common/render/patch/json_patch.h"
#include "common/render/patch/strategic_merge.h"

namespace lockstep::kustomize {
namespace {

using SharedDocuments = std::shared_ptr<const FileCache::Documents>;

// "LINE:COLUMN of the patch: …" with the file in place of the global line.
absl::Status WithFile(const absl::Status& status, const Session& session) {
  const std::vector<std::string> parts =
      absl::StrSplit(std::string(status.message()), absl::MaxSplits(':', 1));
  const std::vector<std::string> rest =
      parts.size() < 2 ? parts : absl::StrSplit(parts[1], absl::MaxSplits(' ', 1));
  Place place;
  if (rest.size() < 2 || !absl::SimpleAtoi(parts[0], &place.line) ||
      !absl::SimpleAtoi(rest[0], &place.column)) {
    return status;
  }
  absl::string_view message = rest[1];
  absl::ConsumePrefix(&message, "of the patch: ");
  return absl::Status(status.code(), absl::StrCat(session.Describe(place), ": ", message));
}

// What a strategic merge patch may change of an object's identity.
struct Allowed {
  bool name = false;
  bool kind = false;
};

absl::Status Merge(const Value& patch, Allowed allowed, Session& session, Resource* resource) {
  Value& value = resource->value;
  const Value* const metadata = value.Find("metadata");
  const auto copy = [](const Value* from, absl::string_view key) {
    const Value* const member = from == nullptr ? nullptr : from->Find(key);
    return member == nullptr ? Value() : *member;
  };
  Value kind = copy(&value, "kind");
  Value name = copy(metadata, "name");
  Value space = copy(metadata, "namespace");
  if (allowed.name || allowed.kind) resource->RememberId();
  const std::optional<MergeSchema> own = SchemaOfComments(value, patch, session.cache());
  absl::StatusOr<PatchOutcome> outcome =
      ApplyStrategicMerge(&value, patch, own ? *own : session.schema());
  if (!outcome.ok()) return OfObject(WithFile(outcome.status(), session), *resource);
  if (*outcome == PatchOutcome::kDeleted || resource->IsEmpty()) {
    value = Value();
    return absl::OkStatus();
  }
  if (!allowed.kind) value.AsObject().Set("kind", std::move(kind));
  Value* merged = value.Find("metadata");
  if (merged == nullptr || !merged->IsObject()) {
    merged = &value.AsObject().Set("metadata", Value::MakeObject());
  }
  if (!allowed.name) merged->AsObject().Set("name", std::move(name));
  if (space.IsNull() || ScalarText(space).empty()) {
    merged->AsObject().Remove("namespace");
  } else {
    merged->AsObject().Set("namespace", std::move(space));
  }
  return absl::OkStatus();
}

// A patch for objects that were looked up: its labels and annotations become texts (even null), and
// its apiVersion is theirs.
Value ForTargets(const Value& patch) {
  Value made = patch;
  if (Value* const metadata = made.Find("metadata"); metadata != nullptr && metadata->IsObject()) {
    MakeTexts("labels", metadata);
    MakeTexts("annotations", metadata);
  }
  return made;
}

absl::Status MergeInto(const std::vector<size_t>& targets, const Value& patch, Allowed allowed,
                       Session& session, ResourceList* list) {
  Value made = ForTargets(patch);
  for (const size_t target : targets) {
    Resource& resource = list->items()[target];
    const Value* const api_version = resource.value.Find("apiVersion");
    made.AsObject().Set("apiVersion", api_version == nullptr ? Value::String("") : *api_version);
    LOCKSTEP_RETURN_IF_ERROR(Merge(made, allowed, session, &resource));
  }
  list->DropEmpty();
  if (!allowed.name && !allowed.kind) return absl::OkStatus();
  list->Changed();
  return list->CheckUnique();
}

absl::Status ApplyMergePatches(const PatchEntry& entry, const std::vector<Value>& patches,
                               Session& session, ResourceList* list) {
  const Allowed allowed = {.name = entry.allow_name_change, .kind = entry.allow_kind_change};
  if (entry.target && !patches.empty()) {
    if (patches.size() > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(patches.size(),
                       " patches share one target; give each an entry of its own, or leave the "
                       "target out"));
    }
    LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<size_t> targets, list->Select(*entry.target));
    return MergeInto(targets, patches.front(), allowed, session, list);
  }
  for (const Value& patch : patches) {
    absl::StatusOr<size_t> target = list->FindOnly(IdOf(patch));
    if (!target.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(session.Describe(patch.place()), ": ", target.status().message()));
    }
    LOCKSTEP_RETURN_IF_ERROR(Merge(patch, allowed, session, &list->items()[*target]));
    if (allowed.name || allowed.kind) list->Changed();
  }
  list->DropEmpty();
  return absl::OkStatus();
}

enum class Ids { kRemembered, kNotRemembered };

absl::Status ApplyJson(const JsonPatch& patch, const SelectorSpec& target, Ids ids,
                       ResourceList* list) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<size_t> selected, list->Select(target));
  for (const size_t position : selected) {
    Resource& resource = list->items()[position];
    const std::string before = resource.CurrentId().ToString();
    if (ids == Ids::kRemembered) resource.RememberId();
    LOCKSTEP_RETURN_IF_ERROR(OfObject(ApplyJsonPatch(&resource.value, patch), resource));
    if (resource.CurrentId().ToString() != before) list->Changed();
  }
  list->DropEmpty();
  return absl::OkStatus();
}

bool LooksLikeJsonPatch(absl::string_view text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  while (absl::StartsWith(text, "#") || absl::StartsWith(text, "---")) {
    const size_t end = text.find('\n');
    if (end == absl::string_view::npos) return false;
    text = absl::StripLeadingAsciiWhitespace(text.substr(end));
  }
  return absl::StartsWith(text, "[") || absl::StartsWith(text, "-");
}

// The text of a patch and the name that its errors show.
struct PatchText {
  std::shared_ptr<const std::string> held;
  absl::string_view text;
  std::string file;
};

absl::StatusOr<PatchText> ReadText(const PatchEntry& entry, const Loader& loader) {
  const Session& session = loader.session();
  PatchText made;
  if (entry.path.text.empty()) {
    made.text = entry.patch.text;
    made.file = absl::StrCat(session.Describe(entry.patch.place), ": the patch there");
    return made;
  }
  LOCKSTEP_ASSIGN_OR_RETURN(made.held, loader.Read(entry.path));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string path, loader.Resolve(entry.path.text));
  made.text = *made.held;
  made.file = session.Shown(path);
  return made;
}

}  // namespace

absl::StatusOr<SharedDocuments> ReadInline(const Text& text, const Loader& loader) {
  Session& session = loader.session();
  const FilePlace place = session.cache().Locate(text.place);
  SharedDocuments documents = session.cache().Get(
      place.file, text.text, "inline", text.text, [&](uint32_t) -> FileCache::Documents {
        for (auto& [line, comment] : FindSchemaComments(text.text)) {
          session.cache().AddNote(text.place.line + line, std::move(comment));
        }
        // The lines of a block follow the one that it begins on.
        auto read = ReadResources(text.text, "the text", text.place.line, FileKind::kPatches);
        if (read.ok()) return read;
        return session.Error(text.place, read.status().message());
      });
  if (!documents->ok()) return documents->status();
  return documents;
}

absl::Status ApplyPatch(const PatchEntry& entry, const Loader& loader, ResourceList* list) {
  const bool has_text = !absl::StripAsciiWhitespace(entry.patch.text).empty();
  if (has_text == !entry.path.text.empty()) {
    return absl::InvalidArgumentError(has_text ? "a patch has both patch and path; keep one of them"
                                               : "a patch has neither patch nor path; add one");
  }
  if (has_text ? !LooksLikeJsonPatch(entry.patch.text) : true) {
    absl::StatusOr<SharedDocuments> documents =
        has_text ? ReadInline(entry.patch, loader)
                 : loader.ReadObjects(entry.path, FileKind::kPatches);
    if (documents.ok()) {
      return ApplyMergePatches(entry, ***documents, loader.session(), list);
    }
    if (has_text) return documents.status();
    LOCKSTEP_ASSIGN_OR_RETURN(const PatchText text, ReadText(entry, loader));
    if (!LooksLikeJsonPatch(text.text)) return documents.status();
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const PatchText text, ReadText(entry, loader));
  LOCKSTEP_ASSIGN_OR_RETURN(const JsonPatch patch, ParseJsonPatch(text.text, text.file));
  if (!entry.target) {
    return absl::InvalidArgumentError("a JSON patch needs a target; add it to the entry");
  }
  return ApplyJson(patch, *entry.target, Ids::kRemembered, list);
}

absl::Status ApplyJsonEntry(const PatchEntry& entry, const Loader& loader, ResourceList* list) {
  if (!entry.target || entry.target->name.empty()) {
    return absl::InvalidArgumentError("patchesJson6902 needs target.name; add it");
  }
  if (entry.path.text.empty() == entry.patch.text.empty()) {
    return absl::InvalidArgumentError("patchesJson6902 needs either patch or path");
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const PatchText text, ReadText(entry, loader));
  LOCKSTEP_ASSIGN_OR_RETURN(const JsonPatch patch, ParseJsonPatch(text.text, text.file));
  if (patch.operations.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(text.file, ": the patch is empty"));
  }
  return ApplyJson(patch, *entry.target, Ids::kNotRemembered, list);
}

absl::Status ApplyMergeEntries(const std::vector<Text>& entries, const Loader& loader,
                               ResourceList* list) {
  Session& session = loader.session();
  std::vector<SharedDocuments> read;
  bool any = false;
  for (const Text& entry : entries) {
    absl::StatusOr<SharedDocuments> documents = ReadInline(entry, loader);
    if (!documents.ok() && !absl::StrContains(entry.text, '\n')) {
      documents = loader.ReadObjects(entry, FileKind::kPatches);
    }
    if (!documents.ok()) return documents.status();
    any = any || !(**documents)->empty();
    read.push_back(*std::move(documents));
  }
  if (!any) return absl::InvalidArgumentError("patchesStrategicMerge holds no patch; add one");
  for (const SharedDocuments& documents : read) {
    for (const Value& patch : **documents) {
      absl::StatusOr<size_t> target = list->FindOnly(IdOf(patch));
      if (!target.ok()) return session.Error(patch.place(), target.status().message());
      LOCKSTEP_RETURN_IF_ERROR(MergeInto({*target}, patch, {}, session, list));
    }
  }
  return absl::OkStatus();
}

}  // namespace lockstep::kustomize
