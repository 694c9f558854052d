#include "hub/rpc/apply.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/text/count.h"
#include "common/text/names.h"
#include "hub/fleet/parse.h"

namespace lockstep {
namespace {

constexpr size_t kErrorBytesMax = 4000;

constexpr int kFilesMax = 10000;

DeclaredResource Declare(ParsedResource parsed, const FleetServiceParts& parts) {
  DeclaredResource declared;
  declared.place = absl::StrCat(parsed.file, ":", parsed.place.line);
  if (auto* secret = std::get_if<Secret>(&parsed.resource)) {
    declared.secret = parts.seal(KeyOf(parsed.resource), secret->data);
    secret->data = SecretData();
  }
  declared.resource = std::move(parsed.resource);
  return declared;
}

// A status travels in a header, for which gRPC has 8 KiB: the first lines, and how many more there
// are.
absl::Status ShortenErrors(const absl::Status& status) {
  const std::string text(status.message());
  if (text.size() <= kErrorBytesMax) return status;
  const size_t end = text.rfind('\n', kErrorBytesMax);
  const size_t kept = end == std::string::npos ? kErrorBytesMax : end;
  const auto more = std::count(text.begin() + static_cast<std::ptrdiff_t>(kept), text.end(), '\n');
  return absl::InvalidArgumentError(
      absl::StrCat(text.substr(0, kept), "\nand ", Counted(more, "more error")));
}

}  // namespace

absl::StatusOr<command::Apply> ReadApply(const v1::ApplyRequest& request,
                                         const FleetServiceParts& parts) {
  if (request.files_size() > kFilesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "files: ", request.files_size(), " elements, at most ", kFilesMax, " are allowed"));
  }
  std::vector<ResourceFile> files;
  for (const v1::ApplyRequest::File& file : request.files())
    files.push_back({file.name(), file.content()});
  const std::string& given = request.default_namespace();
  if (!given.empty()) LOCKSTEP_RETURN_IF_ERROR(Annotate(CheckDnsLabel(given), "default_namespace"));
  ParsedResources parsed = ParseResources(files, given.empty() ? "default" : given);
  if (absl::Status status = parsed.status(); !status.ok()) return ShortenErrors(status);
  if (parsed.resources.empty()) {
    return absl::InvalidArgumentError(
        "the files hold no resource; write apiVersion: lockstep.dev/v1 and a kind");
  }
  command::Apply command;
  command.dry_run = request.dry_run();
  for (ParsedResource& resource : parsed.resources)
    command.resources.push_back(Declare(std::move(resource), parts));
  return command;
}

}  // namespace lockstep
