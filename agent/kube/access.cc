#include "agent/kube/access.h"

#include <utility>
#include <vector>

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/object/yaml.h"

namespace lockstep {
namespace {

// One kubeconfig being read: knows its path for messages and for relative paths in it.
class Kubeconfig {
 public:
  Kubeconfig(std::string path, Value root) : path_(std::move(path)), root_(std::move(root)) {}

  absl::StatusOr<KubeAccess> Access(absl::string_view wanted) const {
    const std::string name(wanted.empty() ? root_.StringAt("current-context") : wanted);
    if (name.empty()) {
      return Wrong(root_, "no current-context is set; set one or name a context");
    }
    LOCKSTEP_ASSIGN_OR_RETURN(const Value* context, Named("contexts", "context", name));
    LOCKSTEP_ASSIGN_OR_RETURN(const Value* cluster,
                              Named("clusters", "cluster", context->StringAt("cluster")));
    LOCKSTEP_ASSIGN_OR_RETURN(const Value* user, Named("users", "user", context->StringAt("user")));
    KubeAccess access;
    access.namespace_ = std::string(context->StringAt("namespace"));
    LOCKSTEP_RETURN_IF_ERROR(ReadCluster(*cluster, &access));
    LOCKSTEP_RETURN_IF_ERROR(ReadUser(*user, &access));
    return access;
  }

 private:
  absl::Status Wrong(const Value& at, absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(path_, ":", at.place().line, ": ", what));
  }

  // The value of field `field` of the item of list `list` that is called `name`.
  absl::StatusOr<const Value*> Named(absl::string_view list, absl::string_view field,
                                     absl::string_view name) const {
    const Value* items = root_.Find(list);
    if (items != nullptr && items->IsArray()) {
      for (const Value& item : items->AsArray()) {
        if (item.StringAt("name") != name) continue;
        const Value* found = item.Find(field);
        if (found != nullptr && found->IsObject()) return found;
        return Wrong(item, absl::StrCat("\"", name, "\" has no ", field));
      }
    }
    return Wrong(root_, absl::StrCat(list, " has none that is called \"", name, "\""));
  }

  absl::Status ReadCluster(const Value& cluster, KubeAccess* access) const {
    access->server = std::string(absl::StripSuffix(cluster.StringAt("server"), "/"));
    if (!absl::StartsWith(access->server, "https://") || access->server.size() <= 8) {
      return Wrong(cluster, absl::StrCat("server \"", access->server, "\" is not https"));
    }
    const Value* insecure = cluster.Find("insecure-skip-tls-verify");
    if (insecure != nullptr && *insecure == Value::Bool(true)) {
      return Wrong(*insecure, "insecure-skip-tls-verify is refused; give the server's authority");
    }
    if (cluster.Find("proxy-url") != nullptr) return Wrong(cluster, "proxy-url is not supported");
    access->tls_server_name = std::string(cluster.StringAt("tls-server-name"));
    return Pem(cluster, "certificate-authority", &access->ca_pem);
  }

  absl::Status ReadUser(const Value& user, KubeAccess* access) const {
    for (const char* field : {"exec", "auth-provider", "username", "password", "as", "as-groups",
                              "as-uid", "as-user-extra"}) {
      if (const Value* found = user.Find(field); found != nullptr) {
        return Wrong(*found,
                     absl::StrCat(field,
                                  " is refused: an agent runs no programs for credentials "
                                  "and is nobody else; use a token or a client certificate"));
      }
    }
    access->token = std::string(user.StringAt("token"));
    if (const absl::string_view file = user.StringAt("tokenFile"); !file.empty()) {
      access->token_file = Beside(file);
    }
    LOCKSTEP_RETURN_IF_ERROR(Pem(user, "client-certificate", &access->client_certificate_pem));
    LOCKSTEP_RETURN_IF_ERROR(Pem(user, "client-key", &access->client_key_pem));
    if (access->client_certificate_pem.empty() != access->client_key_pem.empty()) {
      return Wrong(user, "a client certificate needs its key, and the key its certificate");
    }
    return absl::OkStatus();
  }

  // `field`-data (base64) or the file that `field` names.
  absl::Status Pem(const Value& at, const std::string& field, std::string* pem) const {
    if (const Value* data = at.Find(field + "-data"); data != nullptr) {
      if (data->IsString() && absl::Base64Unescape(data->AsString(), pem)) return absl::OkStatus();
      return Wrong(*data, absl::StrCat(field, "-data is not base64"));
    }
    const absl::string_view file = at.StringAt(field);
    if (file.empty()) return absl::OkStatus();
    absl::StatusOr<std::string> read = ReadFile(Beside(file));
    if (!read.ok()) return Wrong(at, absl::StrCat(field, ": ", read.status().message()));
    *pem = *std::move(read);
    return absl::OkStatus();
  }

  std::string Beside(absl::string_view file) const {
    return absl::StartsWith(file, "/") ? std::string(file)
                                       : absl::StrCat(DirName(path_), "/", file);
  }

  const std::string path_;
  const Value root_;
};

}  // namespace

absl::StatusOr<KubeAccess> LoadKubeconfig(const std::string& path, absl::string_view context) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Value> documents, ReadYaml(bytes, path));
  if (documents.size() != 1 || !documents[0].IsObject()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": this is no kubeconfig"));
  }
  return Kubeconfig(path, std::move(documents[0])).Access(context);
}

absl::StatusOr<KubeAccess> AccessFromPod(const std::string& directory, absl::string_view host,
                                         absl::string_view port) {
  const std::string token_file = absl::StrCat(directory, "/token");
  if (host.empty() || port.empty() || !PathExists(token_file)) {
    return absl::FailedPreconditionError(
        "this is no pod with a service account: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT "
        "and its token are needed; or give --kubeconfig");
  }
  KubeAccess access;
  const bool ipv6 = absl::StrContains(host, ':');
  access.server = ipv6 ? absl::StrCat("https://[", host, "]:", port)
                       : absl::StrCat("https://", host, ":", port);
  access.token_file = token_file;
  LOCKSTEP_ASSIGN_OR_RETURN(access.ca_pem, ReadFile(absl::StrCat(directory, "/ca.crt")));
  absl::StatusOr<std::string> namespace_name = ReadFile(absl::StrCat(directory, "/namespace"));
  if (namespace_name.ok()) access.namespace_ = *std::move(namespace_name);
  access.in_pod = true;
  return access;
}

}  // namespace lockstep
