#include "hub/source/fetch_workers.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <absl/strings/str_cat.h>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "hub/source/descriptor.h"
#include "hub/source/fetch_server.h"

namespace lockstep {
namespace {

// The server kills at the deadline; this is for a server that does not.
constexpr absl::Duration kGrace = absl::Seconds(5);
constexpr size_t kAnswerBytesMax = size_t{4} << 20;

absl::Status Errno(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

// Descriptor `control` becomes kFetchServerFd; signals are as in a fresh program, in a group of its
// own, which a terminal's Ctrl-C does not reach.
absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& command, int control) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  char* environment[] = {nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, control, kFetchServerFd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, command[0].c_str(), &actions, &attributes, arguments.data(), environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid;
  return absl::UnavailableError(
      absl::StrCat("starting the fetch server \"", command[0], "\": ", std::strerror(error)));
}

struct SocketPair {
  OwnedFd ours;
  OwnedFd theirs;
};

absl::StatusOr<SocketPair> MakePair(int type) {
  int ends[2];
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0)
    return Errno("making a socket for a fetch");
  return SocketPair{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

// All that comes until the other side closes, or `deadline` (monotonic) passes.
std::string ReadToEnd(int socket, absl::Duration deadline) {
  std::string bytes;
  char buffer[16384];
  while (bytes.size() < kAnswerBytesMax) {
    const absl::Duration left = deadline - SystemClock()->Monotonic();
    if (left <= absl::ZeroDuration()) break;
    pollfd wait{socket, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
    if (ready < 0 && errno != EINTR) break;
    if (ready <= 0) continue;
    const ssize_t got = read(socket, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    bytes.append(buffer, static_cast<size_t>(got));
  }
  return bytes;
}

absl::Status EndedSilently(absl::string_view bytes) {
  FetchEnd end;
  if (bytes.size() < sizeof end)
    return absl::UnavailableError("the fetch server ended during the fetch; it is tried again");
  std::memcpy(&end, bytes.data() + bytes.size() - sizeof end, sizeof end);
  if (end.mark != FetchEnd::kMark)
    return absl::UnavailableError("the fetch server gave no account of the fetch");
  if (end.timed_out != 0) return absl::DeadlineExceededError("it took too long");
  if (WIFSIGNALED(end.wait_status)) {
    return absl::UnavailableError(
        absl::StrCat("the fetch process was ended by signal ", WTERMSIG(end.wait_status),
                     " (out of memory, or what the server sent broke a library)"));
  }
  return absl::UnavailableError(absl::StrCat(
      "the fetch process ended without an answer (exit code ", WEXITSTATUS(end.wait_status), ")"));
}

// A whole report at the beginning counts, whatever came of the process after it.
absl::StatusOr<FetchReport> ParseAnswer(absl::string_view bytes) {
  uint32_t size = 0;
  if (bytes.size() >= sizeof size) std::memcpy(&size, bytes.data(), sizeof size);
  if (size == FetchEnd::kMark || bytes.size() < sizeof size + size || size == 0)
    return EndedSilently(bytes);
  return DecodeReport(bytes.substr(sizeof size, size));
}

}  // namespace

absl::Status FetchWorkers::Start() {
  MutexLock lock(&mutex_);
  stopped_ = false;
  return control_.valid() ? absl::OkStatus() : StartLocked();
}

absl::Status FetchWorkers::StartLocked() {
  LOCKSTEP_ASSIGN_OR_RETURN(SocketPair pair, MakePair(SOCK_SEQPACKET));
  LOCKSTEP_ASSIGN_OR_RETURN(server_, Spawn(command_, pair.theirs.get()));
  control_ = std::move(pair.ours);
  return absl::OkStatus();
}

void FetchWorkers::Stop() {
  MutexLock lock(&mutex_);
  stopped_ = true;
  control_.Reset();
  if (server_ > 0) waitpid(server_, nullptr, 0);
  server_ = -1;
}

bool FetchWorkers::stopped() const {
  MutexLock lock(&mutex_);
  return stopped_;
}

// A server that died shows when a message cannot be sent to it; then it is started anew, once.
absl::Status FetchWorkers::HandOver(const FetchOrder& order, absl::Duration timeout, int socket) {
  const FetchStart start{.timeout_ms = absl::ToInt64Milliseconds(timeout),
                         .memory_bytes_max = order.memory_bytes_max};
  MutexLock lock(&mutex_);
  if (stopped_) return absl::CancelledError("the hub is stopping");
  if (control_.valid() && SendWithDescriptor(control_.get(), &start, sizeof start, socket))
    return absl::OkStatus();
  control_.Reset();
  if (server_ > 0) waitpid(server_, nullptr, 0);
  LOCKSTEP_RETURN_IF_ERROR(StartLocked());
  if (SendWithDescriptor(control_.get(), &start, sizeof start, socket)) return absl::OkStatus();
  return Errno("handing a fetch to the fetch server");
}

absl::StatusOr<FetchReport> FetchWorkers::Run(const FetchOrder& order, absl::Duration timeout) {
  LOCKSTEP_ASSIGN_OR_RETURN(SocketPair pair, MakePair(SOCK_STREAM));
  const absl::Duration deadline = SystemClock()->Monotonic() + timeout + kGrace;
  LOCKSTEP_RETURN_IF_ERROR(HandOver(order, timeout, pair.theirs.get()));
  pair.theirs.Reset();
  WriteAll(pair.ours.get(), EncodeOrder(order));
  absl::StatusOr<FetchReport> report = ParseAnswer(ReadToEnd(pair.ours.get(), deadline));
  if (report.ok() || !stopped()) return report;
  return absl::CancelledError("the hub is stopping");
}

}  // namespace lockstep
