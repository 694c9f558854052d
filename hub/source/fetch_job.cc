#include "hub/source/fetch_job.h"

#include <algorithm>
#include <map>
#include <new>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "hub/source/curl_transport.h"
#include "hub/source/file_repository.h"
#include "hub/source/git_handle.h"
#include "hub/source/local_copy.h"
#include "hub/source/mirror_files.h"
#include "hub/source/mirror_objects.h"
#include "hub/source/ssh_host.h"

namespace lockstep {
namespace {

// libgit2 refuses more without telling how many; up to here it sets 12 bytes of address space aside
// for each and asks OnTransfer, which can say what the fetch needs.
constexpr int64_t kObjectsTold = 32'000'000;
constexpr size_t kProgressTextMax = size_t{4} << 20;  // Side-band text of a server.

// What the callbacks of one connection need.
struct Session {
  FetchContext* context;
  int64_t objects_max;
  int64_t pack_bytes = 0;
  size_t progress_text = 0;
  int key_attempts = 0;
};

int OnCredentials(git_credential** out, const char*, const char* user, unsigned allowed,
                  void* data) {
  auto* session = static_cast<Session*>(data);
  const GitCredentials& credentials = session->context->credentials;
  const std::string name = user == nullptr ? session->context->url.user() : user;
  if ((allowed & GIT_CREDENTIAL_SSH_MEMORY) != 0) {
    if (session->key_attempts++ == 0) {
      return git_credential_ssh_key_memory_new(
          out, name.c_str(), nullptr, credentials.identity.c_str(), credentials.passphrase.c_str());
    }
    return session->context->Fail(absl::PermissionDeniedError(absl::StrCat(
        "the server refused the Secret's identity for user \"", name,
        "\"; register its public key there, and check the passphrase (key \"password\")")));
  }
  if ((allowed & GIT_CREDENTIAL_USERNAME) != 0)
    return git_credential_username_new(out, name.c_str());
  return session->context->Fail(absl::PermissionDeniedError(
      "the server accepts no public keys, which is the only way this hub logs in by ssh"));
}

// known_hosts decides, in libgit2 (0 here would accept even a key that does not match).
int OnCertificate(git_cert*, int valid, const char*, void* data) {
  if (valid != 0) return GIT_PASSTHROUGH;
  return static_cast<Session*>(data)->context->Fail(
      absl::PermissionDeniedError("the server's host key is not the one in the Secret's "
                                  "known_hosts; somebody may be in between. If the server's key "
                                  "was changed on purpose, replace the entry"));
}

int OnTransfer(const git_indexer_progress* stats, void* data) {
  auto* session = static_cast<Session*>(data);
  session->context->objects = stats->received_objects;
  session->context->objects_total = stats->total_objects;
  if (stats->total_objects > session->objects_max ||
      stats->received_objects > session->objects_max) {
    return session->context->Fail(absl::ResourceExhaustedError(
        absl::StrCat("the fetch would bring ", stats->total_objects, " objects; ",
                     session->objects_max, " is the limit (--fetch-objects-max)")));
  }
  // http counts in its transport; here what came otherwise.
  const auto total = static_cast<int64_t>(stats->received_bytes);
  if (session->context->url.scheme() == GitUrl::Scheme::kSsh ||
      session->context->url.scheme() == GitUrl::Scheme::kFile) {
    if (!session->context->Count(total - std::exchange(session->pack_bytes, total)))
      return GIT_EUSER;
  }
  return 0;
}

int OnProgressText(const char*, int size, void* data) {
  auto* session = static_cast<Session*>(data);
  session->progress_text += static_cast<size_t>(std::max(size, 0));
  if (session->progress_text <= kProgressTextMax) return 0;
  return session->context->Fail(
      absl::ResourceExhaustedError("the server sends progress messages without end"));
}

git_remote_callbacks CallbacksFor(Session* session) {
  git_remote_callbacks callbacks;
  git_remote_init_callbacks(&callbacks, GIT_REMOTE_CALLBACKS_VERSION);
  callbacks.credentials = OnCredentials;
  callbacks.certificate_check = OnCertificate;
  callbacks.transfer_progress = OnTransfer;
  callbacks.sideband_progress = OnProgressText;
  callbacks.payload = session;
  return callbacks;
}

// libgit2's reason, unless we know a better one.
absl::Status Failure(const FetchContext& context, int64_t objects_max, int code,
                     absl::string_view what) {
  if (!context.failure.ok()) return context.failure;
  absl::Status status = GitError(code, what);
  if (absl::StrContains(status.message(), "pkt-line")) {
    return absl::FailedPreconditionError(
        absl::StrCat(status.message(),
                     "; what answers is no Git server, or its repository is of a kind that libgit2 "
                     "does not read "
                     "(SHA-256)"));
  }
  if (absl::StrContains(status.message(), "too many objects")) {
    return absl::ResourceExhaustedError(absl::StrCat("the fetch would bring over ", objects_max,
                                                     " objects, the limit (--fetch-objects-max)"));
  }
  if (code == GIT_EAUTH) return absl::PermissionDeniedError(status.message());
  if (code == GIT_ECERTIFICATE) return absl::PermissionDeniedError(status.message());
  if (status.code() == absl::StatusCode::kInternal) return absl::UnavailableError(status.message());
  return status;
}

class Job {
 public:
  explicit Job(const FetchOrder& order) : order_(order) {}

