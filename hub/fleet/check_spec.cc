#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/strip.h>

#include "common/render/ignore.h"
#include "common/text/names.h"
#include "common/text/nearest.h"
#include "hub/fleet/checks.h"
#include "hub/remote/git_url.h"

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

GitRef ReadRef(const v1::GitRef& message, const FieldPath& path, Errors& errors) {
  GitRef ref{message.branch(), message.tag(), message.semver(), message.name(), message.commit()};
  const absl::Status status = ValidateGitRef(ref);
  if (status.ok()) return ref;
  // The message begins with the field that it is about: "spec.ref.tag …" or "spec.ref …".
  absl::string_view text = status.message();
  FieldPath field = path;
  absl::ConsumePrefix(&text, path.ToString());
  if (absl::ConsumePrefix(&text, ".")) {
    field = path.Field(text.substr(0, text.find(' ')));
    text.remove_prefix(std::min(text.find(' '), text.size()));
  }
  absl::ConsumePrefix(&text, " ");
  errors.push_back({field, std::string(text)});
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
  if (spec.url.empty()) {
    errors.push_back({Spec().Field("url"), "is required"});
  } else {
    Check(GitUrl::Parse(spec.url).status(), Spec().Field("url"), errors);
  }
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
  spec.service_account = message.service_account_name();
  if (!spec.service_account.empty()) {
    Check(CheckDnsSubdomain(spec.service_account), Spec().Field("serviceAccountName"), errors);
  }
  spec.create_namespace = message.create_namespace();
  return spec;
}

}  // namespace lockstep
