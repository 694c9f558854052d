#include "common/object/diff.h"

#include <algorithm>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "common/object/json_text.h"

namespace lockstep {
namespace {

bool IsPlainKey(absl::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
}

class Differ {
 public:
  explicit Differ(size_t most) : most_(most) {}

  void Compare(const Value* before, const Value* after) {
    if (found_.size() >= most_) return;
    if (before != nullptr && after != nullptr) {
      if (before->IsObject() && after->IsObject()) {
        return CompareObjects(before->AsObject(), after->AsObject());
      }
      if (before->IsArray() && after->IsArray()) {
        return CompareArrays(before->AsArray(), after->AsArray());
      }
      if (*before == *after) return;
    }
    found_.push_back({.path = path_, .before = before, .after = after});
  }

  std::vector<FieldDifference> Take() { return std::move(found_); }

 private:
  void CompareMember(absl::string_view key, const Value* before, const Value* after) {
    const size_t length = path_.size();
    if (IsPlainKey(key)) {
      absl::StrAppend(&path_, ".", key);
    } else {
      path_.push_back('[');
      AppendJsonString(key, &path_);
      path_.push_back(']');
    }
    Compare(before, after);
    path_.resize(length);
  }

  void CompareObjects(const Object& before, const Object& after) {
    for (const Object::Member& member : before) {
      CompareMember(member.key, &member.value, after.Find(member.key));
    }
    for (const Object::Member& member : after) {
      if (!before.Contains(member.key)) CompareMember(member.key, nullptr, &member.value);
    }
  }

  void CompareArrays(const Value::Array& before, const Value::Array& after) {
    const size_t length = path_.size();
    for (size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      absl::StrAppend(&path_, "[", i, "]");
      Compare(i < before.size() ? &before[i] : nullptr, i < after.size() ? &after[i] : nullptr);
      path_.resize(length);
    }
  }

  const size_t most_;
  std::string path_;  // Of the values at hand.
  std::vector<FieldDifference> found_;
};

}  // namespace

std::vector<FieldDifference> DiffValues(const Value& before, const Value& after, size_t most) {
  Differ differ(most);
  differ.Compare(&before, &after);
  return differ.Take();
}

}  // namespace lockstep