  absl::Status Run(FetchReport* report) {
    LOCKSTEP_RETURN_IF_ERROR(Prepare());
    if (absl::Status status = CheckRefs(repository_.get()); !status.ok()) {
      report->damaged = true;
      return status;
    }
    LOCKSTEP_RETURN_IF_ERROR(Connect());
    LOCKSTEP_RETURN_IF_ERROR(ListRemote());
    LOCKSTEP_ASSIGN_OR_RETURN(const RefChoice choice, ChooseRefs(order_.ref, remote_refs_));
    LOCKSTEP_RETURN_IF_ERROR(Download(choice));
    LOCKSTEP_RETURN_IF_ERROR(Settle(choice, report));
    report->shown = choice.shown;
    report->ref = choice.from;
    report->bytes = context_.bytes;
    report->objects = context_.objects;
    report->packs = CountPacks(order_.repository);
    return absl::OkStatus();
  }

 private:
  absl::Status Prepare();
  absl::Status Connect();
  absl::Status ConnectTo(const std::string& url);
  absl::Status ConnectSsh();
  absl::Status ListRemote();
  absl::Status Download(const RefChoice& choice);
  bool CopyLocally(const RefChoice& choice);
  absl::Status Settle(const RefChoice& choice, FetchReport* report);
  absl::StatusOr<std::string> FindCommit(const RefChoice& choice);
  bool IsHere(const RemoteRef& ref) const;

  const FetchOrder& order_;
  FetchContext context_;
  Session session_{};
  RepositoryHandle repository_;
  RemoteHandle remote_;
  std::vector<RemoteRef> remote_refs_;
  std::map<std::string, std::string> targets_;  // Of the remote's refs, by name.
  bool downloaded_ = false;
};

absl::Status Job::Prepare() {
  LOCKSTEP_ASSIGN_OR_RETURN(context_.url, GitUrl::Parse(order_.url));
  if (context_.url.scheme() == GitUrl::Scheme::kSsh) RestartGitAt(order_.home);
  context_.credentials = order_.credentials;
  context_.policy.any = order_.any_address;
  for (const std::string& range : order_.ranges) {
    LOCKSTEP_ASSIGN_OR_RETURN(context_.policy.ranges.emplace_back(), Cidr::Parse(range));
  }
  context_.bytes_max = order_.bytes_max;
  context_.refs_bytes_max = order_.refs_bytes_max;
  session_ = {.context = &context_, .objects_max = order_.objects_max};
  if (context_.url.scheme() != GitUrl::Scheme::kFile) {
    LOCKSTEP_RETURN_IF_ERROR(RegisterCurlTransport(&context_));  // Once in a process.
  }
  git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS,
                   static_cast<size_t>(std::max(order_.objects_max, kObjectsTold)));
  LOCKSTEP_RETURN_IF_ERROR(SweepLeftovers(order_.repository));
  LOCKSTEP_ASSIGN_OR_RETURN(repository_, OpenOrMakeMirror(order_.repository));
  return absl::OkStatus();
}

absl::Status Job::ConnectTo(const std::string& url) {
  git_remote_create_options options;
  git_remote_create_options_init(&options, GIT_REMOTE_CREATE_OPTIONS_VERSION);
  options.repository = repository_.get();
  options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
  git_remote* remote = nullptr;
  if (const int code = git_remote_create_with_opts(&remote, url.c_str(), &options); code != 0) {
    return Failure(context_, order_.objects_max, code, "setting up the fetch");
  }
  remote_.reset(remote);
  const git_remote_callbacks callbacks = CallbacksFor(&session_);
  const int code = git_remote_connect(remote, GIT_DIRECTION_FETCH, &callbacks, nullptr, nullptr);
  return code == 0 ? absl::OkStatus() : Failure(context_, order_.objects_max, code, "connecting");
}

// Each address in turn, as other clients do: one family may lead nowhere.
absl::Status Job::ConnectSsh() {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<IpAddress> addresses,
                            ResolveAllowed(context_.url.host(), context_.policy));
  absl::Status status;
  for (const IpAddress& address : addresses) {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string known_hosts,
                              KnownHostsAt(context_.credentials.known_hosts, context_.url.host(),
                                           context_.url.port(), address.ToString()));
    LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(order_.home + "/.ssh", 0700));
    LOCKSTEP_RETURN_IF_ERROR(
        WriteFileAtomic(order_.home + "/.ssh/known_hosts", known_hosts, Durability::kNone, 0600));
    status = ConnectTo(context_.url.ToStringAt(address.ToString()));
    const bool unreached =
        status.code() == absl::StatusCode::kUnavailable && session_.key_attempts == 0;
    if (!unreached) return status;
  }
  return status;
}

