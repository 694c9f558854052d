#include "hub/identity/hub_identity.h"

#include <sys/stat.h>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "hub/identity/revoked_keys.h"
#include "tests/common/credentials/openssl_names.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class Hub : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(directory_, MakeTemporaryDirectory("lockstep-hub-identity-test"));
    options_ = {.data_directory = directory_ + "/data",
                .addresses = {{"hub.example.com", 443, 444}, {"10.0.0.1"}},
                .admin = "ann",
                .context_file = directory_ + "/home/config",
                .context_name = "prod"};
  }
  void TearDown() override { EXPECT_OK(RemoveTree(directory_)); }

  HubIdentity InitAndLoad() {
    EXPECT_OK(InitHub(options_, kNow));
    return HubIdentity::Load(options_.data_directory).value();
  }

  std::string directory_;
  InitOptions options_;
};

// Every path below `path` whose mode is not the private one.
std::vector<std::string> PathsThatOthersMayRead(const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) return {path};
  std::vector<std::string> open;
  const mode_t wanted = S_ISDIR(info.st_mode) ? 0700 : 0600;
  if ((info.st_mode & 07777) != wanted) open.push_back(path);
  if (!S_ISDIR(info.st_mode)) return open;
  const std::vector<std::string> names = ListDirectory(path).value();
  for (const std::string& name : names) {
    for (std::string& below : PathsThatOthersMayRead(path + "/" + name))
      open.push_back(std::move(below));
  }
  return open;
}

TEST_F(Hub, InitMakesAllThatAHubAndItsAdminNeed) {
  const HubIdentity hub = InitAndLoad();
  EXPECT_EQ(hub.addresses(), options_.addresses);
  EXPECT_THAT(
      AlternativeNames(hub.certificate().handle()),
      ElementsAre("URI:spiffe://lockstep/hub", "DNS:hub.example.com", "IP Address:10.0.0.1"));
  EXPECT_OK(VerifyIssued(hub.certificate(), {hub.authority().certificate()},
                         CertificateUse::kServer, kNow));

  ASSERT_OK_AND_ASSIGN(const ContextFile contexts, LoadContextFile(options_.context_file));
  ASSERT_OK_AND_ASSIGN(const Context context, contexts.Find(""));
  EXPECT_EQ(context.name, "prod");
  EXPECT_EQ(context.user, "ann");
  EXPECT_THAT(context.hubs, ElementsAre("hub.example.com:443", "10.0.0.1:7443"));
  ASSERT_OK_AND_ASSIGN(const Certificate admin,
                       Certificate::FromPem(context.material.certificate_pem));
  EXPECT_EQ(admin.not_after(), kNow + absl::Hours(24 * 90));
  ASSERT_OK_AND_ASSIGN(const PeerIdentity peer, admin.ReadPeer());
  EXPECT_OK(hub.users().Check(peer));
  EXPECT_OK(MakeHubChannelCredentials(context.material));
}

TEST_F(Hub, NobodyElseMayReadWhatInitWrites) {
  const mode_t before = umask(0);
  InitAndLoad();
  umask(before);
  EXPECT_THAT(PathsThatOthersMayRead(options_.data_directory), ElementsAre());
  EXPECT_THAT(PathsThatOthersMayRead(options_.context_file), ElementsAre());
}

TEST_F(Hub, InitDoesNotTouchAHubThatIsThere) {
  const HubIdentity hub = InitAndLoad();
  options_.context_name = "other";
  EXPECT_THAT(InitHub(options_, kNow),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(options_.data_directory)));
  ASSERT_OK_AND_ASSIGN(const HubIdentity again, HubIdentity::Load(options_.data_directory));
  EXPECT_EQ(again.authority().fingerprint(), hub.authority().fingerprint());
}

TEST_F(Hub, InitMakesNothingIfTheContextsNameIsTaken) {
  InitAndLoad();
  options_.data_directory = directory_ + "/second";
  EXPECT_THAT(InitHub(options_, kNow),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("prod")));
  EXPECT_FALSE(PathExists(options_.data_directory));
  options_.context_name = "second";
  EXPECT_OK(InitHub(options_, kNow));
  ASSERT_OK_AND_ASSIGN(const ContextFile contexts, LoadContextFile(options_.context_file));
  EXPECT_EQ(contexts.contexts.size(), 2u);
  EXPECT_EQ(contexts.current, "prod");
}

TEST_F(Hub, InitGoesOnAfterACrashInTheMiddle) {
  ASSERT_OK(MakeDirectories(options_.data_directory + "/.identity-unfinished"));
  ASSERT_OK(WriteFileAtomic(options_.data_directory + "/.identity-unfinished/ca.key", "torn",
                            Durability::kNone));
  InitAndLoad();
}

