#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// Where one API server is and as whom it is spoken to. All credentials that are set are sent.
struct KubeAccess {
  std::string server;           // "https://HOST[:PORT][/PREFIX]", without a slash at the end.
  std::string tls_server_name;  // The name in the server's certificate; empty: HOST.
  std::string ca_pem;           // Empty: the authorities that the system trusts.
  std::string client_certificate_pem;
  std::string client_key_pem;
  std::string token;
  std::string token_file;  // Wins over `token`; read again and again, since it is renewed in place.
  std::string namespace_;  // The context's, or the pod's own; may be empty.
  bool in_pod = false;     // The agent itself runs in `namespace_` there.
};

/// Reads a kubeconfig as kubectl does: the cluster and user of `context`, the current one if empty;
/// paths in it are relative to its folder.
///
/// Errors: NOT_FOUND for a missing file; INVALID_ARGUMENT, naming file, line and field, for what is
/// no kubeconfig, a context that is not there, a server that is not https,
/// `insecure-skip-tls-verify`, user names with passwords, impersonation, and whatever would run a
/// program or a plugin (`exec`, `auth-provider`: SECURITY A-39).
absl::StatusOr<KubeAccess> LoadKubeconfig(const std::string& path, absl::string_view context);

/// What Kubernetes gives a pod: KUBERNETES_SERVICE_HOST and _PORT, and the files `token`, `ca.crt`
/// and `namespace` in `directory` (normally kPodCredentials).
///
/// Errors: FAILED_PRECONDITION outside a pod (no such address or file).
absl::StatusOr<KubeAccess> AccessFromPod(const std::string& directory, absl::string_view host,
                                         absl::string_view port);
inline constexpr absl::string_view kPodCredentials =
    "/var/run/secrets/kubernetes.io/serviceaccount";

}  // namespace lockstep
