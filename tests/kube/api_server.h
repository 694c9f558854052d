#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "agent/kube/access.h"

namespace lockstep {

/// A real kube-apiserver with its etcd (tests/kube/README.md), one for the whole test program; it
/// ends with it. Tests keep apart by namespaces of their own.
class ApiServer {
 public:
  /// Starts it at the first call. Null where its programs are not there: the test is to be skipped
  /// with `why_not`.
  static ApiServer* Shared(std::string* why_not);

  /// Whether its programs are there.
  static bool IsInstalled();

  ~ApiServer();

  const std::string& kubeconfig() const { return kubeconfig_; }
  KubeAccess Access(absl::string_view context = "admin") const;

  /// Runs the real kubectl as admin with `input` as its standard input; its standard output. A
  /// failure is the test's.
  std::string Kubectl(const std::vector<std::string>& arguments, const std::string& input = "");

  /// Makes a namespace with a name of its own and an account "deployer" that may do everything in
  /// it; returns the name.
  std::string MakeNamespace();

 private:
  ApiServer(std::string programs, std::string directory);

  const std::string programs_;
  const std::string directory_;
  const std::string kubeconfig_;
  int namespaces_ = 0;
};

}  // namespace lockstep

/// Skips the test where there is no API server.
#define LOCKSTEP_API_SERVER(variable)                                                         \
  std::string variable##_why_not;                                                             \
  ::lockstep::ApiServer* const variable = ::lockstep::ApiServer::Shared(&variable##_why_not); \
  if (variable == nullptr) GTEST_SKIP() << variable##_why_not
