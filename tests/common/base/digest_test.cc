#include "common/base/digest.h"

#include "tests/testing/status.h"

namespace lockstep {
namespace {

// FIPS 180-4's example.
constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Digest, IsSha256) {
  EXPECT_EQ(Digest::Of("abc").ToHex(), kAbc);
  Hasher hasher;
  hasher.Add("a");
  hasher.Add("bc");
  EXPECT_EQ(hasher.Finish(), Digest::Of("abc"));
}

TEST(Digest, SizedPiecesCannotRunIntoEachOther) {
  Hasher a;
  a.AddSized("ab");
  a.AddSized("c");
  Hasher b;
  b.AddSized("a");
  b.AddSized("bc");
  EXPECT_NE(a.Finish(), b.Finish());
}

TEST(Digest, ReadsOnlyItsOwnForms) {
  EXPECT_EQ(*Digest::FromHex(kAbc), Digest::Of("abc"));
  EXPECT_EQ(*Digest::FromBytes(Digest::Of("abc").bytes()), Digest::Of("abc"));
  EXPECT_FALSE(Digest::FromHex("ab").ok());
  EXPECT_FALSE(Digest::FromHex(std::string(64, 'g')).ok());
  EXPECT_FALSE(Digest::FromBytes("short").ok());
}

}  // namespace
}  // namespace lockstep
