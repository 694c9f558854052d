#include "common/render/replacement/field_path.h"

#include <charconv>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/types/span.h>

#include "common/base/status.h"
#include "common/render/patch/scalar.h"
#include "common/render/replacement/scalar_text.h"
#include "common/render/resource/pattern.h"

namespace lockstep::kustomize {
namespace {

constexpr size_t kPartsMax = 128;

using Parts = absl::Span<const std::string>;

bool IsNumber(absl::string_view part, int64_t* number) {
  if (absl::StartsWith(part, "+")) part.remove_prefix(1);
  const char* end = part.data() + part.size();
  const auto [stop, error] = std::from_chars(part.data(), end, *number);
  return !part.empty() && error == std::errc() && stop == end;
}

bool IsIndex(absl::string_view part, size_t* index) {
  int64_t number = 0;
  if (!IsNumber(part, &number) || number < 0) return false;
  *index = static_cast<size_t>(number);
  return true;
}

bool IsListPart(absl::string_view part) {
  return absl::StartsWith(part, "[") && absl::EndsWith(part, "]");
}

absl::Status DoesNotFit(absl::string_view part, absl::string_view wanted, const Value& there) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", part, "\" needs a ", wanted, ", there is a ", there.TypeName()));
}

/// "[name=web]" → "name", "web".
absl::StatusOr<std::pair<std::string, std::string>> SplitListPart(absl::string_view part) {
  absl::string_view inner = part.substr(1, part.size() - 2);
  const size_t equals = inner.find('=');
  if (part.size() < 2 || equals == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", part, "\" picks no element; write [key=value]"));
  }
  return std::make_pair(std::string(inner.substr(0, equals)),
                        std::string(inner.substr(equals + 1)));
}

absl::StatusOr<Value*> LookUpElement(absl::string_view part, Value* list) {
  LOCKSTEP_ASSIGN_OR_RETURN(const auto key_and_text, SplitListPart(part));
  const auto& [key, text] = key_and_text;
  for (Value& element : list->AsArray()) {
    const Value* value = key.empty() ? &element : element.Find(key);
    if (value != nullptr && patch::TextOf(*value) == text) return &element;
  }
  return nullptr;
}

absl::StatusOr<Value*> Step(absl::string_view part, Value* at) {
  int64_t index = 0;
  const bool is_number = IsNumber(part, &index);
  if (part == "*") {
    return absl::InvalidArgumentError("\"*\" is for targets; a source is one field");
  }
  if (is_number || part == "-" || IsListPart(part)) {
    if (at->IsNull()) return nullptr;
    if (!at->IsArray()) return DoesNotFit(part, "list", *at);
    if (IsListPart(part)) return LookUpElement(part, at);
    Value::Array& list = at->AsArray();
    if (is_number && index < 0) {
      return absl::InvalidArgumentError(absl::StrCat("index ", index, " is negative"));
    }
    if (list.empty() || (is_number && index >= static_cast<int64_t>(list.size()))) return nullptr;
    return is_number ? &list[static_cast<size_t>(index)] : &list.back();
  }
  if (at->IsNull()) return nullptr;
  if (!at->IsObject()) return DoesNotFit(part, "mapping", *at);
  return at->Find(part);
}

/// The walk of FindAll.
class Finder {
 public:
  explicit Finder(Create create) : create_(create) {}

  absl::Status Find(Parts path, Value* at) {
    if (path.empty()) {
      found_.places.push_back(at);
      return absl::OkStatus();
    }
    size_t index = 0;
    if (IsIndex(path[0], &index)) return FindAtIndex(path, index, at);
    if (IsListPart(path[0])) return FindElements(path, at);
    if (path[0] == "*") {
      LOCKSTEP_RETURN_IF_ERROR(ExpectList(path[0], *at));
      if (at->IsNull()) return absl::OkStatus();
      for (Value& element : at->AsArray()) {
        LOCKSTEP_RETURN_IF_ERROR(Find(path.subspan(1), &element));
      }
      return absl::OkStatus();
    }
    return FindField(path, at);
  }

  FoundPlaces TakeFound() { return std::move(found_); }

 private:
  static absl::Status ExpectList(absl::string_view part, const Value& at) {
    return at.IsArray() || at.IsNull() ? absl::OkStatus() : DoesNotFit(part, "list", at);
  }

  /// What is made for the first part of `path`, so that the second can be made in it.
  Value Make(Parts path) const {
    size_t index = 0;
    if (path.size() < 2) {
      return create_ == Create::kMapping ? Value::MakeObject()
             : create_ == Create::kList  ? Value::MakeArray()
                                         : Value();
    }
    if (IsListPart(path[1]) || IsIndex(path[1], &index)) return Value::MakeArray();
    return Value::MakeObject();
  }

  absl::Status FindField(Parts path, Value* at) {
    if (!at->IsObject() && !at->IsNull()) return DoesNotFit(path[0], "mapping", *at);
    Value* field = at->Find(path[0]);
    if (field == nullptr) {
      if (create_ == Create::kNothing || !at->IsObject()) return absl::OkStatus();
      field = &at->AsObject().Set(path[0], Make(path));
    }
    if (path.size() > 1 && !field->IsArray() && !field->IsObject()) {
      return FindInText(path.subspan(1), *field);
    }
    return Find(path.subspan(1), field);
  }

