#include "common/render/manifest_file.h"

#include <cstddef>
#include <memory>
#include <utility>

#include <absl/status/statusor.h>
#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/object/json.h"
#include "common/object/yaml.h"
#include "common/text/names.h"

namespace lockstep {
namespace {

// "is a list": what stands there, for messages.
std::string Found(const Value& value) {
  if (value.IsNull()) return "is null";
  return absl::StrCat(value.IsInt() || value.IsUint() ? "is an " : "is a ", value.TypeName());
}

bool IsKindName(absl::string_view kind) {
  if (kind.empty() || kind.size() > 63 || !absl::ascii_isalpha(kind[0])) return false;
  for (const unsigned char c : kind) {
    if (!absl::ascii_isalnum(c) && c != '-') return false;
  }
  return true;
}

// What Kubernetes can put into a URL's path, and we into a file's name. Source: apimachinery's
// IsValidPathSegmentName.
bool IsObjectName(absl::string_view name) {
  if (name.empty() || name.size() > 253 || name == "." || name == "..") return false;
  for (const unsigned char c : name) {
    if (absl::ascii_iscntrl(c) || c == '/' || c == '%' || c == '\\') return false;
  }
  return true;
}

// Makes the objects of one file, noting what is wrong with each.
class Reader {
 public:
  Reader(absl::string_view file, ManifestFile* out) : file_(file), out_(out) {}

  void ReadDocument(Value document) {
    ++out_->parsed.documents;
    if (document.IsNull()) return;
    if (!document.IsObject()) {
      Fault(document.place(), absl::StrCat("the document ", Found(document),
                                           ", not an object with apiVersion, kind and metadata; "
                                           "exclude files that are no manifests in .sourceignore"));
    } else if (IsList(document)) {
      ReadList(std::move(document));
    } else {
      ReadObject(std::move(document));
    }
  }

 private:
  void Fault(Place place, absl::string_view message) {
    out_->errors.push_back(absl::StrCat(file_, ":", place.line, ":", place.column, ": ", message));
  }

  // A v1 List, or a list of some kind as `kubectl get -o yaml` may print it. A custom kind whose
  // name ends so has no items.
  static bool IsList(const Value& document) {
    const absl::string_view kind = document.StringAt("kind");
    if (!absl::EndsWith(kind, "List")) return false;
    return kind == "List" || document.Find("items") != nullptr;
  }

  void ReadList(Value list) {
    Value* items = list.Find("items");
    if (items == nullptr || items->IsNull()) return;
    if (!items->IsArray()) {
      Fault(items->place(),
            absl::StrCat("items of a ", list.StringAt("kind"), " ", Found(*items), ", not a list"));
      return;
    }
    absl::string_view item_kind = list.StringAt("kind");
    absl::ConsumeSuffix(&item_kind, "List");
    for (Value& item : items->AsArray()) {
      // As Kubernetes' own decoder: items of a list of some kind need not repeat it.
      if (item.IsObject() && !item_kind.empty() && item.Find("kind") == nullptr &&
          item.Find("apiVersion") == nullptr) {
        item.AsObject().Set("kind", Value::String(item_kind));
        item.AsObject().Set("apiVersion", Value::String(list.StringAt("apiVersion")));
      }
      ReadDocument(std::move(item));
    }
  }

  void ReadObject(Value object) {
    const size_t faults = out_->errors.size();
    ParsedObject parsed;
    parsed.place = object.place();
    ReadType(object, &parsed.key);
    ReadMetadata(object, &parsed.key);
    if (parsed.key.kind == "CustomResourceDefinition" &&
        parsed.key.group == "apiextensions.k8s.io") {
      ReadDefinition(object, &parsed);
    }
    if (out_->errors.size() != faults) return;
    parsed.json = std::make_shared<const std::string>(CanonicalJson(object));
    parsed.blob = Digest::Of(*parsed.json);
    out_->parsed.objects.push_back(std::move(parsed));
  }

