#include "common/object/value.h"

#include <map>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "tests/common/object/random_value.h"

namespace lockstep {
namespace {

TEST(Value, EqualNumbersAreEqualValues) {
  EXPECT_TRUE(Value::Double(1.0) == Value::Int(1));
  EXPECT_TRUE(Value::Double(-0.0) == Value::Int(0));
  EXPECT_TRUE(Value::Uint(7) == Value::Int(7));
  EXPECT_TRUE(Value::Double(1e19) == Value::Uint(10'000'000'000'000'000'000U));
  EXPECT_TRUE(Value::Double(1.5).IsDouble());
  EXPECT_TRUE(Value::Double(1e20).IsDouble());
  // The digits that Go prints, not those of the double's exact value.
  EXPECT_EQ(Value::Double(1234567890123456789.0).AsInt(), 1'234'567'890'123'456'800);
}

TEST(Object, KeepsOrderAndComparesWithoutIt) {
  Object a;
  a.Set("x", Value::Int(1));
  a.Set("y", Value::Int(2));
  a.Set("x", Value::Int(3));
  EXPECT_EQ(a.begin()->key, "x");
  EXPECT_EQ(a.begin()->value.AsInt(), 3);
  Object b;
  EXPECT_TRUE(b.Add("y", Value::Int(2)));
  EXPECT_TRUE(b.Add("x", Value::Int(3)));
  EXPECT_FALSE(b.Add("x", Value::Int(4)));
  EXPECT_TRUE(a == b);
}

TEST(Object, AssignFindsTheFirstDuplicate) {
  for (const size_t count : {3U, 16U, 17U, 1000U}) {
    std::vector<Object::Member> members;
    for (size_t i = 0; i < count; ++i) members.push_back({absl::StrCat("k", i), Value()});
    Object object;
    EXPECT_EQ(object.Assign(members), Object::npos);
    EXPECT_TRUE(object.Contains("k2"));
    members.push_back({"k1", Value()});
    members.push_back({"k0", Value()});
    EXPECT_EQ(object.Assign(members), count);
  }
}

TEST(Object, BehavesAsAMapInAnyOrderOfChanges) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("LOCKSTEP_SEED=", seed));
  SeededRng rng(seed);
  Object object;
  std::map<std::string, int64_t> model;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = absl::StrCat("k", rng.Below(60));
    switch (rng.Below(4)) {
      case 0:
        EXPECT_EQ(object.Remove(key), model.erase(key) == 1);
        break;
      case 1:
        EXPECT_EQ(object.Add(key, Value::Int(i)), model.emplace(key, i).second);
        break;
      case 2:
        object.Set(key, Value::Int(i));
        model[key] = i;
        break;
      default: {
        const Object copy = object;
        EXPECT_TRUE(copy == object);
        const auto wanted = model.find(key);
        const Value* const found = copy.Find(key);
        ASSERT_EQ(found != nullptr, wanted != model.end());
        if (found != nullptr) {
          EXPECT_EQ(found->AsInt(), wanted->second);
        }
      }
    }
    ASSERT_EQ(object.size(), model.size());
  }
}

}  // namespace
}  // namespace lockstep