  absl::Status FindInText(Parts path, const Value& scalar) {
    LOCKSTEP_ASSIGN_OR_RETURN(Value document, ReadText(patch::TextOf(scalar)));
    Finder finder(create_);
    LOCKSTEP_RETURN_IF_ERROR(finder.Find(path, &document));
    found_.in_texts += finder.found_.places.size() + finder.found_.in_texts;
    return absl::OkStatus();
  }

  absl::Status FindAtIndex(Parts path, size_t index, Value* at) {
    LOCKSTEP_RETURN_IF_ERROR(ExpectList(path[0], *at));
    if (at->IsNull()) *at = Value::MakeArray();
    Value::Array& list = at->AsArray();
    if (list.size() == index && create_ != Create::kNothing) list.push_back(Make(path));
    if (index >= list.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("index ", index, " is given, but the list has ", list.size(), " elements"));
    }
    return Find(path.subspan(1), &list[index]);
  }

  absl::Status FindElements(Parts path, Value* at) {
    LOCKSTEP_ASSIGN_OR_RETURN(const auto key_and_text, SplitListPart(path[0]));
    const auto& [key, text] = key_and_text;
    LOCKSTEP_RETURN_IF_ERROR(ExpectList(path[0], *at));
    LOCKSTEP_ASSIGN_OR_RETURN(const Pattern pattern,
                              Pattern::Compile(text, Pattern::Extent::kAnywhere));
    if (at->IsNull()) {
      if (create_ == Create::kNothing) return absl::OkStatus();
      *at = Value::MakeArray();
    }
    const size_t before = found_.places.size() + found_.in_texts;
    for (Value& element : at->AsArray()) {
      LOCKSTEP_RETURN_IF_ERROR(FindElement(path, key, pattern, &element));
    }
    if (create_ == Create::kNothing || found_.places.size() + found_.in_texts > before)
      return absl::OkStatus();
    Value made = PlainScalar(text);
    if (!key.empty()) {
      Value scalar = std::move(made);
      made = Value::MakeObject();
      made.AsObject().Set(key, std::move(scalar));
    }
    at->AsArray().push_back(std::move(made));
    return FindElement(path, key, pattern, &at->AsArray().back());
  }

  absl::Status FindElement(Parts path, absl::string_view key, const Pattern& pattern,
                           Value* element) {
    const Value* value = key.empty() ? element : element->Find(key);
    if (value == nullptr || !pattern.Matches(WrittenText(*value))) return absl::OkStatus();
    if (!key.empty()) return Find(path.subspan(1), element);
    found_.places.push_back(element);  // What follows in the path does not count.
    return absl::OkStatus();
  }

  const Create create_;
  FoundPlaces found_;
};

}  // namespace

std::vector<std::string> SplitFieldPath(absl::string_view path) {
  std::vector<std::string> pieces;
  bool joins = false;
  for (absl::string_view piece : absl::StrSplit(path, '.')) {
    if (joins) {
      pieces.back().back() = '.';  // In place of the backslash.
      absl::StrAppend(&pieces.back(), piece);
    } else {
      pieces.emplace_back(piece);
    }
    joins = absl::EndsWith(pieces.back(), "\\");
  }
  if (pieces.size() > 1 && pieces[0].empty()) pieces.erase(pieces.begin());
  std::vector<std::string> parts;
  for (size_t i = 0; i < pieces.size(); ++i) {
    std::string part = pieces[i];
    if (absl::StartsWith(part, "[") && !absl::EndsWith(part, "]")) {
      while (i + 1 < pieces.size()) {
        absl::StrAppend(&part, ".", pieces[++i]);
        if (absl::EndsWith(pieces[i], "]")) break;
      }
      if (!absl::StrContains(part, '=')) {
        const size_t begin = part.find_first_not_of("[]");
        const size_t end = part.find_last_not_of("[]");
        part = begin == std::string::npos ? "" : part.substr(begin, end - begin + 1);
      }
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

absl::StatusOr<Value*> LookUp(const std::vector<std::string>& path, Value* root) {
  Value* at = root;
  for (const std::string& raw : path) {
    const absl::string_view part = absl::StripAsciiWhitespace(raw);
    if (part.empty()) continue;
    LOCKSTEP_ASSIGN_OR_RETURN(at, Step(part, at));
    if (at == nullptr) return nullptr;
  }
  return at;
}

absl::StatusOr<FoundPlaces> FindAll(const std::vector<std::string>& path, Create create,
                                    Value* root) {
  if (path.size() > kPartsMax) {
    return absl::ResourceExhaustedError(absl::StrCat("the path has over ", kPartsMax, " parts"));
  }
  Finder finder(create);
  LOCKSTEP_RETURN_IF_ERROR(finder.Find(path, root));
  return finder.TakeFound();
}

}  // namespace lockstep::kustomize
