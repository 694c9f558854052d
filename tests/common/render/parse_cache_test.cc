#include "common/render/parse_cache.h"

#include <memory>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "common/base/thread.h"
#include "common/render/map_snapshot.h"
#include "common/render/plain.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

std::shared_ptr<const ParsedFile> FileOf(size_t bytes) {
  ParsedFile file;
  file.objects.push_back({.json = std::make_shared<const std::string>(bytes, 'x')});
  return std::make_shared<const ParsedFile>(std::move(file));
}

TEST(ParseCache, DropsWhatWasNotUsedForLongest) {
  const std::shared_ptr<const ParsedFile> file = FileOf(1000);
  ParseCache cache(3 * (file->CostInBytes() + 2));
  for (const char* key : {"a", "b", "c"}) cache.Add(key, file);
  EXPECT_NE(cache.Find("a"), nullptr);
  cache.Add("d", file);
  EXPECT_EQ(cache.Find("b"), nullptr);
  for (const char* key : {"a", "c", "d"}) EXPECT_NE(cache.Find(key), nullptr) << key;
  EXPECT_EQ(cache.stats().entries, 3u);
  EXPECT_EQ(cache.stats().hits, 4u);
  EXPECT_EQ(cache.stats().misses, 1u);
}

TEST(ParseCache, TakesNothingThatIsLargerThanItself) {
  ParseCache cache(500);
  cache.Add("a", FileOf(1000));
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.stats().bytes, 0u);
}

TEST(ParseCache, ServesManyThreadsThatRenderAtOnce) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 40; ++i) {
    files[absl::StrCat("f", i, ".yaml")] =
        absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c", i, "}\n");
  }
  const MapSnapshot snapshot(std::string(40, 'a'), files);
  ParseCache cache(20'000);  // Too small for all: entries come and go.
  const Digest wanted = RenderPlain(snapshot, "", {}, nullptr)->manifest->digest();
  std::vector<Digest> got(4);
  {
    std::vector<Thread> threads;
    for (Digest& digest : got) {
      threads.emplace_back("render", [&snapshot, &cache, &digest] {
        for (int round = 0; round < 10; ++round) {
          digest = RenderPlain(snapshot, "", {}, &cache)->manifest->digest();
        }
      });
    }
  }
  for (const Digest& digest : got) EXPECT_EQ(digest, wanted);
  EXPECT_LE(cache.stats().bytes, 20'000u);
}

}  // namespace
}  // namespace lockstep
