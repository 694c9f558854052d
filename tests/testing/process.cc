#include "tests/testing/process.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace lockstep {
namespace {

constexpr char kPath[] = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

[[noreturn]] void Die(const std::string& what) {
  std::perror(what.c_str());
  std::abort();
}

// In the child, which has its parent's memory: only calls that are safe after a vfork of a program
// with threads.
[[noreturn]] void Exec(const std::string& program, char* const* arguments, char* const* environment,
                       const ProgramOptions& options) {
  setpgid(0, 0);  // So that what it starts itself ends with it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int next_free = 100;  // Out of the way of the numbers that the program wants.
  int moved[8];
  int count = 0;
  for (const auto& [theirs, ours] : options.descriptors)
    moved[count++] = fcntl(ours, F_DUPFD, next_free++);
  count = 0;
  for (const auto& [theirs, ours] : options.descriptors) {
    dup2(moved[count], theirs);
    close(moved[count++]);
  }
  if (chdir(options.directory.c_str()) == 0) execve(program.c_str(), arguments, environment);
  _exit(127);
}

pid_t Fork(const ProgramOptions& options) {
  const std::string program = FindProgram(options.arguments[0]);
  std::vector<std::string> variables = {std::string("PATH=") + kPath};
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);
  std::vector<char*> arguments;
  std::vector<char*> environment;
  for (const std::string& word : options.arguments)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments[0] = const_cast<char*>(program.c_str());
  for (const std::string& variable : variables)
    environment.push_back(const_cast<char*>(variable.c_str()));
  arguments.push_back(nullptr);
  environment.push_back(nullptr);
  // Not fork: after one, each page that this program writes costs a fault, which is a quarter of
  // the work of a thousand agents. Nor posix_spawn, which cannot tie the child's end to ours.
  const pid_t pid = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  // NOLINTNEXTLINE(clang-analyzer-unix.Vfork): nothing but system calls.
  if (pid == 0) Exec(program, arguments.data(), environment.data(), options);
  if (pid < 0) Die("vfork");
  setpgid(pid, pid);  // Whoever comes first.
  return pid;
}

std::pair<OwnedFd, OwnedFd> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Die("pipe");
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

}  // namespace

std::string FindProgram(const std::string& program) {
  if (program.find('/') != std::string::npos)
    return access(program.c_str(), X_OK) == 0 ? program : "";
  std::string path = kPath;
  for (size_t start = 0; start < path.size();) {
    const size_t end = std::min(path.find(':', start), path.size());
    const std::string candidate = path.substr(start, end - start) + "/" + program;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    start = end + 1;
  }
  return "";
}

ProgramResult RunProgram(const ProgramOptions& options, const std::string& input) {
  ProgramResult result;
  auto [input_read, input_write] = MakePipe();
  auto [output_read, output_write] = MakePipe();
  ProgramOptions wired = options;
  wired.descriptors[STDIN_FILENO] = input_read.get();
  wired.descriptors[STDOUT_FILENO] = output_write.get();
  const pid_t pid = Fork(wired);
  input_read.Reset();
  output_write.Reset();
  fcntl(input_write.get(), F_SETFL, O_NONBLOCK);
  signal(SIGPIPE, SIG_IGN);
  size_t written = 0;
  char buffer[65536];
  while (true) {
    if (written == input.size()) input_write.Reset();
    pollfd waits[] = {{output_read.get(), POLLIN, 0}, {input_write.get(), POLLOUT, 0}};
    poll(waits, input_write.valid() ? 2 : 1, -1);
    if (input_write.valid() && waits[1].revents != 0) {
      const ssize_t sent = write(input_write.get(), input.data() + written, input.size() - written);
      written = sent < 0 ? input.size() : written + static_cast<size_t>(sent);
    }
    if (waits[0].revents == 0) continue;
    const ssize_t got = read(output_read.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    result.output.append(buffer, static_cast<size_t>(got));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  return result;
}

BackgroundProgram::BackgroundProgram(const ProgramOptions& options) : pid_(Fork(options)) {}

void BackgroundProgram::Stop() {
  if (pid_ <= 0) return;
  kill(-pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  kill(-pid_, SIGKILL);
  pid_ = -1;
}

Listener ListenOnLoopback() {
  Listener listener{OwnedFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener.socket.get(), generic, size) != 0 || listen(listener.socket.get(), 64) != 0 ||
      getsockname(listener.socket.get(), generic, &size) != 0) {
    Die("listening on 127.0.0.1");
  }
  listener.port = ntohs(address.sin_port);
  return listener;
}

}  // namespace lockstep
