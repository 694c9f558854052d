#include "common/render/kustomize/generators.h"

#include <utility>
#include <vector>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"
#include "common/text/utf8.h"

namespace lockstep::kustomize {
namespace {

constexpr size_t kBase64Line = 70;

// What entries say, in their order; a key twice is an error.
class Pairs {
 public:
  Pairs(const GeneratorEntry& entry, const Loader& loader) : entry_(entry), loader_(loader) {}

  absl::StatusOr<StringMap> Collect() {
    for (const Text& path : entry_.envs) LOCKSTEP_RETURN_IF_ERROR(AddEnvFile(path));
    for (const Text& literal : entry_.literals) LOCKSTEP_RETURN_IF_ERROR(AddLiteral(literal));
    for (const Text& source : entry_.files) LOCKSTEP_RETURN_IF_ERROR(AddFile(source));
    return std::move(pairs_);
  }

 private:
  absl::Status Error(const Text& at, absl::string_view message) const {
    return loader_.session().Error(at.place, absl::StrCat("\"", at.text, "\" ", message));
  }

  absl::Status Add(const Text& from, absl::string_view key, absl::string_view value) {
    if (pairs_.emplace(std::string(key), std::string(value)).second) return absl::OkStatus();
    return Error(from, absl::StrCat("gives the key \"", key, "\" of ", entry_.name,
                                    " a second time; remove one of the two"));
  }

  absl::Status AddEnvFile(const Text& path) {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> content, loader_.Read(path));
    absl::string_view rest = *content;
    absl::ConsumePrefix(&rest, "\xef\xbb\xbf");
    size_t number = 0;
    while (!rest.empty()) {
      ++number;
      const size_t end = rest.find('\n');
      absl::string_view line = rest.substr(0, end);
      rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end + 1);
      absl::ConsumeSuffix(&line, "\r");
      if (!IsUtf8(line)) return Error(path, absl::StrCat("is no UTF-8 in line ", number));
      line = absl::StripLeadingAsciiWhitespace(line);
      if (line.empty() || line[0] == '#') continue;
      const size_t equals = line.find('=');
      const absl::string_view value =
          equals == absl::string_view::npos ? absl::string_view() : line.substr(equals + 1);
      const absl::string_view key = line.substr(0, equals);
      if (!key.empty()) LOCKSTEP_RETURN_IF_ERROR(Add(path, key, value));
    }
    return absl::OkStatus();
  }

  absl::Status AddLiteral(const Text& literal) {
    const absl::string_view text = literal.text;
    const size_t equals = text.find('=');
    if (equals == 0 || equals == absl::string_view::npos) {
      return Error(literal, "is no literal; write key=value");
    }
    absl::string_view value = text.substr(equals + 1);
    const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                        (value.front() == '"' || value.front() == '\'');
    if (quoted) value = value.substr(1, value.size() - 2);
    return Add(literal, text.substr(0, equals), value);
  }

  absl::Status AddFile(const Text& source) {
    const absl::string_view text = source.text;
    const size_t equals = text.find('=');
    if (equals == absl::string_view::npos)
      return AddContent(source, text.substr(text.rfind('/') + 1), text);
    if (text.find('=', equals + 1) != absl::string_view::npos) {
      return Error(source, "has more than one \"=\"; write key=path");
    }
    if (equals == 0) return Error(source, "lacks the key before \"=\"");
    if (equals + 1 == text.size()) return Error(source, "lacks the path after \"=\"");
    return AddContent(source, text.substr(0, equals), text.substr(equals + 1));
  }

  absl::Status AddContent(const Text& source, absl::string_view key, absl::string_view path) {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> content,
                              loader_.Read({std::string(path), source.place}));
    return Add(source, key, *content);
  }

  const GeneratorEntry& entry_;
  const Loader& loader_;
  StringMap pairs_;
};

// In lines of 70 characters if there is more than one.
std::string Base64(absl::string_view bytes) {
  const std::string encoded = absl::Base64Escape(bytes);
  if (encoded.size() < kBase64Line) return encoded;
  std::string lines;
  for (size_t at = 0; at < encoded.size(); at += kBase64Line) {
    absl::StrAppend(&lines, absl::string_view(encoded).substr(at, kBase64Line), "\n");
  }
  return lines;
}

Value MapOf(const StringMap& texts) {
  Object object;
  for (const auto& [key, text] : texts) object.Add(key, Value::String(text));
  return Value::MakeObject(std::move(object));
}

GeneratorOptions Combine(const std::optional<GeneratorOptions>& own,
                         const std::optional<GeneratorOptions>& global) {
  GeneratorOptions options = own.value_or(GeneratorOptions());
  if (!global) return options;
  options.labels.insert(global->labels.begin(), global->labels.end());
  options.annotations.insert(global->annotations.begin(), global->annotations.end());
  options.disable_name_suffix_hash |= global->disable_name_suffix_hash;
  options.immutable |= global->immutable;
  return options;
}

void AddData(GeneratedKind kind, const StringMap& pairs, Object* object) {
  Object data;
  Object binary;
  for (const auto& [key, text] : pairs) {
    if (kind == GeneratedKind::kSecret) {
      data.Add(key, Value::TakeString(Base64(text)));
    } else if (IsUtf8(text)) {
      data.Add(key, Value::String(text));
    } else {
      binary.Add(key, Value::TakeString(Base64(text)));
    }
  }
  if (kind == GeneratedKind::kSecret || !data.empty()) {
    object->Add("data", Value::MakeObject(std::move(data)));
  }
  if (!binary.empty()) object->Add("binaryData", Value::MakeObject(std::move(binary)));
}

Behavior BehaviorOf(absl::string_view text) {
  if (text == "create") return Behavior::kCreate;
  if (text == "replace") return Behavior::kReplace;
  return text == "merge" ? Behavior::kMerge : Behavior::kUnspecified;
}

}  // namespace

absl::StatusOr<Resource> Generate(GeneratedKind kind, const GeneratorEntry& entry,
                                  const std::optional<GeneratorOptions>& global,
                                  const Loader& loader) {
  const bool secret = kind == GeneratedKind::kSecret;
  const char* const field = secret ? "secretGenerator" : "configMapGenerator";
  if (entry.name.empty()) {
    return loader.session().Error(entry.place,
                                  absl::StrCat("this entry of ", field, " lacks a name; add it"));
  }
  const GeneratorOptions options = Combine(entry.options, global);
  LOCKSTEP_ASSIGN_OR_RETURN(const StringMap pairs, Pairs(entry, loader).Collect());
  Object metadata;
  metadata.Add("name", Value::String(entry.name));
  if (!entry.space.empty()) metadata.Add("namespace", Value::String(entry.space));
  if (!options.labels.empty()) metadata.Add("labels", MapOf(options.labels));
  if (!options.annotations.empty()) metadata.Add("annotations", MapOf(options.annotations));
  Object object;
  object.Add("apiVersion", Value::String("v1"));
  object.Add("kind", Value::String(secret ? "Secret" : "ConfigMap"));
  object.Add("metadata", Value::MakeObject(std::move(metadata)));
  if (secret) object.Add("type", Value::String(entry.type.empty() ? "Opaque" : entry.type));
  AddData(kind, pairs, &object);
  if (options.immutable) object.Add("immutable", Value::Bool(true));
  Resource resource(Value::MakeObject(std::move(object)));
  resource.value.set_place(entry.place);
  resource.behavior = BehaviorOf(entry.behavior);
  resource.needs_hash = !options.disable_name_suffix_hash;
  return resource;
}

}  // namespace lockstep::kustomize
