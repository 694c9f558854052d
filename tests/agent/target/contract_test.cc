#include <memory>

#include "agent/target/directory.h"
#include "common/base/file.h"
#include "common/object/yaml.h"
#include "common/object/yaml_writer.h"
#include "tests/testing/memory_target.h"
#include "tests/testing/target_contract.h"

namespace lockstep {
namespace {

class MemoryPlace : public TargetUnderTest {
 public:
  Target& target() override { return target_; }
  void WriteForeign(const ObjectKey& key, const Value& value) override {
    target_.WriteForeign(key, value);
  }
  void DeleteForeign(const ObjectKey& key) override { target_.DeleteForeign(key); }
  std::optional<Value> Read(const ObjectKey& key) override { return target_.Read(key); }

 private:
  MemoryTarget target_;
};

class DirectoryPlace : public TargetUnderTest {
 public:
  DirectoryPlace() : root_(*MakeTemporaryDirectory("lockstep-target-")) {
    target_ = *DirectoryTarget::Open({.root = root_});
  }
  ~DirectoryPlace() override {
    target_.reset();
    EXPECT_OK(RemoveTree(root_));
  }

  Target& target() override { return *target_; }
  void WriteForeign(const ObjectKey& key, const Value& value) override {
    const std::string path = PathTo(key);
    ASSERT_OK(MakeDirectories(DirName(path)));
    ASSERT_OK(WriteFileAtomic(path + ".tmp", WriteYaml(value), Durability::kNone));
    ASSERT_EQ(rename((path + ".tmp").c_str(), path.c_str()), 0);
  }
  void DeleteForeign(const ObjectKey& key) override { ASSERT_OK(RemoveFile(PathTo(key))); }
  std::optional<Value> Read(const ObjectKey& key) override {
    const absl::StatusOr<std::string> bytes = ReadFile(PathTo(key));
    if (!bytes.ok()) return std::nullopt;
    return ReadYaml(*bytes, "test")->front();
  }

 private:
  std::string PathTo(const ObjectKey& key) { return root_ + "/" + PathOf(key)->ToString(); }

  const std::string root_;
  std::unique_ptr<DirectoryTarget> target_;
};

INSTANTIATE_TEST_SUITE_P(Memory, TargetContract,
                         testing::Values([] { return std::make_unique<MemoryPlace>(); }));
INSTANTIATE_TEST_SUITE_P(Directory, TargetContract,
                         testing::Values([] { return std::make_unique<DirectoryPlace>(); }));

}  // namespace
}  // namespace lockstep
