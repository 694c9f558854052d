#include "tests/testing/git_server.h"

#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/substitute.h>

#include "common/base/file.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

// In the foreground; the listening socket is inherited, as in nginx's own upgrade.
constexpr char kConfiguration[] = R"(
daemon off;
worker_processes 1;
$6
pid $0/nginx.pid;
error_log $0/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_max_body_size 0;
  client_body_temp_path $0/body;
  proxy_temp_path $0/proxy;
  fastcgi_temp_path $0/fastcgi;
  uwsgi_temp_path $0/uwsgi;
  scgi_temp_path $0/scgi;
  server {
    listen 127.0.0.1:$1 $2;
    $3
    location / {
      $4
      fastcgi_pass unix:$0/fcgi.sock;
      fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
      fastcgi_param GIT_PROJECT_ROOT $5;
      fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param GIT_CONFIG_GLOBAL /dev/null;
      fastcgi_param GIT_CONFIG_NOSYSTEM 1;
      fastcgi_param PATH_INFO $$fastcgi_script_name;
      fastcgi_param QUERY_STRING $$query_string;
      fastcgi_param REQUEST_METHOD $$request_method;
      fastcgi_param CONTENT_TYPE $$content_type;
      fastcgi_param CONTENT_LENGTH $$content_length;
      fastcgi_param REMOTE_USER $$remote_user;
    }
  }
}
)";

absl::Status Write(const std::string& path, absl::string_view bytes) {
  return WriteFileAtomic(path, bytes, Durability::kNone, 0600);
}

absl::StatusOr<OwnedFd> ListenOnPath(const std::string& path) {
  OwnedFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return absl::InternalError("the temporary directory's path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.get(), 64) != 0) {
    return absl::InternalError("listening on a local socket failed");
  }
  return listener;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GitServer>> GitServer::Start(Options options) {
  for (const char* program : {"nginx", "fcgiwrap", "git"}) {
    if (FindProgram(program).empty())
      return absl::UnavailableError(absl::StrCat(program, " is not installed"));
  }
  auto server = std::unique_ptr<GitServer>(new GitServer);
  LOCKSTEP_ASSIGN_OR_RETURN(server->directory_, MakeTemporaryDirectory("lockstep-httpd-"));
  const std::string& directory = server->directory_;
  std::string tls;
  std::string auth;
  server->tls_ = !options.certificate_pem.empty();
  if (server->tls_) {
    LOCKSTEP_RETURN_IF_ERROR(Write(directory + "/cert.pem", options.certificate_pem));
    LOCKSTEP_RETURN_IF_ERROR(Write(directory + "/key.pem", options.key_pem));
    tls = absl::Substitute(
        "ssl_certificate $0/cert.pem; ssl_certificate_key $0/key.pem; ssl_protocols $1;", directory,
        options.tls_protocols);
    if (options.tls_protocols == "TLSv1") absl::StrAppend(&tls, " ssl_ciphers DEFAULT@SECLEVEL=0;");
  }
  if (!options.username.empty()) {
    LOCKSTEP_RETURN_IF_ERROR(
        Write(directory + "/htpasswd",
              absl::StrCat(options.username, ":{PLAIN}", options.password, "\n")));
    auth = absl::Substitute("auth_basic git; auth_basic_user_file $0/htpasswd;", directory);
  }
  const Listener listener = ListenOnLoopback();
  server->port_ = listener.port;
  LOCKSTEP_RETURN_IF_ERROR(
      Write(directory + "/nginx.conf",
            absl::Substitute(kConfiguration, directory, listener.port, server->tls_ ? "ssl" : "",
                             tls, auth, options.root, geteuid() == 0 ? "user root;" : "")));
  LOCKSTEP_ASSIGN_OR_RETURN(const OwnedFd fcgi, ListenOnPath(directory + "/fcgi.sock"));
  server->fcgiwrap_ =
      BackgroundProgram({.arguments = {"fcgiwrap"}, .descriptors = {{0, fcgi.get()}}});
  server->nginx_ =
      BackgroundProgram({.arguments = {"nginx", "-p", directory, "-c", directory + "/nginx.conf"},
                         .environment = {{"NGINX", "3;"}},
                         .descriptors = {{3, listener.socket.get()}}});
  return server;
}

GitServer::~GitServer() {
  Stop();
  RemoveTree(directory_).IgnoreError();
}

void GitServer::Stop() {
  nginx_.Stop();
  fcgiwrap_.Stop();
}

}  // namespace lockstep
