#include "common/render/patch/json_patch.h"

#include <charconv>
#include <cmath>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/object/yaml_scalar.h"

namespace lockstep {
namespace {

constexpr size_t kCopiedMax = 200'000;
constexpr size_t kDepthMax = 128;

using Operation = JsonPatch::Operation;

absl::Status Missing(absl::string_view path) {
  return absl::InvalidArgumentError(absl::StrCat("the resource has no ", path));
}

absl::Status TooDeep() {
  return absl::ResourceExhaustedError(
      absl::StrCat("the resource would be over ", kDepthMax, " levels deep"));
}

/// Reads what Go's Atoi reads.
bool ParseIndex(absl::string_view text, int64_t* index) {
  const absl::string_view digits =
      !text.empty() && (text[0] == '+' || text[0] == '-') ? text.substr(1) : text;
  if (digits.empty() || digits.find_first_not_of("0123456789") != absl::string_view::npos) {
    return false;
  }
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), *index);
  return error == std::errc() && end == text.data() + text.size();
}

/// The position that `key` means among `size`; negative ones count from the end.
absl::StatusOr<size_t> ToPosition(absl::string_view key, size_t size) {
  int64_t index = 0;
  if (!ParseIndex(key, &index)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", key, "\" is no index of a list; write a number"));
  }
  const int64_t count = static_cast<int64_t>(size);
  if (index >= count || index < -count) {
    return absl::InvalidArgumentError(absl::StrCat("index ", key, " is outside the list"));
  }
  return static_cast<size_t>(index < 0 ? index + count : index);
}

/// One run of a patch over a resource.
class Run {
 public:
  explicit Run(Value* root) : root_(root) {}

  absl::Status Apply(const Operation& operation) {
    LOCKSTEP_RETURN_IF_ERROR(operation.fault);
    switch (operation.kind) {
      case Operation::Kind::kAdd:
        return Add(operation.path, operation.value);
      case Operation::Kind::kRemove:
        return Remove(operation.path);
      case Operation::Kind::kReplace:
        return Replace(operation);
      case Operation::Kind::kMove:
        return Move(operation);
      case Operation::Kind::kCopy:
        return Copy(operation);
      case Operation::Kind::kTest:
        return Test(operation);
    }
    return absl::InternalError("an operation of no known kind");
  }

 private:
  /// The list or mapping that `path` leads into, and the key there.
  struct Spot {
    Value* container;
    std::string key;
  };

  absl::StatusOr<Spot> Find(absl::string_view path) const {
    const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
    if (parts.size() < 2) {
      return absl::InvalidArgumentError("the path has no slash; write it as /spec/replicas");
    }
    if (parts.size() > kDepthMax) return TooDeep();
    if (!root_->IsObject() && !root_->IsArray()) return Missing(path);
    Value* at = root_;
    for (size_t i = 1; i + 1 < parts.size(); ++i) {
      const absl::StatusOr<Value*> next = Get({at, Decode(parts[i])});
      if (!next.ok() || *next == nullptr || !((*next)->IsArray() || (*next)->IsObject())) {
        return Missing(absl::StrJoin(parts.begin(), parts.begin() + i + 1, "/"));
      }
      at = *next;
    }
    return Spot{at, Decode(parts.back())};
  }

  static std::string Decode(absl::string_view part) {
    std::string key;
    for (size_t i = 0; i < part.size(); ++i) {
      const bool escape =
          part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1');
      key.push_back(!escape ? part[i] : part[i + 1] == '0' ? '~' : '/');
      if (escape) ++i;
    }
    return key;
  }

  /// Null for a key that a mapping lacks.
  static absl::StatusOr<Value*> Get(const Spot& spot) {
    if (spot.container->IsObject()) return spot.container->Find(spot.key);
    Value::Array& list = spot.container->AsArray();
    LOCKSTEP_ASSIGN_OR_RETURN(const size_t position, ToPosition(spot.key, list.size()));
    return &list[position];
  }

  absl::Status Add(absl::string_view path, Value value) {
    LOCKSTEP_ASSIGN_OR_RETURN(const Spot spot, Find(path));
    if (spot.container->IsObject()) {
      spot.container->AsObject().Set(spot.key, std::move(value));
      return absl::OkStatus();
    }
    Value::Array& list = spot.container->AsArray();
    size_t position = list.size();
    if (spot.key != "-") {
      LOCKSTEP_ASSIGN_OR_RETURN(position, ToPosition(spot.key, list.size() + 1));
    }
    list.insert(list.begin() + static_cast<std::ptrdiff_t>(position), std::move(value));
    return absl::OkStatus();
  }

