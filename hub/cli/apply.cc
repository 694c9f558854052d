#include <algorithm>
#include <iostream>
#include <iterator>
#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/text/utf8.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

constexpr int64_t kFileBytesMax = 3 << 20;  // SECURITY 2.4: one manifest file.

struct ApplyFlags {
  std::vector<std::string> files;
  bool dry_run = false;
  bool wait = false;
};

bool IsManifestName(absl::string_view name) {
  return absl::EndsWith(name, ".yaml") || absl::EndsWith(name, ".yml") ||
         absl::EndsWith(name, ".json");
}

absl::Status AddFile(const std::string& path, v1::ApplyRequest* request) {
  std::string content;
  if (path == "-") {
    content.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    LOCKSTEP_ASSIGN_OR_RETURN(content, ReadFile(path, kFileBytesMax));
  }
  if (const size_t at = FindInvalidUtf8(content); at != absl::string_view::npos) {
    const auto line =
        1 + std::count(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return absl::FailedPreconditionError(
        absl::StrCat(path, ":", line, ": it is not UTF-8 from here on; save the file as UTF-8"));
  }
  v1::ApplyRequest::File* file = request->add_files();
  file->set_name(path == "-" ? "standard input" : path);
  file->set_content(std::move(content));
  return absl::OkStatus();
}

// A folder's files, not those of folders below it, as kubectl without -R.
absl::Status AddPath(const std::string& path, v1::ApplyRequest* request) {
  const absl::StatusOr<std::vector<std::string>> names =
      path == "-" ? absl::NotFoundError("") : ListDirectory(path);
  if (!names.ok()) return AddFile(path, request);
  const int before = request->files_size();
  for (const std::string& name : *names) {
    if (IsManifestName(name))
      LOCKSTEP_RETURN_IF_ERROR(AddFile(absl::StrCat(path, "/", name), request));
  }
  if (request->files_size() == before) {
    return absl::NotFoundError(
        absl::StrCat("applying \"", path, "\": the folder holds no .yaml, .yml or .json file"));
  }
  return absl::OkStatus();
}

absl::string_view OutcomeText(v1::ApplyResponse::Outcome outcome) {
  switch (outcome) {
    case v1::ApplyResponse::CREATED:
      return "created";
    case v1::ApplyResponse::CONFIGURED:
      return "configured";
    case v1::ApplyResponse::UNCHANGED:
      return "unchanged";
    default:
      return "unknown";
  }
}

absl::StatusOr<int> Apply(CommandContext& context, const ApplyFlags& flags) {
  v1::ApplyRequest request;
  request.set_default_namespace(context.flags().name_space);
  request.set_dry_run(flags.dry_run);
  for (const std::string& path : flags.files) LOCKSTEP_RETURN_IF_ERROR(AddPath(path, &request));
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  const absl::StatusOr<v1::ApplyResponse> answer =
      client->Call<v1::ApplyRequest, v1::ApplyResponse>(&FleetClient::Stub::Apply, request);
  if (!answer.ok()) {
    // What is wrong with the input is no wrong use of this command.
    if (!absl::IsInvalidArgument(answer.status())) return answer.status();
    return absl::FailedPreconditionError(
        absl::StrCat("nothing was applied:\n", answer.status().message()));
  }
  for (const v1::ApplyResponse::Result& result : answer->results()) {
    context.out() << KeyText(result.key()) << " " << OutcomeText(result.outcome())
                  << (flags.dry_run ? " (dry run)" : "") << "\n";
    for (const std::string& warning : result.warnings()) {
      context.talk() << "warning: " << KeyText(result.key()) << ": " << ForTerminal(warning)
                     << "\n";
    }
  }
  int code = kExitDone;
  for (const v1::ApplyResponse::Result& result : answer->results()) {
    if (!flags.wait || flags.dry_run || result.key().kind() != "Application") continue;
    LOCKSTEP_ASSIGN_OR_RETURN(const int waited, WaitForApplication(context, result.key(), ""));
    code = std::max(code, waited);
  }
  return code;
}

}  // namespace

void AddApplyCommand(CommandSet* set) {
  auto flags = std::make_shared<ApplyFlags>();
  CLI::App* app = set->Add("apply", "create or change resources from files",
                           [flags](CommandContext& context) { return Apply(context, *flags); });
  app->add_option("-f,--filename", flags->files, "file, folder or - for standard input")
      ->required();
  app->add_flag("--dry-run", flags->dry_run, "check only");
  app->add_flag("--wait", flags->wait, "wait until the applications are ready");
}

}  // namespace lockstep
