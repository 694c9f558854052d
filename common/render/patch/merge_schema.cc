#include "common/render/patch/merge_schema.h"

#include <cstdlib>

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

namespace lockstep {

namespace data {
extern const char kKubernetesSchema[];
}  // namespace data

namespace {

/// The types of a table by number. A table that is not as generate.py makes it ends the program: it
/// is part of the program.
class Numbered {
 public:
  using Type = MergeSchema::Type;

  explicit Numbered(std::vector<std::unique_ptr<Type>>* types) : types_(types) {}

  Type* At(absl::string_view number) {
    size_t index = 0;
    if (!absl::SimpleAtoi(number, &index)) std::abort();
    while (types_->size() <= index) types_->push_back(std::make_unique<Type>());
    return (*types_)[index].get();
  }

 private:
  std::vector<std::unique_ptr<Type>>* const types_;
};

void FillMapping(absl::string_view fields, Numbered* numbered, MergeSchema::Type* type) {
  for (absl::string_view field : absl::StrSplit(fields, ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(field, absl::MaxSplits('=', 1));
    const MergeSchema::Type* target = numbered->At(parts.second);
    if (parts.first == "*") {
      type->other_fields = target;
    } else {
      type->fields.emplace(parts.first, target);
    }
  }
}

}  // namespace

MergeSchema MergeSchema::FromTable(absl::string_view table) {
  MergeSchema made;
  Numbered numbered(&made.types_);
  size_t number = 0;
  for (absl::string_view line : absl::StrSplit(table, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words[0] == "kind") {
      made.resources_[words.at(2)].emplace(words.at(1), numbered.At(words.at(3)));
    } else if (words[0] == "list") {
      Type* type = numbered.At(std::to_string(number++));
      type->merges = true;
      if (words.at(1) != "-") type->keys = absl::StrSplit(words[1], ',');
      if (words.at(2) != "-") type->elements = numbered.At(words[2]);
    } else if (words[0] == "type") {
      FillMapping(line.substr(words[0].size()), &numbered, numbered.At(std::to_string(number++)));
    }
  }
  return made;
}

const MergeSchema& MergeSchema::BuiltIn() {
  static const MergeSchema* const schema = new MergeSchema(FromTable(data::kKubernetesSchema));
  return *schema;
}

const MergeSchema::Type* MergeSchema::Find(absl::string_view api_version,
                                           absl::string_view kind) const {
  const auto versions = resources_.find(kind);
  if (versions == resources_.end()) return nullptr;
  const auto it = versions->second.find(api_version);
  return it == versions->second.end() ? nullptr : it->second;
}

MergeSchema::Scope MergeSchema::FindScope(absl::string_view api_version,
                                          absl::string_view kind) const {
  const auto versions = scopes_.find(kind);
  if (versions == scopes_.end()) return Scope::kUnknown;
  const auto it = versions->second.find(api_version);
  return it == versions->second.end() ? Scope::kUnknown : it->second;
}

}  // namespace lockstep