TEST_F(Hub, InitMakesNoPersonWhereNoneIsNamed) {
  options_.admin.clear();
  const HubIdentity hub = InitAndLoad();
  ASSERT_OK_AND_ASSIGN(const std::vector<User> users, hub.users().List());
  EXPECT_TRUE(users.empty());
  EXPECT_FALSE(PathExists(options_.context_file));
  EXPECT_OK(hub.users().Add(hub.authority(), "ann", kNow));
}

TEST_F(Hub, ADirectoryHoldsAHubOnlyWithItsIdentityAndIsNotNewWithAStoreAlone) {
  const auto holds = [&] { return HoldsHub(options_.data_directory); };
  EXPECT_FALSE(holds().value());
  ASSERT_OK(MakeDirectories(options_.data_directory + "/.identity-unfinished"));
  EXPECT_FALSE(holds().value());
  InitAndLoad();
  EXPECT_TRUE(holds().value());
  ASSERT_OK(MakeDirectories(options_.data_directory + "/store"));
  EXPECT_TRUE(holds().value());
  ASSERT_OK(RemoveTree(options_.data_directory + "/identity"));
  EXPECT_THAT(holds(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("/identity")));
}

TEST_F(Hub, InitRefusesBadAddressesAndNames) {
  InitOptions none = options_;
  none.addresses.clear();
  InitOptions bad = options_;
  bad.addresses[0].host = "hub,URI:spiffe://lockstep/user/admin";
  InitOptions admin = options_;
  admin.admin = "../admin";
  for (const InitOptions& options : {none, bad, admin}) {
    EXPECT_THAT(InitHub(options, kNow), StatusIs(absl::StatusCode::kInvalidArgument, testing::_));
  }
  EXPECT_FALSE(PathExists(options_.data_directory));
}

TEST_F(Hub, ItsCertificateRenewsItselfAtHalfLifeWithTheSameKey) {
  HubIdentity hub = InitAndLoad();
  const Certificate first = hub.certificate();
  ManualClock clock(kNow);
  clock.Advance(absl::Hours(24 * 44));
  ASSERT_OK_AND_ASSIGN(bool renewed, hub.RenewIfDue(clock.Now()));
  EXPECT_FALSE(renewed);
  clock.Advance(absl::Hours(24 * 2));
  EXPECT_GE(clock.Now(), hub.renew_at());
  ASSERT_OK_AND_ASSIGN(renewed, hub.RenewIfDue(clock.Now()));
  EXPECT_TRUE(renewed);
  EXPECT_EQ(hub.certificate().PublicDer(), first.PublicDer());
  EXPECT_EQ(AlternativeNames(hub.certificate().handle()), AlternativeNames(first.handle()));
  EXPECT_EQ(hub.certificate().not_after(), clock.Now() + absl::Hours(24 * 90));
  ASSERT_OK_AND_ASSIGN(const HubIdentity loaded, HubIdentity::Load(options_.data_directory));
  EXPECT_EQ(loaded.certificate().ToDer(), hub.certificate().ToDer());
  EXPECT_THAT(PathsThatOthersMayRead(options_.data_directory), ElementsAre());
}

TEST_F(Hub, LoadSaysWhatToDoWhereThereIsNoHubAndWhichFileIsBroken) {
  EXPECT_THAT(HubIdentity::Load(options_.data_directory).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("lockstep-hub init")));
  InitAndLoad();
  const std::string file = options_.data_directory + "/identity/hub.crt";
  ASSERT_OK(WriteFileAtomic(file, "torn", Durability::kNone));
  EXPECT_THAT(HubIdentity::Load(options_.data_directory).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(file)));
}

TEST_F(Hub, JoinTokensPinItsAuthorityAndNameItsAddresses) {
  const HubIdentity hub = InitAndLoad();
  const JoinToken token = hub.NewJoinToken("eu-3");
  EXPECT_EQ(token.ca_fingerprint, hub.authority().certificate().Fingerprint());
  EXPECT_EQ(token.hubs, options_.addresses);
  EXPECT_OK(ParseJoinToken(FormatJoinToken(token)));
}

PeerIdentity PeerOf(const UserCredentials& credentials) {
  return Certificate::FromPem(credentials.certificate_pem)->ReadPeer().value();
}

TEST_F(Hub, ARemovedUserIsRefusedAtTheNextCall) {
  const HubIdentity hub = InitAndLoad();
  const UserDirectory running = hub.users();
  ASSERT_OK_AND_ASSIGN(const UserCredentials bob, hub.users().Add(hub.authority(), "bob", kNow));
  EXPECT_OK(running.Check(PeerOf(bob)));
  ASSERT_OK(hub.users().Remove("bob"));
  EXPECT_THAT(running.Check(PeerOf(bob)),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("user renew")));
  EXPECT_THAT(hub.users().Remove("bob"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("bob")));
}

