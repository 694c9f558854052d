#include "hub/fleet/parse.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <absl/status/statusor.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/strip.h>

#include "common/object/yaml.h"
#include "common/text/nearest.h"
#include "hub/fleet/convert.h"
#include "hub/fleet/message_reader.h"
#include "hub/fleet/refused_fields.h"

namespace lockstep {
namespace {

constexpr absl::string_view kApiVersion = "lockstep.dev/v1";

std::string At(absl::string_view file, Place place) {
  return absl::StrCat(file, ":", place.line, ":", place.column, ": ");
}

// Reads the documents of one file after another.
class ResourceParser {
 public:
  explicit ResourceParser(absl::string_view default_namespace)
      : default_namespace_(default_namespace) {}

  void ReadFile(const ResourceFile& file) {
    file_ = file.name;
    absl::StatusOr<std::vector<Value>> documents = ReadYaml(file.content, file.name);
    if (!documents.ok()) {
      AddError(std::string(documents.status().message()));
      return;
    }
    for (Value& document : *documents) ReadDocument(document);
  }

  ParsedResources Finish() && {
    result_.bad_files.assign(bad_files_.begin(), bad_files_.end());
    return std::move(result_);
  }

 private:
  void AddError(std::string error) {
    result_.errors.push_back(std::move(error));
    bad_files_.insert(file_);
  }

  void Fault(Place place, absl::string_view message) {
    AddError(absl::StrCat(At(file_, place), message));
  }

  void ReadDocument(Value& document) {
    if (document.IsNull()) return;
    if (!document.IsObject()) {
      return Fault(document.place(), absl::StrCat("the document is a ", document.TypeName(),
                                                  ", not a resource with apiVersion and kind"));
    }
    if (document.StringAt("kind") == "List") return ReadList(document);
    const std::optional<ResourceKind> kind = ReadKind(document);
    if (!kind.has_value()) return;
    switch (*kind) {
      case ResourceKind::kGitRepository:
        return ReadResource<v1::GitRepository>(document, *kind);
      case ResourceKind::kApplication:
        return ReadResource<v1::Application>(document, *kind);
      case ResourceKind::kCluster:
        return ReadResource<v1::Cluster>(document, *kind);
      case ResourceKind::kSecret:
        return ReadResource<v1::Secret>(document, *kind);
    }
  }

  void ReadList(Value& list) {
    Value* items = list.Find("items");
    if (items == nullptr || items->IsNull()) return;
    if (!items->IsArray()) return Fault(items->place(), "items: is no list");
    for (Value& item : items->AsArray()) ReadDocument(item);
  }

  // Checks apiVersion and kind.
  std::optional<ResourceKind> ReadKind(const Value& document) {
    for (const absl::string_view field : {"apiVersion", "kind"}) {
      const Value* value = document.Find(field);
      if (value != nullptr && value->IsString() && !value->AsString().empty()) continue;
      Fault((value == nullptr ? document : *value).place(), absl::StrCat(field, ": is required"));
      return std::nullopt;
    }
    const absl::string_view api_version = document.StringAt("apiVersion");
    const absl::string_view kind = document.StringAt("kind");
    if (const absl::string_view why = WhyKindRefused(api_version, kind); !why.empty()) {
      Fault(document.Find("kind")->place(), absl::StrCat("kind: ", kind, ": ", why));
      return std::nullopt;
    }
    if (api_version != kApiVersion) {
      Fault(document.Find("apiVersion")->place(),
            absl::StrCat("apiVersion: is \"", absl::CHexEscape(api_version),
                         "\"; resources of the hub are ", kApiVersion,
                         "; manifests for clusters belong into a repository"));
      return std::nullopt;
    }
    const std::optional<ResourceKind> known = KindFromName(kind);
    if (!known.has_value()) {
      const std::string near =
          NearestWord(kind, {"GitRepository", "Application", "Cluster", "Secret"});
      Fault(document.Find("kind")->place(),
            absl::StrCat("kind: unknown kind \"", absl::CHexEscape(kind), "\"",
                         near.empty() ? "; use GitRepository, Application, Cluster or Secret"
                                      : absl::StrCat("; did you mean ", near, "?")));
    }
    return known;
  }

  template <typename Message>
  void ReadResource(Value& document, ResourceKind kind) {
    const Place place = document.place();
    Value body = Value::MakeObject();
    body.set_place(place);
    for (Object::Member& member : document.AsObject()) {
      if (member.key == "apiVersion" || member.key == "kind") continue;
      body.AsObject().Set(member.key, std::move(member.value));
    }
    Message message;
    std::vector<FieldError> errors;
    ReadMessage(body, FieldPath(), &message, &errors);
    if (HasNamespace(kind) && message.metadata().namespace_().empty()) {
      message.mutable_metadata()->set_namespace_(std::string(default_namespace_));
    }
    std::vector<FieldError> checked;
    Resource resource = FromProto(message, checked);
    std::vector<FieldError> more;
    for (FieldError& error : checked) {
      // A value of a wrong type is absent from the message: what the checks say of its field would
      // be wrong then.
      const bool is_told = std::any_of(errors.begin(), errors.end(), [&](const FieldError& fault) {
        return fault.field.Overlaps(error.field);
      });
      if (!is_told) more.push_back(std::move(error));
    }
    for (FieldError& error : more) errors.push_back(std::move(error));
    if (!errors.empty()) return AddFieldErrors(errors, body);
    AddResource(std::move(resource), place);
  }

  void AddFieldErrors(const std::vector<FieldError>& errors, const Value& body) {
    for (const FieldError& error : errors) Fault(error.field.In(body), error.ToString());
  }

  void AddResource(Resource resource, Place place) {
    const ResourceKey key = KeyOf(resource);
    const auto [first, is_new] = places_.try_emplace(key, At(file_, place));
    if (!is_new) {
      return Fault(place, absl::StrCat(key.ToString(), " is also at ",
                                       absl::StripSuffix(first->second, ": "), "; keep one"));
    }
    result_.resources.push_back({std::move(resource), file_, place});
  }

  const absl::string_view default_namespace_;
  std::string file_;
  ParsedResources result_;
  std::set<std::string> bad_files_;
  std::map<ResourceKey, std::string> places_;
};

}  // namespace

absl::Status ParsedResources::status() const {
  if (errors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
}

ParsedResources ParseResources(const std::vector<ResourceFile>& files,
                               absl::string_view default_namespace) {
  ResourceParser parser(default_namespace.empty() ? "default" : default_namespace);
  for (const ResourceFile& file : files) parser.ReadFile(file);
  return std::move(parser).Finish();
}

}  // namespace lockstep
