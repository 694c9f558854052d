#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include "tests/testing/process.h"

namespace lockstep {

/// Serves a directory of bare repositories over smart HTTP(S) on a free port of 127.0.0.1: nginx,
/// fcgiwrap and `git http-backend` as children of the test with a private configuration. Stops with
/// the object.
class GitServer {
 public:
  struct Options {
    std::string root;  // Repositories are below it: /fleet.git.
    /// Where not empty, basic authentication is asked for.
    std::string username;
    std::string password;
    /// Where not empty, TLS with this certificate and key (PEM).
    std::string certificate_pem;
    std::string key_pem;
    std::string tls_protocols = "TLSv1.2 TLSv1.3";
  };

  /// The port takes connections when this returns. UNAVAILABLE where a program is missing (skip the
  /// test).
  static absl::StatusOr<std::unique_ptr<GitServer>> Start(Options options);
  ~GitServer();
  GitServer(const GitServer&) = delete;
  GitServer& operator=(const GitServer&) = delete;

  uint16_t port() const { return port_; }
  /// http://127.0.0.1:PORT or https://…
  std::string base_url() const {
    return absl::StrCat(tls_ ? "https" : "http", "://127.0.0.1:", port_);
  }

  /// Ends the server, as an outage does; idempotent.
  void Stop();

 private:
  GitServer() = default;

  std::string directory_;
  bool tls_ = false;
  uint16_t port_ = 0;
  BackgroundProgram fcgiwrap_;
  BackgroundProgram nginx_;
};

}  // namespace lockstep