  // The text of a required member of `parent`, or null after a fault.
  const std::string* RequiredText(const Value& parent, absl::string_view key,
                                  absl::string_view path, absl::string_view hint) {
    const Value* value = parent.Find(key);
    if (value == nullptr || value->IsNull() || (value->IsString() && value->AsString().empty())) {
      Fault((value == nullptr ? parent : *value).place(),
            absl::StrCat("the object has no ", path, hint));
      return nullptr;
    }
    if (!value->IsString()) {
      Fault(value->place(), absl::StrCat(path, " ", Found(*value), ", not text; quote it"));
      return nullptr;
    }
    return &value->AsString();
  }

  void ReadType(const Value& object, ObjectKey* key) {
    if (const std::string* api = RequiredText(object, "apiVersion", "apiVersion", "")) {
      const size_t slash = api->find('/');
      const absl::string_view version = slash == std::string::npos
                                            ? absl::string_view(*api)
                                            : absl::string_view(*api).substr(slash + 1);
      key->group = slash == std::string::npos ? "" : api->substr(0, slash);
      const bool group_fits = slash == std::string::npos || CheckDnsSubdomain(key->group).ok();
      if (!group_fits || !CheckDnsLabel(version).ok()) {
        Fault(object.Find("apiVersion")->place(),
              absl::StrCat("apiVersion \"", absl::CHexEscape(*api),
                           "\" is neither VERSION nor GROUP/VERSION"));
      }
    }
    if (const std::string* kind = RequiredText(object, "kind", "kind", "")) {
      key->kind = *kind;
      if (!IsKindName(*kind)) {
        Fault(object.Find("kind")->place(),
              absl::StrCat("kind \"", absl::CHexEscape(*kind), "\" is no name of a kind"));
      }
    }
  }

  void ReadMetadata(Value& object, ObjectKey* key) {
    Value* metadata = object.Find("metadata");
    if (metadata == nullptr || metadata->IsNull()) {
      Fault(object.place(), "the object has no metadata.name");
      return;
    }
    if (!metadata->IsObject()) {
      Fault(metadata->place(), absl::StrCat("metadata ", Found(*metadata), ", not a mapping"));
      return;
    }
    ReadName(*metadata, key);
    ReadNamespace(*metadata, key);
    for (const absl::string_view field : {"labels", "annotations"}) CheckTexts(*metadata, field);
  }

  void ReadName(const Value& metadata, ObjectKey* key) {
    const bool generated = metadata.Find("name") == nullptr && metadata.Find("generateName");
    const std::string* name = RequiredText(
        metadata, "name", "metadata.name",
        generated ? "; metadata.generateName would make another object at each apply" : "");
    if (name == nullptr) return;
    key->name = *name;
    if (!IsObjectName(*name)) {
      Fault(metadata.Find("name")->place(),
            absl::StrCat("metadata.name \"", absl::CHexEscape(name->substr(0, 253)),
                         "\" is no name: at most 253 bytes, without '/', '%', '\\' and control "
                         "characters, not \".\" or \"..\""));
    }
  }

  void ReadNamespace(Value& metadata, ObjectKey* key) {
    const Value* namespace_ = metadata.Find("namespace");
    if (namespace_ == nullptr) return;
    if (namespace_->IsNull() || (namespace_->IsString() && namespace_->AsString().empty())) {
      metadata.AsObject().Remove(
          "namespace");  // Says nothing, so that a default can take its place.
    } else if (!namespace_->IsString()) {
      Fault(namespace_->place(),
            absl::StrCat("metadata.namespace ", Found(*namespace_), ", not text; quote it"));
    } else if (const absl::Status status = CheckDnsLabel(namespace_->AsString()); !status.ok()) {
      Fault(namespace_->place(), absl::StrCat("metadata.namespace: ", status.message()));
    } else {
      key->namespace_ = namespace_->AsString();
    }
  }

