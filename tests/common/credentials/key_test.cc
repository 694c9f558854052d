#include "common/credentials/key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PrivateKey, SurvivesItsPem) {
  const PrivateKey key = PrivateKey::Generate();
  ASSERT_OK_AND_ASSIGN(const PrivateKey read, PrivateKey::FromPem(key.ToPem()));
  EXPECT_EQ(read.PublicDer(), key.PublicDer());
  EXPECT_EQ(read.Fingerprint(), KeyFingerprint(key.PublicDer()));
}

TEST(PrivateKey, IsP256OrRefused) {
  constexpr char kEd25519[] =
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
      "-----END PRIVATE KEY-----\n";
  EXPECT_THAT(PrivateKey::FromPem(kEd25519),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("P-256")));
  EXPECT_THAT(PrivateKey::FromPem("nothing"),
              StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr("nothing"))));
}

TEST(PrivateKey, AnEncryptedOneIsRefusedWithoutAskingForItsPassphrase) {
  constexpr char kEncrypted[] =
      "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
      "AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END EC PRIVATE KEY-----\n";
  EXPECT_THAT(PrivateKey::FromPem(kEncrypted), Not(IsOk()));
}

TEST(VerifySignature, TakesTheOwnersSignatureOfThisMessageAlone) {
  const PrivateKey key = PrivateKey::Generate();
  const std::string signature = key.Sign("message");
  EXPECT_OK(VerifySignature(key.PublicDer(), "message", signature));
  const auto refused = StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("signature"));
  EXPECT_THAT(VerifySignature(key.PublicDer(), "massage", signature), refused);
  EXPECT_THAT(VerifySignature(PrivateKey::Generate().PublicDer(), "message", signature), refused);
  EXPECT_THAT(VerifySignature(key.PublicDer(), "message", ""), refused);
  EXPECT_THAT(VerifySignature(key.PublicDer(), "message", signature + "x"), refused);
}

TEST(CheckPublicKey, TakesOneEncodingOnlySoThatAKeyHasOneFingerprint) {
  const std::string der = PrivateKey::Generate().PublicDer();
  EXPECT_OK(CheckPublicKey(der));
  EXPECT_THAT(CheckPublicKey(""), Not(IsOk()));
  EXPECT_THAT(CheckPublicKey(der + "x"), Not(IsOk()));
  EXPECT_THAT(CheckPublicKey(der.substr(0, der.size() - 1)), Not(IsOk()));

  // The same point, compressed: another DER of the same key.
  std::string compressed = der.substr(0, 27 + 32);
  compressed[1] = 0x39;
  compressed[24] = 0x22;
  compressed[26] = static_cast<char>(2 + (der.back() & 1));
  EXPECT_THAT(CheckPublicKey(compressed), Not(IsOk()));

  std::string off_curve = der;
  off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
  EXPECT_THAT(CheckPublicKey(off_curve), Not(IsOk()));
}

}  // namespace
}  // namespace lockstep
