#include "hub/source/git_source.h"

#include <algorithm>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "hub/source/fetch_workers.h"
#include "hub/source/git_snapshot.h"
#include "hub/source/mirror.h"

namespace lockstep {
namespace {

bool IsMirrorName(absl::string_view name) {
  return name.size() == 32 && name.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

FetchOrder OrderFor(const FetchRequest& request, const AllowedSources& allowed,
                    const FetchLimits& limits, const Mirrors::Mirror& mirror) {
  const AddressPolicy policy = allowed.PolicyFor(request.url);
  FetchOrder order{.repository = mirror.repository(),
                   .home = mirror.home(),
                   .url = request.url.ToString(),
                   .ref = request.ref,
                   .credentials = request.credentials,
                   .any_address = policy.any,
                   .bytes_max = limits.bytes,
                   .objects_max = limits.objects,
                   .refs_bytes_max = limits.refs_bytes,
                   .memory_bytes_max = limits.memory_bytes};
  for (const Cidr& range : policy.ranges) order.ranges.push_back(range.ToString());
  return order;
}

}  // namespace

std::string MirrorName(const GitUrl& url, absl::string_view credentials_key) {
  Hasher hasher;
  hasher.AddSized(url.ToString());
  hasher.AddSized(credentials_key);
  return hasher.Finish().ToHex().substr(0, 32);
}

GitSource::GitSource(Options options)
    : options_(std::move(options)),
      workers_(std::make_unique<FetchWorkers>(options_.server_command)),
      mirrors_(std::make_unique<Mirrors>(options_.directory)) {}

GitSource::~GitSource() { Stop(); }

absl::Status GitSource::Start() {
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(options_.directory, 0700));
  return workers_->Start();
}

void GitSource::Stop() { workers_->Stop(); }

absl::StatusOr<FetchResult> GitSource::Fetch(const FetchRequest& request) {
  LOCKSTEP_RETURN_IF_ERROR(options_.allowed.CheckUrl(request.url));
  LOCKSTEP_RETURN_IF_ERROR(ValidateGitRef(request.ref));
  const std::string what = absl::StrCat("fetching \"", request.url.ToString(), "\"");
  if (const absl::Status status = CheckCredentials(request.url, request.credentials);
      !status.ok()) {
    return Annotate(status, what);
  }
  absl::StatusOr<FetchResult> result = FetchInTurn(request);
  if (result.ok()) return result;
  return absl::Status(
      result.status().code(),
      RedactSecrets(absl::StrCat(what, ": ", result.status().message()), request.credentials));
}

// A mirror that is found damaged is made anew at once: a fetch into a new one, with that one's
// limit.
absl::StatusOr<FetchResult> GitSource::FetchInTurn(const FetchRequest& request) {
  const std::string name = MirrorName(request.url, request.credentials_key);
  bool damaged = false;
  absl::StatusOr<FetchResult> result = FetchOnce(request, name, &damaged);
  if (!damaged) return result;
  Log(LogLevel::kWarning, "mirror damaged, made anew",
      {{"mirror", name}, {"error", result.status()}});
  return FetchOnce(request, name, &damaged);
}

absl::StatusOr<FetchResult> GitSource::FetchOnce(const FetchRequest& request,
                                                 const std::string& name, bool* damaged) {
  const Mirrors::Turn mirror = mirrors_->Take(name);
  const bool first = !PathExists(mirror->url_file());
  const absl::Duration timeout =
      first ? std::max(request.timeout, options_.limits.first_clone) : request.timeout;
  const absl::Duration started = options_.clock->Monotonic();
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(mirror->home(), 0700));
  const FetchOrder order = OrderFor(request, options_.allowed, options_.limits, *mirror);
  const absl::StatusOr<FetchReport> report = workers_->Run(order, timeout);
  if (absl::IsDeadlineExceeded(report.status())) {
    return absl::DeadlineExceededError(absl::StrCat(
        "it took longer than ", absl::FormatDuration(timeout),
        first ? ", the limit of a first fetch (spec.timeout may be longer)" : " (spec.timeout)",
        "; the server hangs, or the repository is too large"));
  }
  LOCKSTEP_RETURN_IF_ERROR(report.status());
  *damaged = report->damaged;
  if (report->damaged) mirror->pool->ReportDamage();
  LOCKSTEP_RETURN_IF_ERROR(report->status);
  if (report->commit.empty()) return absl::InternalError("the fetch process named no commit");
  if (first) {
    LOCKSTEP_RETURN_IF_ERROR(WriteFileAtomic(
        mirror->url_file(), absl::StrCat(request.url.ToString(), "\n"), Durability::kSynced, 0600));
  }
  if (report->packs > options_.limits.packs) MergePacks(order);
  return FetchResult{.mirror = name,
                     .revision = RevisionName(report->shown, report->commit),
                     .commit = report->commit,
                     .ref = report->ref,
                     .previous = report->previous,
                     .changed = report->commit != report->previous,
                     .forced = report->forced,
                     .bytes = report->bytes,
                     .objects = report->objects,
                     .duration = options_.clock->Monotonic() - started};
}

// A mirror whose packs stay many is slow, not wrong: the next fetch tries again.
void GitSource::MergePacks(FetchOrder order) {
  order.task = FetchOrder::Task::kMergePacks;
  order.credentials = {};
  const absl::StatusOr<FetchReport> report = workers_->Run(order, options_.limits.first_clone);
  const absl::Status status = report.ok() ? report->status : report.status();
  if (!status.ok()) {
    Log(LogLevel::kWarning, "packs of a mirror not merged",
        {{"mirror", order.repository}, {"error", status}});
  }
}

absl::StatusOr<std::shared_ptr<const Snapshot>> GitSource::Open(absl::string_view mirror,
                                                                absl::string_view commit) const {
  if (!IsMirrorName(mirror))
    return absl::InvalidArgumentError("the name of a mirror is 32 hex digits");
  LOCKSTEP_ASSIGN_OR_RETURN(std::shared_ptr<const Snapshot> snapshot,
                            GitSnapshot::Open(mirrors_->PoolOf(std::string(mirror)), commit,
                                              options_.limits.object_bytes));
  return snapshot;
}

absl::Status GitSource::KeepOnly(const std::set<std::string>& names) {
  return mirrors_->KeepOnly(names);
}

}  // namespace lockstep
