#include "hub/cli/render_flags.h"

#include <filesystem>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/text/nearest.h"

namespace lockstep {
namespace {

absl::Status NoneOf(absl::string_view flag, absl::string_view value,
                    const std::vector<std::string>& known) {
  const std::string near = NearestWord(value, known);
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " \"", value, "\" is none of ", known[0], " and ", known[1],
                   near.empty() ? "" : absl::StrCat("; did you mean ", near, "?")));
}

}  // namespace

void RenderFlags::AddTo(CLI::App* app) {
  app->add_option("--load-restrictor", load_restrictor,
                  "LoadRestrictionsNone: files may lie outside their kustomization's folder");
  app->add_option("--reorder", reorder, "legacy or none: order of the objects");
  app->add_flag("--enable-managedby-label", managed_by_label,
                "add the label app.kubernetes.io/managed-by");
  for (const char* name : {"--as-current-user", "--enable-alpha-plugins", "--enable-exec",
                           "--enable-helm", "--helm-debug", "--network", "--stack-trace"}) {
    app->add_flag(name, ignored_->flag, "taken; changes nothing");
  }
  for (const char* name : {"-e,--env", "--helm-api-versions", "--helm-command",
                           "--helm-kube-version", "--mount", "--network-name"}) {
    app->add_option(name, ignored_->values, "taken; changes nothing")->expected(1);
  }
}

absl::StatusOr<kustomize::BuildOptions> RenderFlags::ToOptions() const {
  using Options = kustomize::BuildOptions;
  Options options;
  options.path_prefix = "/";
  options.managed_by_label = managed_by_label;
  if (load_restrictor == "LoadRestrictionsNone") {
    options.load_restrictor = Options::LoadRestrictor::kNone;
  } else if (load_restrictor != "LoadRestrictionsRootOnly") {
    return NoneOf("--load-restrictor", load_restrictor,
                  {"LoadRestrictionsRootOnly", "LoadRestrictionsNone"});
  }
  if (reorder == "none") {
    options.reorder = Options::Reorder::kNone;
  } else if (reorder == "legacy") {
    options.reorder = Options::Reorder::kLegacy;
  } else if (!reorder.empty() && reorder != "unspecified") {
    return NoneOf("--reorder", reorder, {"legacy", "none"});
  }
  return options;
}

absl::StatusOr<RenderPlace> OpenRenderPlace(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(directory, error);
  if (error) {
    return absl::FailedPreconditionError(absl::StrCat("\"", directory, "\": ", error.message(),
                                                      "; name a folder with a kustomization.yaml"));
  }
  if (!std::filesystem::is_directory(real, error)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "\"", directory, "\" is no folder; name the one that holds the kustomization"));
  }
  RenderPlace place;
  LOCKSTEP_ASSIGN_OR_RETURN(place.snapshot, DiskSnapshot::Open("/"));
  place.path = real.relative_path().string();
  return place;
}

std::string FromHere(absl::string_view message) {
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string();
  if (error || here == "/") return std::string(message);
  return absl::StrReplaceAll(message, {{absl::StrCat(here, "/"), ""}});
}

absl::Status AsRenderFailure(const absl::Status& status) {
  return absl::FailedPreconditionError(FromHere(status.message()));
}

}  // namespace lockstep
