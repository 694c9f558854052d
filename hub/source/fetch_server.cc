#include "hub/source/fetch_server.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <absl/time/time.h>
#include <curl/curl.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/sanitizers.h"
#include "hub/source/descriptor.h"
#include "hub/source/fetch_job.h"
#include "hub/source/fetch_message.h"
#include "hub/source/git_handle.h"

namespace lockstep {
namespace {

constexpr rlim_t kDescriptorsMax = 256;

void Limit(__rlimit_resource resource, rlim_t value) {
  const rlimit limit{value, value};
  setrlimit(resource, &limit);
}

// Nothing of whoever started the hub reaches a fetch: no environment, no open files, no terminal's
// signals.
void EnterServer(int control) {
  if (control > kFetchServerFd) close_range(kFetchServerFd, static_cast<unsigned>(control) - 1, 0);
  close_range(static_cast<unsigned>(control) + 1, ~0U, 0);
  const OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  dup2(null.get(), STDIN_FILENO);
  dup2(null.get(), STDOUT_FILENO);
  clearenv();
  umask(077);
  Limit(RLIMIT_CORE, 0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) signal(number, SIG_IGN);
}

struct Child {
  pid_t pid;
  OwnedFd socket;
  absl::Duration deadline;  // Monotonic.
  bool timed_out = false;
};

class Server {
 public:
  explicit Server(int control) : control_(control) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &unblocked_);
    ended_ = OwnedFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  int Run() {
    while (true) {
      pollfd waits[] = {{control_, POLLIN, 0}, {ended_.get(), POLLIN, 0}};
      poll(waits, 2, MillisecondsToDeadline());
      if (waits[0].revents != 0 && !Accept()) break;
      Reap();
      KillLate();
    }
    for (const Child& child : children_) kill(child.pid, SIGKILL);
    while (waitpid(-1, nullptr, 0) > 0) {
    }
    return 0;
  }

 private:
  int MillisecondsToDeadline() const {
    absl::Duration wait = absl::Seconds(3600);
    for (const Child& child : children_) {
      if (!child.timed_out) wait = std::min(wait, child.deadline - SystemClock()->Monotonic());
    }
    return static_cast<int>(std::max<int64_t>(0, absl::ToInt64Milliseconds(wait) + 1));
  }

  bool Accept() {
    FetchStart start;
    OwnedFd socket;
    if (!ReceiveWithDescriptor(control_, &start, sizeof start, &socket)) return false;
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      close(control_);
      ended_.Reset();
      children_.clear();
      sigprocmask(SIG_SETMASK, &unblocked_, nullptr);
      _exit(RunFetchProcess(socket.get(), start));
    }
    // Where fork fails, closing the socket tells the hub.
    if (pid > 0) {
      children_.push_back({pid, std::move(socket),
                           SystemClock()->Monotonic() + absl::Milliseconds(start.timeout_ms)});
    }
    return true;
  }

  void Reap() {
    signalfd_siginfo ignored;
    while (read(ended_.get(), &ignored, sizeof ignored) > 0) {
    }
    FetchEnd end;
    while (true) {
      const pid_t pid = waitpid(-1, &end.wait_status, WNOHANG);
      if (pid <= 0) return;
      const auto child = std::find_if(children_.begin(), children_.end(),
                                      [pid](const Child& c) { return c.pid == pid; });
      if (child == children_.end()) continue;
      end.timed_out = child->timed_out ? 1 : 0;
      send(child->socket.get(), &end, sizeof end, MSG_NOSIGNAL | MSG_DONTWAIT);
      children_.erase(child);
    }
  }

  void KillLate() {
    const absl::Duration now = SystemClock()->Monotonic();
    for (Child& child : children_) {
      if (child.timed_out || child.deadline > now) continue;
      child.timed_out = true;
      kill(child.pid, SIGKILL);
    }
  }

  const int control_;
  sigset_t unblocked_;
  OwnedFd ended_;
  std::vector<Child> children_;
};

}  // namespace

int RunFetchServer(int control) {
  EnterServer(control);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  InitializeGit();  // Here, once: it takes ten times as long as a fork.
  return Server(control).Run();
}

int RunFetchProcess(int socket, const FetchStart& start) {
  Limit(RLIMIT_NOFILE, kDescriptorsMax);
  if (!kSanitized && start.memory_bytes_max > 0)
    Limit(RLIMIT_AS, static_cast<rlim_t>(start.memory_bytes_max));
  FetchReport report;
  const absl::StatusOr<std::string> bytes = ReadFrame(socket);
  absl::StatusOr<FetchOrder> order = bytes.ok() ? DecodeOrder(*bytes) : bytes.status();
  if (!order.ok()) {
    report.status = order.status();
  } else {
    // One file may not be over what may be received: a pack is one file.
    if (order->bytes_max > 0) Limit(RLIMIT_FSIZE, static_cast<rlim_t>(order->bytes_max) * 2);
    report = RunFetchJob(*order);
  }
  return WriteAll(socket, EncodeReport(report)) ? 0 : 1;
}

}  // namespace lockstep
