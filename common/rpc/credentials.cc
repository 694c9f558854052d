#include "common/rpc/credentials.h"

#include <memory>
#include <utility>
#include <vector>

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mutex.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

namespace tls = grpc::experimental;

constexpr int64_t kFileBytesMax = 1 << 20;

absl::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

// Whoever is refused comes again and again: one line per time, which says how many there were.
class RefusalLog {
 public:
  void Note(const PeerIdentity& peer, const absl::Status& status) {
    constexpr absl::Duration kPause = absl::Seconds(10);
    const absl::Duration now = SystemClock()->Monotonic();
    int others = 0;
    {
      MutexLock lock(&mutex_);
      if (now < next_) {
        ++others_;
        return;
      }
      next_ = now + kPause;
      others = std::exchange(others_, 0);
    }
    Log(LogLevel::kWarning, "connection refused",
        {{"name", peer.name}, {"error", status}, {"others_before", others}});
  }

 private:
  Mutex mutex_;
  absl::Duration next_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  int others_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Asked after OpenSSL has verified the chain against the roots.
class IdentityVerifier : public tls::ExternalCertificateVerifier {
 public:
  explicit IdentityVerifier(PeerCheck check) : check_(std::move(check)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    const absl::Status status = Check(View(request->peer_cert()));
    if (!status.ok()) {
      *sync_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, std::string(status.message()));
    }
    return true;  // Done, synchronously.
  }

  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  absl::Status Check(absl::string_view pem) const {
    LOCKSTEP_ASSIGN_OR_RETURN(const Certificate certificate, Certificate::FromPem(pem));
    LOCKSTEP_ASSIGN_OR_RETURN(const PeerIdentity peer, certificate.ReadPeer());
    // OpenSSL looks at the end in a full handshake, but not when a session is resumed.
    if (SystemClock()->Now() > peer.not_after) {
      return absl::UnauthenticatedError("the certificate is expired");
    }
    return check_(peer);
  }

  const PeerCheck check_;
};

absl::Status CheckMaterial(const TlsMaterial& material) {
  LOCKSTEP_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::FromPem(material.key_pem));
  LOCKSTEP_ASSIGN_OR_RETURN(const Certificate certificate,
                            Certificate::FromPem(material.certificate_pem));
  LOCKSTEP_RETURN_IF_ERROR(ReadCertificates(material.roots_pem).status());
  if (certificate.Fingerprint() == key.Fingerprint()) return absl::OkStatus();
  return absl::InvalidArgumentError("the certificate is not of the private key beside it");
}

absl::Status CheckFiles(const TlsFiles& files) {
  TlsMaterial material;
  LOCKSTEP_ASSIGN_OR_RETURN(material.key_pem, ReadFile(files.key, kFileBytesMax));
  LOCKSTEP_ASSIGN_OR_RETURN(material.certificate_pem, ReadFile(files.certificate, kFileBytesMax));
  LOCKSTEP_ASSIGN_OR_RETURN(material.roots_pem, ReadFile(files.roots, kFileBytesMax));
  return Annotate(CheckMaterial(material), absl::string_view(files.certificate));
}

absl::Status OnlyClients(const PeerIdentity& peer) {
  if (peer.kind != IdentityKind::kHub) return absl::OkStatus();
  return absl::UnauthenticatedError("a hub's certificate is no client's");
}

absl::Status OnlyTheHub(const PeerIdentity& peer) {
  if (peer.kind == IdentityKind::kHub) return absl::OkStatus();
  return absl::UnauthenticatedError("the server's certificate is not the hub's");
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files, PeerCheck check, absl::Duration reload) {
  LOCKSTEP_RETURN_IF_ERROR(CheckFiles(files));
  tls::TlsServerCredentialsOptions options(std::make_shared<tls::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.roots,
      static_cast<unsigned int>(absl::ToInt64Seconds(reload))));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<IdentityVerifier>(
      [check = std::move(check), log = std::make_shared<RefusalLog>()](const PeerIdentity& peer) {
        absl::Status status = OnlyClients(peer);
        if (status.ok()) status = check(peer);
        if (!status.ok()) log->Note(peer, status);
        return status;
      }));
  return tls::TlsServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeHubChannelCredentials(
    const TlsMaterial& material) {
  LOCKSTEP_RETURN_IF_ERROR(CheckMaterial(material));
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::StaticDataCertificateProvider>(
      material.roots_pem,
      std::vector<tls::IdentityKeyCertPair>{{material.key_pem, material.certificate_pem}}));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_check_call_host(false);
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<IdentityVerifier>(OnlyTheHub));
  return tls::TlsCredentials(options);
}

absl::StatusOr<PeerIdentity> ReadPeer(const grpc::AuthContext& context) {
  const std::vector<grpc::string_ref> pem = context.FindPropertyValues("x509_pem_cert");
  if (!context.IsPeerAuthenticated() || pem.size() != 1) {
    return absl::UnauthenticatedError("the caller showed no certificate");
  }
  absl::StatusOr<Certificate> certificate = Certificate::FromPem(View(pem[0]));
  absl::StatusOr<PeerIdentity> peer = certificate.ok()
                                          ? certificate->ReadPeer()
                                          : absl::StatusOr<PeerIdentity>(certificate.status());
  if (!peer.ok()) return absl::UnauthenticatedError(peer.status().message());
  return peer;
}

}  // namespace lockstep