TEST_F(Hub, ARenewedUsersOldKeyEnds) {
  const HubIdentity hub = InitAndLoad();
  ASSERT_OK_AND_ASSIGN(const UserCredentials old, hub.users().Add(hub.authority(), "bob", kNow));
  ASSERT_OK_AND_ASSIGN(const UserCredentials renewed,
                       hub.users().Renew(hub.authority(), "bob", kNow + absl::Hours(1)));
  EXPECT_THAT(hub.users().Check(PeerOf(old)), Not(IsOk()));
  EXPECT_OK(hub.users().Check(PeerOf(renewed)));
  EXPECT_THAT(hub.users().Renew(hub.authority(), "bo", kNow),
              StatusIs(absl::StatusCode::kNotFound, testing::_));
  EXPECT_THAT(hub.users().Add(hub.authority(), "bob", kNow),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("user renew bob")));
}

TEST_F(Hub, OnlyItsOwnUsersAreUsers) {
  const HubIdentity hub = InitAndLoad();
  ASSERT_OK_AND_ASSIGN(const UserCredentials bob, hub.users().Add(hub.authority(), "bob", kNow));
  PeerIdentity peer = PeerOf(bob);
  peer.kind = IdentityKind::kCluster;
  EXPECT_THAT(hub.users().Check(peer), Not(IsOk()));
  peer = PeerOf(bob);
  peer.name = "ann";
  EXPECT_THAT(hub.users().Check(peer), Not(IsOk()));
  ASSERT_OK_AND_ASSIGN(const std::vector<User> users, hub.users().List());
  ASSERT_EQ(users.size(), 2u);
  EXPECT_EQ(users[0].name, "ann");
  EXPECT_EQ(users[1].name, "bob");
  EXPECT_EQ(users[1].fingerprint, PeerOf(bob).fingerprint);
  EXPECT_EQ(users[1].not_after, kNow + absl::Hours(24 * 90));
}

TEST_F(Hub, A54ARevokedKeyMayNotConnect) {
  const HubIdentity hub = InitAndLoad();
  const UserDirectory users = hub.users();
  RevokedKeys revoked;
  const PeerCheck check = MakeHubPeerCheck(&revoked, &users);
  const PeerIdentity agent = {
      .kind = IdentityKind::kCluster, .name = "eu-3", .fingerprint = Digest::Of("key")};
  EXPECT_OK(check(agent));
  revoked.Replace({Digest::Of("key")});
  EXPECT_THAT(check(agent), StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("eu-3")));
  PeerIdentity joined_again = agent;
  joined_again.fingerprint = Digest::Of("new key");
  EXPECT_OK(check(joined_again));
  EXPECT_THAT(check({.kind = IdentityKind::kUser, .name = "nobody"}), Not(IsOk()));
}

TEST_F(Hub, ContextsSurviveTheirFileAndAreReplacedOnDemandOnly) {
  const std::string path = directory_ + "/contexts";
  const Context prod = {.name = "prod",
                        .hubs = {"a:1", "[::1]:2"},
                        .user = "yes",
                        .material = {"KEY\n", "CRT\nCRT\n", "CA\n"}};
  Context changed = prod;
  changed.user = "bob";
  ASSERT_OK(AddContext(path, prod, ExistingContext::kRefuse));
  EXPECT_THAT(AddContext(path, changed, ExistingContext::kRefuse),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("prod")));
  ASSERT_OK_AND_ASSIGN(ContextFile file, LoadContextFile(path));
  ASSERT_OK_AND_ASSIGN(Context read, file.Find("prod"));
  EXPECT_EQ(read.hubs, prod.hubs);
  EXPECT_EQ(read.user, "yes");
  EXPECT_EQ(read.material.key_pem, "KEY\n");
  EXPECT_EQ(read.material.certificate_pem, "CRT\nCRT\n");
  EXPECT_EQ(read.material.roots_pem, "CA\n");
  ASSERT_OK(AddContext(path, changed, ExistingContext::kReplace));
  ASSERT_OK_AND_ASSIGN(file, LoadContextFile(path));
  EXPECT_EQ(file.Find("")->user, "bob");
  EXPECT_THAT(file.Find("test").status(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("prod")));
}

TEST_F(Hub, AContextFileThatIsNoneNamesItselfAndTheField) {
  const std::string path = directory_ + "/contexts";
  for (const char* text : {"[]", "contexts: 1", "contexts: [1]", "contexts: [{name: a}]", "a: [",
                           "contexts: [{hubs: x}]"}) {
    ASSERT_OK(WriteFileAtomic(path, text, Durability::kNone));
    EXPECT_THAT(LoadContextFile(path).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path)))
        << text;
  }
  ASSERT_OK(WriteFileAtomic(path, "contexts: [{name: a, hubs: [b]}]", Durability::kNone));
  EXPECT_THAT(LoadContextFile(path).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("user")));
}

}  // namespace
}  // namespace lockstep
