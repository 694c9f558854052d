#include "common/render/kustomize/field_spec.h"

#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"

namespace lockstep::kustomize {
namespace {

class Walk {
 public:
  Walk(const FieldSpec& spec, CreateKind create, absl::FunctionRef<absl::Status(Value*)> set)
      : spec_(spec), create_(create), set_(set) {}

  absl::Status Visit(size_t part, Value* value) {
    if (part == spec_.parts.size()) return set_(value);
    if (value->IsNull()) return absl::OkStatus();
    if (value->IsArray()) {
      for (Value& item : value->AsArray()) LOCKSTEP_RETURN_IF_ERROR(Visit(part, &item));
      return absl::OkStatus();
    }
    if (value->IsObject()) return VisitMember(part, value);
    return absl::InvalidArgumentError(absl::StrCat("the path ", spec_.path, " leads through a ",
                                                   value->TypeName(),
                                                   ", where a mapping or list should stand"));
  }

 private:
  absl::Status VisitMember(size_t part, Value* value) {
    const FieldSpec::Part& name = spec_.parts[part];
    if (name.name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("the path \"", spec_.path, "\" has no name"));
    }
    const bool creates = spec_.create && create_ != CreateKind::kNothing && !name.list;
    Value* member = value->Find(name.name);
    if (member == nullptr && !creates) return absl::OkStatus();
    if (member == nullptr) {
      member = &value->AsObject().Set(name.name, Value());
    } else if (!member->IsNull()) {
      return Visit(part + 1, member);
    }
    const bool last = part + 1 == spec_.parts.size();
    if (name.list) {
      *member = Value::MakeArray();
    } else if (creates && !(last && create_ == CreateKind::kScalar)) {
      *member = Value::MakeObject();
    } else if (creates) {
      *member = Value::String("");
    }
    return Visit(part + 1, member);
  }

  const FieldSpec& spec_;
  const CreateKind create_;
  absl::FunctionRef<absl::Status(Value*)> set_;
};

}  // namespace

std::vector<std::string> SplitPath(absl::string_view path, char delimiter) {
  std::vector<std::string> parts(1);
  if (!path.empty() && path[0] == delimiter) path.remove_prefix(1);
  for (const char c : path) {
    if (c != delimiter) {
      parts.back().push_back(c);
    } else if (absl::EndsWith(parts.back(), "\\")) {
      parts.back().back() = c;
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

void FieldSpec::Split() {
  parts.clear();
  for (std::string& part : SplitPath(path, '/')) {
    const bool list = absl::EndsWith(part, "[]");
    if (list) part.resize(part.size() - 2);
    parts.push_back({std::move(part), list});
  }
}

absl::Status MergeFieldSpec(const FieldSpec& spec, FieldSpecs* specs) {
  for (const FieldSpec& there : *specs) {
    if (there.path != spec.path || !there.gvk().IsSelectedBy(spec.gvk())) continue;
    if (there.create == spec.create) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("the field ", spec.path, " of ", spec.kind.empty() ? "any kind" : spec.kind,
                     " is given twice, once to be created and once not"));
  }
  specs->push_back(spec);
  return absl::OkStatus();
}

absl::Status MergeFieldSpecs(const FieldSpecs& more, FieldSpecs* specs) {
  for (const FieldSpec& spec : more) LOCKSTEP_RETURN_IF_ERROR(MergeFieldSpec(spec, specs));
  return absl::OkStatus();
}

bool Applies(const FieldSpec& spec, const Gvk& gvk) { return gvk.IsSelectedBy(spec.gvk()); }

absl::Status VisitField(const FieldSpec& spec, CreateKind create, Value* object,
                        absl::FunctionRef<absl::Status(Value*)> set) {
  return Walk(spec, create, set).Visit(0, object);
}

}  // namespace lockstep::kustomize