  // Kubernetes takes text only, and the slip of `enabled: true` is common.
  void CheckTexts(const Value& metadata, absl::string_view field) {
    const Value* values = metadata.Find(field);
    if (values == nullptr || values->IsNull()) return;
    if (!values->IsObject()) {
      Fault(values->place(),
            absl::StrCat("metadata.", field, " ", Found(*values), ", not a mapping"));
      return;
    }
    for (const Object::Member& member : values->AsObject()) {
      if (member.value.IsString() || member.value.IsNull()) continue;
      Fault(member.value.place(),
            absl::StrCat("metadata.", field, "[", absl::CHexEscape(member.key), "] ",
                         Found(member.value), ", not text; quote it"));
    }
  }

  static void ReadDefinition(const Value& object, ParsedObject* parsed) {
    const Value* spec = object.Find("spec");
    const Value* names = spec == nullptr ? nullptr : spec->Find("names");
    if (names == nullptr) return;
    parsed->defines_group = std::string(spec->StringAt("group"));
    parsed->defines_kind = std::string(names->StringAt("kind"));
    const absl::string_view scope = spec->StringAt("scope");
    if (scope == "Namespaced") parsed->defines = Scope::kNamespaced;
    if (scope == "Cluster") parsed->defines = Scope::kCluster;
  }

  const absl::string_view file_;
  ManifestFile* const out_;
};

// The documents of YAML and JSON. JSON is read as YAML first, because that knows places; what YAML
// does not know of JSON (surrogate pairs) is left to the JSON reader.
absl::StatusOr<std::vector<Value>> ReadDocuments(absl::string_view content,
                                                 absl::string_view file) {
  absl::StatusOr<std::vector<Value>> documents = ReadYaml(content, file);
  if (documents.ok() || !absl::EndsWith(file, ".json")) return documents;
  absl::StatusOr<Value> json = ReadJson(content, file, {.bytes = YamlLimits().bytes});
  if (!json.ok()) return documents;
  std::vector<Value> one;
  one.push_back(*std::move(json));
  return one;
}

// Where metadata.namespace stands in canonical JSON that has none: after the last member of
// metadata that sorts before it, which is metadata.name at the latest.
size_t NamespacePosition(absl::string_view json) {
  size_t depth = 0;
  bool in_metadata = false;
  size_t key_begin = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') {
      key_begin = i + 1;
      for (++i; json[i] != '"'; ++i) {
        if (json[i] == '\\') ++i;
      }
      const absl::string_view text = json.substr(key_begin, i - key_begin);
      const bool is_key = i + 1 < json.size() && json[i + 1] == ':';
      if (depth == 1 && is_key) in_metadata = text == "metadata";
      if (depth == 2 && in_metadata && is_key && text > "namespace") return key_begin - 2;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 2 && in_metadata) return i;
      --depth;
    }
  }
  return json.size();  // Not reached: an object that was read has metadata.
}

}  // namespace

bool IsManifestName(absl::string_view name) {
  return absl::EndsWith(name, ".yaml") || absl::EndsWith(name, ".yml") ||
         absl::EndsWith(name, ".json");
}

ManifestFile ReadManifestFile(absl::string_view content, absl::string_view file) {
  ManifestFile result;
  absl::StatusOr<std::vector<Value>> documents = ReadDocuments(content, file);
  if (!documents.ok()) {
    result.errors.emplace_back(documents.status().message());
    return result;
  }
  Reader reader(file, &result);
  for (Value& document : *documents) reader.ReadDocument(std::move(document));
  return result;
}

ParsedObject InNamespace(const ParsedObject& object, absl::string_view namespace_) {
  const absl::string_view json = *object.json;
  const size_t position = NamespacePosition(json);
  ParsedObject result = object;
  result.key.namespace_ = std::string(namespace_);
  result.json = std::make_shared<const std::string>(absl::StrCat(
      json.substr(0, position), ",\"namespace\":\"", namespace_, "\"", json.substr(position)));
  result.blob = Digest::Of(*result.json);
  return result;
}

}  // namespace lockstep
