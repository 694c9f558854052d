#include "common/render/kustomize/vars.h"

#include <algorithm>
#include <string>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/object/number.h"
#include "common/render/kustomize/transformers.h"

namespace lockstep::kustomize {
namespace {

constexpr size_t kTextMax = 1 << 20;  // Of one field after replacing.

using Values = absl::flat_hash_map<std::string, Value>;

bool Matches(const VarEntry& var, const ResourceId& id) {
  const Gvk gvk = {var.group, var.version, var.kind};
  if (!(id.gvk == gvk) || id.name != var.object_name) return false;
  if (IsCertainlyClusterScoped(gvk)) return id.space == kNoNamespace;
  return var.space.empty() || id.space == var.space;
}

absl::Status AddVar(const Session& session, VarEntry var, std::vector<VarEntry>* all) {
  const bool known = std::any_of(all->begin(), all->end(),
                                 [&var](const VarEntry& each) { return each.name == var.name; });
  if (known) {
    return session.Error(
        var.place, absl::StrCat("the var ", var.name, " is given twice; remove one of the two"));
  }
  all->push_back(std::move(var));
  return absl::OkStatus();
}

// The value at "spec.ports[0].port"; null where there is none.
const Value* FindField(const Value& object, absl::string_view path) {
  const Value* value = &object;
  for (std::string part : SplitPath(path, '.')) {
    std::vector<size_t> indexes;
    while (absl::EndsWith(part, "]")) {
      const size_t open = part.rfind('[');
      size_t index = 0;
      if (open == std::string::npos ||
          !absl::SimpleAtoi(part.substr(open + 1, part.size() - open - 2), &index)) {
        break;
      }
      indexes.insert(indexes.begin(), index);
      part.resize(open);
    }
    size_t number = 0;
    if (value->IsArray() && absl::SimpleAtoi(part, &number)) {
      indexes.insert(indexes.begin(), number);
    } else if (!part.empty()) {
      value = value->Find(part);
    }
    for (const size_t index : indexes) {
      if (value == nullptr || !value->IsArray() || index >= value->AsArray().size()) return nullptr;
      value = &value->AsArray()[index];
    }
    if (value == nullptr || value->IsNull()) return nullptr;
  }
  return value;
}

// "metadata.annotations.[a.b/c]": a part in brackets keeps its dots.
std::string EscapeBrackets(absl::string_view path) {
  std::string escaped;
  bool inside = false;
  for (size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '[' && (i == 0 || path[i - 1] == '.')) {
      inside = true;
    } else if (c == ']' && inside) {
      inside = false;
    } else if (c == '.' && inside) {
      escaped.append("\\.");
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

std::string TextOf(const Value& value) {
  if (value.IsString()) return value.AsString();
  if (value.IsBool()) return value.AsBool() ? "true" : "false";
  if (value.IsInt()) return absl::StrCat(value.AsInt());
  std::string text;
  if (value.IsDouble()) AppendDouble(value.AsDouble(), &text);
  return text;
}

class Replacer {
 public:
  explicit Replacer(const Values& values) : values_(values) {}

  absl::Status Set(Value* value) const {
    if (value->IsString()) return SetString(value);
    if (value->IsObject()) {
      for (Object::Member& member : value->AsObject()) {
        if (member.value.IsString()) LOCKSTEP_RETURN_IF_ERROR(SetString(&member.value));
      }
    } else if (value->IsArray()) {
      for (Value& item : value->AsArray()) {
        if (!item.IsString()) {
          return absl::InvalidArgumentError(
              absl::StrCat("a list where vars may stand has a ", item.TypeName(), "; quote it"));
        }
        LOCKSTEP_RETURN_IF_ERROR(SetString(&item));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status SetString(Value* value) const {
    const std::string text = value->AsString();
    if (!absl::StrContains(text, '$')) return absl::OkStatus();
    std::string out;
    for (size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '$' || at + 1 == text.size()) {
        out.push_back(text[at]);
        continue;
      }
      const char next = text[at + 1];
      const size_t close = next == '(' ? text.find(')', at) : std::string::npos;
      if (next == '(' && close != std::string::npos) {
        const auto found = values_.find(text.substr(at + 2, close - at - 2));
        const bool whole = at == 0 && close + 1 == text.size();
        if (found == values_.end()) {
          out.append(text, at, close + 1 - at);
        } else if (whole) {
          const Place place = value->place();
          *value = found->second;
          value->set_place(place);
          return absl::OkStatus();
        } else {
          out.append(TextOf(found->second));
        }
        at = close;
      } else {
        if (next != '$') out.push_back('$');
        out.push_back(next);
        ++at;
      }
      if (out.size() > kTextMax) {
        return absl::ResourceExhaustedError(
            absl::StrCat("vars make a text of more than ", kTextMax >> 10, " KiB; shorten it"));
      }
    }
    const Place place = value->place();
    *value = Value::TakeString(std::move(out));
    value->set_place(place);
    return absl::OkStatus();
  }

  const Values& values_;
};

absl::StatusOr<Values> ReadValues(const Session& session, const std::vector<VarEntry>& all,
                                  const ResourceList& list) {
  Values values;
  for (const VarEntry& var : all) {
    const auto from =
        std::find_if(list.items().begin(), list.items().end(), [&var](const Resource& each) {
          return std::find(each.vars.begin(), each.vars.end(), var.name) != each.vars.end();
        });
    if (from == list.items().end()) {
      return session.Error(var.place, absl::StrCat("the var ", var.name,
                                                   " reads from an object that does not exist; "
                                                   "correct its objref"));
    }
    const Value* const found = FindField(from->value, EscapeBrackets(var.field_path));
    if (found == nullptr) {
      return session.Error(var.place, absl::StrCat("the var ", var.name, " reads ", var.field_path,
                                                   ", which ", from->CurrentId().ToString(),
                                                   " does not have; correct its fieldref"));
    }
    // What is no scalar stays unreplaced.
    if (!found->IsArray() && !found->IsObject()) values.emplace(var.name, *found);
  }
  return values;
}

}  // namespace

absl::Status AddVars(const Session& session, const std::vector<VarEntry>& vars, ResourceList* list,
                     std::vector<VarEntry>* all) {
  for (const VarEntry& var : vars) {
    std::vector<Resource*> matched;
    for (Resource& resource : list->items()) {
      const std::vector<ResourceId> ids = resource.AllIds();
      if (std::any_of(ids.begin(), ids.end(),
                      [&var](const ResourceId& id) { return Matches(var, id); })) {
        matched.push_back(&resource);
      }
    }
    if (matched.size() > 1) {
      return session.Error(
          var.place, absl::StrCat("the var ", var.name, " may read from any of ", matched.size(),
                                  " objects; name one in its objref"));
    }
    if (!matched.empty()) matched.front()->vars.push_back(var.name);
  }
  return JoinVars(session, vars, all);
}

absl::Status JoinVars(const Session& session, std::vector<VarEntry> vars,
                      std::vector<VarEntry>* all) {
  for (VarEntry& var : vars) LOCKSTEP_RETURN_IF_ERROR(AddVar(session, std::move(var), all));
  return absl::OkStatus();
}

absl::Status ResolveVars(const Session& session, const std::vector<VarEntry>& all,
                         const FieldSpecs& specs, ResourceList* list) {
  if (all.empty()) return absl::OkStatus();
  LOCKSTEP_ASSIGN_OR_RETURN(const Values values, ReadValues(session, all, *list));
  const Replacer replacer(values);
  for (Resource& resource : list->items()) {
    for (const FieldSpec& spec : specs) {
      if (!Applies(spec, GvkOf(resource.value))) continue;
      const absl::Status status =
          VisitField(spec, CreateKind::kNothing, &resource.value,
                     [&replacer](Value* value) { return replacer.Set(value); });
      LOCKSTEP_RETURN_IF_ERROR(OfObject(status, resource));
    }
  }
  return absl::OkStatus();
}

}  // namespace lockstep::kustomize
