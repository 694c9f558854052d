#include "agent/kube/compare.h"

#include <algorithm>

#include <absl/strings/str_cat.h>

namespace lockstep {
namespace {

bool IsNamed(const Value& item) { return !item.StringAt("name").empty(); }

class FieldComparison {
 public:
  explicit FieldComparison(size_t most) : most_(most) {}

  void Compare(const Value& wanted, const Value* live, const std::string& path) {
    if (fields_.size() >= most_ || wanted.IsNull()) return;
    if (live == nullptr) {
      if (wanted.IsObject() && wanted.AsObject().empty()) return;  // The server drops it.
      fields_.push_back(path);
    } else if (wanted.IsObject() && live->IsObject()) {
      for (const Object::Member& member : wanted.AsObject()) {
        Compare(member.value, live->Find(member.key), absl::StrCat(path, ".", member.key));
      }
    } else if (wanted.IsArray() && live->IsArray()) {
      CompareItems(wanted.AsArray(), live->AsArray(), path);
    } else if (!(wanted == *live)) {
      fields_.push_back(path);
    }
  }

  std::vector<std::string> Take() { return std::move(fields_); }

 private:
  void CompareItems(const Value::Array& wanted, const Value::Array& live, const std::string& path) {
    const bool named = !wanted.empty() && std::all_of(wanted.begin(), wanted.end(), IsNamed) &&
                       std::all_of(live.begin(), live.end(), IsNamed);
    if (named) return CompareNamed(wanted, live, path);
    if (wanted.size() != live.size()) {
      fields_.push_back(path);
      return;
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      Compare(wanted[i], &live[i], absl::StrCat(path, "[", i, "]"));
    }
  }

  // Others may have added items of their own: a sidecar, say.
  void CompareNamed(const Value::Array& wanted, const Value::Array& live, const std::string& path) {
    for (const Value& item : wanted) {
      const absl::string_view name = item.StringAt("name");
      const auto found = std::find_if(live.begin(), live.end(), [&](const Value& other) {
        return other.StringAt("name") == name;
      });
      Compare(item, found == live.end() ? nullptr : &*found,
              absl::StrCat(path, "[name=\"", name, "\"]"));
    }
  }

  const size_t most_;
  std::vector<std::string> fields_;
};

}  // namespace

std::vector<std::string> DifferentFields(const Value& wanted, const Value& live, size_t most) {
  FieldComparison comparison(most);
  comparison.Compare(wanted, &live, "");
  return comparison.Take();
}

}  // namespace lockstep
