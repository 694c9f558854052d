#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/render/ignore.h"
#include "common/text/names.h"
#include "common/text/nearest.h"
#include "hub/fleet/checks.h"

namespace lockstep {
namespace {

using Errors = std::vector<FieldError>;

constexpr absl::Duration kIntervalMin = absl::Seconds(5);
constexpr absl::Duration kIntervalMax = absl::Hours(365 * 24);

FieldPath Spec() { return FieldPath().Field("spec"); }

void Required(const std::string& text, const FieldPath& field, Errors& errors) {
  if (text.empty()) errors.push_back({field, "is required"});
}

void CheckName(const std::string& name, const FieldPath& field, Errors& errors) {
  if (!name.empty()) Check(CheckDnsLabel(name), field, errors);
}

// The word that `text` is among `words`, by position; the first where it is empty.
size_t ReadWord(const std::string& text, const std::vector<std::string>& words,
                const FieldPath& field, Errors& errors) {
  if (text.empty()) return 0;
  const auto found = std::find(words.begin(), words.end(), text);
  if (found != words.end()) return found - words.begin();
  const std::string near = NearestWord(text, words);
  errors.push_back(
      {field, absl::StrCat("is \"", absl::CHexEscape(text), "\"; it is one of ",
                           absl::StrJoin(words, ", "),
                           near.empty() ? "" : absl::StrCat("; did you mean ", near, "?"))});
  return 0;
}

// The outer form only: the part that fetches parses it whole, with what the operator allows.
void CheckUrl(const std::string& url, const FieldPath& field, Errors& errors) {
  if (url.empty()) return errors.push_back({field, "is required"});
  if (url.size() > 2048) return errors.push_back({field, "has more than 2,048 bytes"});
  const auto is_bad = [](unsigned char c) { return c <= 0x20 || c == 0x7f || c == '\\'; };
  if (std::any_of(url.begin(), url.end(), is_bad)) {
    return errors.push_back({field, "holds a space, backslash or control character"});
  }
  for (const absl::string_view scheme : {"https://", "http://"}) {
    if (!absl::StartsWith(url, scheme)) continue;
    const absl::string_view host = absl::string_view(url).substr(scheme.size());
    if (absl::StrContains(host.substr(0, host.find('/')), "@")) {
      errors.push_back({field,
                        "holds a user or password; put them into a Secret and name it in "
                        "spec.secretRef"});
    }
    return;
  }
  const bool other = absl::StartsWith(url, "ssh://") || absl::StartsWith(url, "file://");
  const size_t at = url.find('@'), colon = url.find(':');
  const bool scp = !absl::StrContains(url, "://") && at != std::string::npos &&
                   colon != std::string::npos && at > 0 && at + 1 < colon;
  if (!other && !scp) {
    errors.push_back({field,
                      "is no URL of a Git repository; write https://HOST/PATH, "
                      "ssh://USER@HOST/PATH or USER@HOST:PATH"});
  }
}

GitRef ReadRef(const v1::GitRef& message, const FieldPath& path, Errors& errors) {
  GitRef ref{message.branch(), message.tag(), message.semver(), message.name(), message.commit()};
  const std::pair<absl::string_view, const std::string*> names[] = {
      {"branch", &ref.branch}, {"tag", &ref.tag}, {"semver", &ref.semver}, {"name", &ref.name}};
  std::vector<absl::string_view> given;
  for (const auto& [name, value] : names) {
    if (value->empty()) continue;
    given.push_back(name);
    if (value->size() > 255) errors.push_back({path.Field(name), "has more than 255 bytes"});
    const auto is_control = [](unsigned char c) { return absl::ascii_iscntrl(c); };
    if (std::any_of(value->begin(), value->end(), is_control)) {
      errors.push_back({path.Field(name), "holds a control character"});
    }
  }
  if (given.size() > 1) {
    errors.push_back({path, absl::StrCat("names ", absl::StrJoin(given, " and "), "; keep one")});
  }
  if (!ref.commit.empty() && !(ref.tag.empty() && ref.semver.empty())) {
    errors.push_back({path.Field("commit"), "stands alone or beside branch or name"});
  }
  const bool is_id = ref.commit.size() == 40 &&
                     std::all_of(ref.commit.begin(), ref.commit.end(), [](unsigned char c) {
                       return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
                     });
  if (!ref.commit.empty() && !is_id) {
    errors.push_back({path.Field("commit"), "is no commit: 40 digits of 0-9 and a-f"});
  }
  if (!ref.name.empty() && !absl::StartsWith(ref.name, "refs/")) {
    errors.push_back(
        {path.Field("name"), "is a full name, such as refs/heads/main; or use branch"});
  }
  for (const auto& [field, value] : {std::pair("branch", ref.branch), std::pair("tag", ref.tag)}) {
    if (absl::StartsWith(value, "refs/")) {
      errors.push_back({path.Field(field), "is the short name; full ones go into name"});
    }
  }
  return ref;
}

NamespacedName ReadSource(const v1::ApplicationSpec& spec, const Meta& meta, Errors& errors) {
  const FieldPath path = Spec().Field("sourceRef");
  if (!spec.has_source_ref()) {
    errors.push_back({path, "is required"});
    return {};
  }
  const v1::SourceReference& ref = spec.source_ref();
  if (ref.kind().empty()) {
    errors.push_back({path.Field("kind"), "is required: GitRepository"});
  } else if (ref.kind() == "OCIRepository" || ref.kind() == "Bucket" ||
             ref.kind() == "ExternalArtifact") {
    errors.push_back(
        {path.Field("kind"), absl::StrCat(ref.kind(), " is not built yet; use a GitRepository")});
  } else {
    ReadWord(ref.kind(), {"GitRepository"}, path.Field("kind"), errors);
  }
  Required(ref.name(), path.Field("name"), errors);
  CheckName(ref.name(), path.Field("name"), errors);
  CheckName(ref.namespace_(), path.Field("namespace"), errors);
  return {ref.namespace_().empty() ? meta.namespace_ : ref.namespace_(), ref.name()};
}

LabelRequirement ReadRequirement(const v1::LabelSelectorRequirement& message, const FieldPath& path,
                                 Errors& errors) {
  LabelRequirement requirement{.key = message.key(),
                               .values = {message.values().begin(), message.values().end()}};
  Check(CheckLabelKey(message.key()), path.Field("key"), errors);
  const FieldPath op = path.Field("operator");
  Required(message.operator_(), op, errors);
  requirement.op = static_cast<LabelRequirement::Operator>(
      ReadWord(message.operator_(), {"In", "NotIn", "Exists", "DoesNotExist"}, op, errors));
  const bool needs_values = requirement.op == LabelRequirement::Operator::kIn ||
                            requirement.op == LabelRequirement::Operator::kNotIn;
  if (needs_values == requirement.values.empty() && !message.operator_().empty()) {
    errors.push_back({path.Field("values"),
                      absl::StrCat(needs_values ? "needs one at least for " : "must be empty for ",
                                   message.operator_())});
  }
  for (size_t i = 0; i < requirement.values.size(); ++i) {
    Check(CheckLabelValue(requirement.values[i]), path.Field("values").Item(i), errors);
  }
  return requirement;
}

LabelSelector ReadSelector(const v1::LabelSelector& message, const FieldPath& path,
                           Errors& errors) {
  LabelSelector selector;
  for (const auto& [key, value] : message.match_labels()) {
    Check(CheckLabelKey(key), path.Field("matchLabels").Key(key), errors);
    Check(CheckLabelValue(value), path.Field("matchLabels").Key(key), errors);
    selector.match_labels[key] = value;
  }
  for (int i = 0; i < message.match_expressions_size(); ++i) {
    selector.match_expressions.push_back(ReadRequirement(
        message.match_expressions(i), path.Field("matchExpressions").Item(i), errors));
  }
  return selector;
}

}  // namespace

GitRepositorySpec ReadSpec(const v1::GitRepositorySpec& message, Errors& errors) {
  GitRepositorySpec spec;
  spec.url = message.url();
  CheckUrl(spec.url, Spec().Field("url"), errors);
  spec.ref = ReadRef(message.ref(), Spec().Field("ref"), errors);
  spec.interval = ReadDuration(message.has_interval(), message.interval(), spec.interval,
                               kIntervalMin, kIntervalMax, Spec().Field("interval"), errors);
  spec.timeout = ReadDuration(message.has_timeout(), message.timeout(), spec.timeout,
                              absl::Seconds(1), absl::Hours(1), Spec().Field("timeout"), errors);
  if (message.has_secret_ref()) {
    const FieldPath name = Spec().Field("secretRef").Field("name");
    spec.secret = message.secret_ref().name();
    Required(spec.secret, name, errors);
    CheckName(spec.secret, name, errors);
  }
  if (message.has_ignore()) {
    spec.ignore = message.ignore();
    Check(IgnoreRules::Make(&*spec.ignore).status(), Spec().Field("ignore"), errors);
  }
  spec.suspend = message.suspend();
  return spec;
}

Placement ReadPlacement(const v1::Placement& message, const FieldPath& path, Errors& errors) {
  Placement placement;
  if (message.clusters().empty() && !message.has_selector()) {
    errors.push_back({path, "names no cluster and has no selector; selector: {} selects all"});
  }
  for (int i = 0; i < message.clusters_size(); ++i) {
    Check(CheckDnsLabel(message.clusters(i)), path.Field("clusters").Item(i), errors);
    placement.clusters.push_back(message.clusters(i));
  }
  std::sort(placement.clusters.begin(), placement.clusters.end());
  placement.clusters.erase(std::unique(placement.clusters.begin(), placement.clusters.end()),
                           placement.clusters.end());
  if (message.has_selector()) {
    placement.selector = ReadSelector(message.selector(), path.Field("selector"), errors);
  }
  return placement;
}

ApplicationSpec ReadSpec(const v1::ApplicationSpec& message, const Meta& meta, Errors& errors) {
  ApplicationSpec spec;
  spec.source = ReadSource(message, meta, errors);
  absl::StatusOr<PathTemplate> path = PathTemplate::Parse(message.path());
  Check(path.status(), Spec().Field("path"), errors);
  if (path.ok()) spec.path = *std::move(path);
  spec.missing_path = static_cast<MissingPath>(
      ReadWord(message.missing_path(), {"error", "skip"}, Spec().Field("missingPath"), errors));
  if (message.has_placement()) {
    spec.placement = ReadPlacement(message.placement(), Spec().Field("placement"), errors);
  } else {
    errors.push_back({Spec().Field("placement"), "is required: clusters, a selector, or both"});
  }
  if (!message.default_namespace().empty()) spec.default_namespace = message.default_namespace();
  CheckName(spec.default_namespace, Spec().Field("defaultNamespace"), errors);
  spec.interval = ReadDuration(message.has_interval(), message.interval(), spec.interval,
                               kIntervalMin, kIntervalMax, Spec().Field("interval"), errors);
  spec.prune = !message.has_prune() || message.prune();
  spec.deletion_policy = static_cast<DeletionPolicy>(ReadWord(
      message.deletion_policy(), {"Orphan", "Delete"}, Spec().Field("deletionPolicy"), errors));
  spec.suspend = message.suspend();
  return spec;
}

}  // namespace lockstep