absl::Status Job::Connect() {
  if (context_.url.scheme() == GitUrl::Scheme::kFile) {
    if (!PathExists(context_.url.path()))
      return absl::NotFoundError("nothing lies at this path of the hub's machine; check spec.url");
    LOCKSTEP_RETURN_IF_ERROR(CheckStaysWithin(context_.url.path()));
  }
  return context_.url.scheme() == GitUrl::Scheme::kSsh ? ConnectSsh()
                                                       : ConnectTo(context_.url.ToString());
}

absl::Status Job::ListRemote() {
  const git_remote_head** heads = nullptr;
  size_t count = 0;
  if (const int code = git_remote_ls(&heads, &count, remote_.get()); code != 0) {
    return Failure(context_, order_.objects_max, code, "listing the remote's refs");
  }
  int64_t bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    const absl::string_view name = heads[i]->name;
    // As a line of the protocol has them; only http counts before libgit2 holds them all.
    bytes += static_cast<int64_t>(GIT_OID_HEXSZ + name.size());
    if (!context_.CheckRefsBytes(bytes)) return context_.failure;
    // Names that Git does not allow are a bad server's: they are as if they were not there. "^{}"
    // is a tag's target.
    if (name != "HEAD" && !IsFullRefName(name)) continue;
    const char* symref = heads[i]->symref_target;
    remote_refs_.push_back(
        {std::string(name), OidText(heads[i]->oid), symref == nullptr ? "" : symref});
    targets_[std::string(name)] = remote_refs_.back().target;
  }
  return absl::OkStatus();
}

bool Job::IsHere(const RemoteRef& ref) const {
  const absl::StatusOr<git_oid> id = ParseOid(ref.target);
  return id.ok() && HasObject(repository_.get(), *id) &&
         RefTarget(repository_.get(), ref.name) == ref.target;
}

absl::Status Job::Download(const RefChoice& choice) {
  if (choice.from.empty() &&
      RefTarget(repository_.get(), PinName(choice.commit)) == choice.commit) {
    return absl::OkStatus();
  }
  std::vector<std::string> specs;
  if (choice.from.empty()) {
    specs = {"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"};
  } else if (!IsHere({choice.from, targets_[choice.from], ""})) {
    specs = {absl::StrCat("+", choice.from, ":", choice.from)};
  }
  if (specs.empty()) return absl::OkStatus();
  std::vector<char*> pointers;
  for (std::string& spec : specs) pointers.push_back(spec.data());
  const git_strarray array{pointers.data(), pointers.size()};
  git_fetch_options options;
  git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
  options.callbacks = CallbacksFor(&session_);
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.prune = GIT_FETCH_NO_PRUNE;
  downloaded_ = true;
  if (CopyLocally(choice)) return absl::OkStatus();
  if (const int code = git_remote_download(remote_.get(), &array, &options); code != 0) {
    return Failure(context_, order_.objects_max, code, "downloading");
  }
  return absl::OkStatus();
}