  absl::Status Remove(absl::string_view path) {
    LOCKSTEP_ASSIGN_OR_RETURN(const Spot spot, Find(path));
    if (spot.container->IsObject()) {
      return spot.container->AsObject().Remove(spot.key) ? absl::OkStatus() : Missing(path);
    }
    Value::Array& list = spot.container->AsArray();
    LOCKSTEP_ASSIGN_OR_RETURN(const size_t position, ToPosition(spot.key, list.size()));
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(position));
    return absl::OkStatus();
  }

  absl::Status Replace(const Operation& operation) {
    if (operation.path.empty()) {
      if (!operation.value.IsObject()) {
        return absl::InvalidArgumentError(
            absl::StrCat("a resource is a mapping, the value is a ", operation.value.TypeName()));
      }
      *root_ = operation.value;
      return absl::OkStatus();
    }
    LOCKSTEP_ASSIGN_OR_RETURN(const Spot spot, Find(operation.path));
    LOCKSTEP_ASSIGN_OR_RETURN(Value * there, Get(spot));
    if (there != nullptr) {
      *there = operation.value;
    } else {
      spot.container->AsObject().Set(spot.key, operation.value);
    }
    return absl::OkStatus();
  }

  absl::Status Move(const Operation& operation) {
    LOCKSTEP_ASSIGN_OR_RETURN(const Spot spot, Find(operation.from));
    LOCKSTEP_ASSIGN_OR_RETURN(Value * there, Get(spot));
    if (there == nullptr) return Missing(operation.from);
    Value moved = std::move(*there);
    LOCKSTEP_RETURN_IF_ERROR(Remove(operation.from));
    return Add(operation.path, std::move(moved));
  }

  absl::Status Copy(const Operation& operation) {
    LOCKSTEP_ASSIGN_OR_RETURN(const Spot spot, Find(operation.from));
    LOCKSTEP_ASSIGN_OR_RETURN(const Value* there, Get(spot));
    if (there == nullptr) return Add(operation.path, Value());
    copied_ += CountValues(*there);
    if (copied_ > kCopiedMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the copies of this patch make over ", kCopiedMax, " values"));
    }
    return Add(operation.path, *there);
  }

  absl::Status Test(const Operation& operation) {
    const Value* there = root_;
    if (!operation.path.empty()) {
      LOCKSTEP_ASSIGN_OR_RETURN(const Spot spot, Find(operation.path));
      LOCKSTEP_ASSIGN_OR_RETURN(there, Get(spot));
    }
    if (there == nullptr ? operation.value.IsNull() : *there == operation.value) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError("the resource has another value there");
  }

  static size_t CountValues(const Value& value) {
    size_t count = 1;
    if (value.IsArray()) {
      for (const Value& item : value.AsArray()) count += CountValues(item);
    } else if (value.IsObject()) {
      for (const auto& [key, item] : value.AsObject()) count += CountValues(item);
    }
    return count;
  }

  Value* const root_;
  size_t copied_ = 0;
};

/// A number as Go's JSON reader has it, a double, and the text that its YAML writer then gives it.
void NormalizeNumber(Value* value) {
  const double number = value->AsNumber();
  constexpr double kExact = 9007199254740992;  // 2^53.
  const Place place = value->place();
  if (std::fabs(number) >= kExact) *value = Value::Double(number);
  value->set_place(place);
  char text[32];
  const double size = std::fabs(number);
  const bool plain = number == 0 || (size >= 1e-4 && size < 1e6);  // Rounding to 1e6 cannot happen.
  const auto [end, error] =
      std::to_chars(text, text + sizeof(text), number,
                    plain ? std::chars_format::fixed : std::chars_format::scientific);
  value->set_source_text(absl::string_view(text, static_cast<size_t>(end - text)));
}

/// What is left of how a resource was written after its way through JSON.
absl::Status Normalize(size_t depth, Value* value) {
  if (depth > kDepthMax) return TooDeep();
  if (value->IsNull()) {
    value->set_source_text("null");
  } else if (value->IsBool()) {
    value->set_source_text(value->AsBool() ? "true" : "false");
  } else if (value->IsNumber()) {
    NormalizeNumber(value);
  } else if (value->IsString()) {
    const std::string& text = value->AsString();
    value->set_quoted(text.empty() || text.find('\n') != std::string::npos || NeedsQuotes(text));
  } else if (value->IsArray()) {
    for (Value& item : value->AsArray()) LOCKSTEP_RETURN_IF_ERROR(Normalize(depth + 1, &item));
  } else {
    for (Object::Member& member : value->AsObject()) {
      LOCKSTEP_RETURN_IF_ERROR(Normalize(depth + 1, &member.value));
    }
  }
  return absl::OkStatus();
}

absl::string_view NameOf(Operation::Kind kind) {
  switch (kind) {
    case Operation::Kind::kAdd:
      return "add";
    case Operation::Kind::kRemove:
      return "remove";
    case Operation::Kind::kReplace:
      return "replace";
    case Operation::Kind::kMove:
      return "move";
    case Operation::Kind::kCopy:
      return "copy";
    case Operation::Kind::kTest:
      return "test";
  }
  return "";
}

std::string Describe(const JsonPatch& patch, size_t index) {
  const Operation& operation = patch.operations[index];
  std::string at = patch.file;
  if (operation.place.line > 0) {
    absl::StrAppend(&at, ":", operation.place.line, ":", operation.place.column);
  }
  absl::StrAppend(&at, ": operation ", index + 1, " of the JSON patch");
  if (!operation.fault.ok()) return at;
  absl::StrAppend(&at, ", ", NameOf(operation.kind), " ");
  if (!operation.from.empty()) absl::StrAppend(&at, operation.from, " to ");
  return absl::StrCat(at, operation.path);
}

}  // namespace

absl::Status ApplyJsonPatch(Value* target, const JsonPatch& patch) {
  Run run(target);
  for (size_t i = 0; i < patch.operations.size(); ++i) {
    if (absl::Status status = run.Apply(patch.operations[i]); !status.ok()) {
      return Annotate(status, Describe(patch, i));
    }
  }
  return Annotate(Normalize(1, target), patch.file);
}

}  // namespace lockstep
