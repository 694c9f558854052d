#include "tests/testing/scripted_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

namespace lockstep {
namespace {

// Reads one request; false where the peer closes first.
bool ReadRequest(int socket, ScriptedServer::Request* request) {
  std::string bytes;
  char buffer[65536];
  size_t head = std::string::npos;
  size_t length = 0;
  while (head == std::string::npos || bytes.size() < head + 4 + length) {
    const ssize_t got = read(socket, buffer, sizeof buffer);
    if (got <= 0) return false;
    bytes.append(buffer, static_cast<size_t>(got));
    if (head != std::string::npos) continue;
    head = bytes.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const std::vector<std::string> lines = absl::StrSplit(bytes.substr(0, head), "\r\n");
    const std::vector<std::string> words = absl::StrSplit(lines[0], ' ');
    if (words.size() != 3) return false;
    request->method = words[0];
    request->target = words[1];
    for (size_t i = 1; i < lines.size(); ++i) {
      const std::pair<std::string, std::string> field =
          absl::StrSplit(lines[i], absl::MaxSplits(": ", 1));
      request->headers[absl::AsciiStrToLower(field.first)] = field.second;
    }
    if (!absl::SimpleAtoi(request->headers["content-length"], &length)) length = 0;
  }
  request->body = bytes.substr(head + 4);
  return true;
}

}  // namespace

bool ScriptedServer::Connection::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool ScriptedServer::Connection::Answer(int status, const std::string& headers,
                                        absl::string_view body) {
  return Write(absl::StrCat("HTTP/1.1 ", status,
                            " Scripted\r\nConnection: close\r\nContent-Length: ", body.size(),
                            "\r\n", headers, "\r\n", body));
}

void ScriptedServer::Connection::WaitForEnd() {
  char byte;
  while (read(socket_, &byte, 1) > 0) {
  }
}

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)),
      listener_(ListenOnLoopback()),
      acceptor_("scripted", [this] { Accept(); }) {}

void ScriptedServer::Accept() {
  while (true) {
    const int socket = accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    ++connections_;
    MutexLock lock(&mutex_);
    if (stopped_) {
      close(socket);
      return;
    }
    sockets_.emplace_back(socket);
    threads_.emplace_back("script", [this, socket] { Serve(socket); });
  }
}

void ScriptedServer::Serve(int socket) {
  Request request;
  if (ReadRequest(socket, &request)) {
    {
      MutexLock lock(&mutex_);
      requests_.push_back(request);
    }
    Connection connection(socket);
    script_(request, connection);
  }
  shutdown(socket, SHUT_RDWR);
}

void ScriptedServer::Stop() {
  std::vector<Thread> threads;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    for (const OwnedFd& socket : sockets_) shutdown(socket.get(), SHUT_RDWR);
    threads = std::move(threads_);
    threads_.clear();
  }
  shutdown(listener_.socket.get(), SHUT_RDWR);
  acceptor_.Join();
  for (Thread& thread : threads) thread.Join();
}

std::vector<ScriptedServer::Request> ScriptedServer::requests() const {
  MutexLock lock(&mutex_);
  return requests_;
}

std::string ScriptedServer::GitAnswer(const Request& request, const std::string& root) {
  const std::pair<std::string, std::string> target =
      absl::StrSplit(request.target, absl::MaxSplits('?', 1));
  const auto header = [&request](const char* name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string() : found->second;
  };
  const ProgramResult result =
      RunProgram({.arguments = {"git", "http-backend"},
                  .environment = {{"GIT_PROJECT_ROOT", root},
                                  {"GIT_HTTP_EXPORT_ALL", "1"},
                                  {"GIT_CONFIG_GLOBAL", "/dev/null"},
                                  {"GIT_CONFIG_NOSYSTEM", "1"},
                                  {"PATH_INFO", target.first},
                                  {"QUERY_STRING", target.second},
                                  {"REQUEST_METHOD", request.method},
                                  {"CONTENT_TYPE", header("content-type")},
                                  {"CONTENT_LENGTH", header("content-length")}}},
                 request.body);
  const absl::string_view status =
      absl::StartsWith(result.output, "Status:") ? "404 Not Found" : "200 OK";
  return absl::StrCat("HTTP/1.1 ", status, "\r\nConnection: close\r\n", result.output);
}

}  // namespace lockstep