// Brings what a branch of a file repository got since the last fetch. False where that has to be
// fetched as from anywhere else: there is nothing to start from, or it did not work. That too is
// where a limit is reached as things are: packed small they may be below it.
bool Job::CopyLocally(const RefChoice& choice) {
  if (context_.url.scheme() != GitUrl::Scheme::kFile || choice.from.empty()) return false;
  const std::string known = RefTarget(repository_.get(), choice.from);
  if (known.empty()) return false;
  const FetchContext before = context_;
  const absl::Status copied = CopyNew({.source = context_.url.path(),
                                       .mirror = repository_.get(),
                                       .wanted = targets_[choice.from],
                                       .known = known,
                                       .progress = OnTransfer,
                                       .payload = &session_});
  if (copied.ok()) return true;
  context_ = before;
  session_.pack_bytes = 0;
  return false;
}

// The commit that the choice means, as 40 hex digits.
absl::StatusOr<std::string> Job::FindCommit(const RefChoice& choice) {
  git_repository* repository = repository_.get();
  if (!choice.from.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string head,
                              PeelToCommit(repository, targets_[choice.from]));
    if (choice.commit.empty()) return head;
    LOCKSTEP_ASSIGN_OR_RETURN(const bool lies, IsReachable(repository, choice.commit, {head}));
    if (lies) return choice.commit;
    return absl::NotFoundError(
        absl::StrCat("commit ", choice.commit, " does not lie in ", choice.from));
  }
  std::vector<std::string> heads;
  for (const std::string& name : choice.fetch) {
    const absl::StatusOr<std::string> head = PeelToCommit(repository, targets_[name]);
    if (head.ok()) heads.push_back(*head);
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const bool lies, IsReachable(repository, choice.commit, heads));
  if (lies) return choice.commit;
  return absl::NotFoundError(
      absl::StrCat("commit ", choice.commit, " does not lie in any branch or tag"));
}

absl::Status Job::Settle(const RefChoice& choice, FetchReport* report) {
  git_repository* repository = repository_.get();
  const bool pinned = choice.from.empty();
  const std::string name = pinned ? PinName(choice.commit) : choice.from;
  const std::string before = RefTarget(repository, name);
  const absl::StatusOr<std::string> previous =
      before.empty() ? "" : PeelToCommit(repository, before);
  report->previous = previous.value_or("");
  if (pinned && before == choice.commit) {
    report->commit = choice.commit;
    return absl::OkStatus();
  }
  LOCKSTEP_ASSIGN_OR_RETURN(report->commit, FindCommit(choice));
  if (downloaded_)
    LOCKSTEP_RETURN_IF_ERROR(CheckWhole(repository, report->commit, report->previous));
  LOCKSTEP_ASSIGN_OR_RETURN(
      const std::string head,
      pinned ? choice.commit : PeelToCommit(repository, targets_[choice.from]));
  if (!report->previous.empty() && report->previous != head) {
    LOCKSTEP_ASSIGN_OR_RETURN(const bool kept, IsReachable(repository, report->previous, {head}));
    report->forced = !kept;
  }
  const std::string target = pinned ? choice.commit : targets_[choice.from];
  return before == target ? absl::OkStatus() : WriteRef(repository, name, target);
}

}  // namespace

FetchReport RunFetchJob(const FetchOrder& order) {
  FetchReport report;
  try {
    InitializeGit();
    report.status = order.task == FetchOrder::Task::kMergePacks ? MergePacks(order.repository)
                                                                : Job(order).Run(&report);
  } catch (const std::bad_alloc&) {
    report.status = absl::ResourceExhaustedError("out of memory");
  }
  if (absl::IsResourceExhausted(report.status) &&
      absl::StrContains(absl::AsciiStrToLower(report.status.message()), "out of memory")) {
    report.status = absl::ResourceExhaustedError(
        absl::StrCat("the fetch needs more memory than its limit of ", order.memory_bytes_max >> 20,
                     " MiB (--fetch-memory-max)"));
  }
  return report;
}

}  // namespace lockstep
