// How fast YAML becomes a tree, against the same parser's bare events (the floor) and yaml-cpp's
// own tree.
//
//   bench_parse DIR     reads every file below DIR

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>
#include <yaml.h>

#include <yaml-cpp/yaml.h>

#include "common/object/yaml.h"

namespace lockstep {
namespace {

constexpr int kRounds = 11;
constexpr int kSlowRounds = 3;  // yaml-cpp takes seconds for each.
constexpr double kBar = 0.6;

struct File {
  std::string name;
  std::string bytes;
};

std::vector<File> Load(const std::string& directory) {
  std::vector<File> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    files.push_back(
        {entry.path().string(), std::string(std::istreambuf_iterator<char>(stream), {})});
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.name < b.name; });
  return files;
}

// Each reader returns a number that depends on all it read, so that nothing is left out; -1 is a
// failure.
int64_t ReadEvents(const File& file) {
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0) return -1;
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(file.bytes.data()),
                               file.bytes.size());
  int64_t count = 0;
  for (bool end = false; !end;) {
    yaml_event_t event;
    if (yaml_parser_parse(&parser, &event) == 0) {
      count = -1;
      break;
    }
    end = event.type == YAML_STREAM_END_EVENT;
    ++count;
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  return count;
}

int64_t ReadTree(const File& file) {
  const absl::StatusOr<std::vector<Value>> documents = ReadYaml(file.bytes, file.name);
  if (documents.ok()) return static_cast<int64_t>(documents->size());
  std::fprintf(stderr, "%s\n", std::string(documents.status().message()).c_str());
  return -1;
}

int64_t ReadYamlCpp(const File& file) {
  try {
    return static_cast<int64_t>(YAML::LoadAll(file.bytes).size());
  } catch (const YAML::Exception& error) {
    std::fprintf(stderr, "%s: %s\n", file.name.c_str(), error.what());
    return -1;
  }
}

// Seconds for all files, or a negative number.
double Time(const std::vector<File>& files, const std::function<int64_t(const File&)>& read) {
  const auto begin = std::chrono::steady_clock::now();
  for (const File& file : files) {
    if (read(file) < 0) return -1;
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Run(const std::string& directory) {
  const std::vector<File> files = Load(directory);
  size_t bytes = 0;
  for (const File& file : files) bytes += file.bytes.size();
  const double megabytes = static_cast<double>(bytes) / 1e6;
  if (files.empty()) {
    std::fprintf(stderr, "no files below %s\n", directory.c_str());
    return 1;
  }
  std::vector<double> events, trees, others, ratios;
  for (int round = 0; round < kRounds; ++round) {
    events.push_back(Time(files, ReadEvents));
    trees.push_back(Time(files, ReadTree));
    ratios.push_back(events.back() / trees.back());
    if (round < kSlowRounds) others.push_back(Time(files, ReadYamlCpp));
    if (events.back() < 0 || trees.back() < 0 || others.back() < 0) return 1;
  }
  const double value = Median(ratios);
  std::printf("%zu files, %.1f MB, medians of %d rounds (yaml-cpp %d)\n\n", files.size(), megabytes,
              kRounds, kSlowRounds);
  std::printf("%-26s %8s %8s\n", "reader", "MB/s", "ratio");
  const auto row = [&](const char* name, const std::vector<double>& times) {
    std::printf("%-26s %8.1f %8.2f\n", name, megabytes / Median(times),
                Median(events) / Median(times));
  };
  row("libyaml, bare events", events);
  row("lockstep, tree", trees);
  row("yaml-cpp, tree", others);
  const bool ok = value >= kBar;
  std::printf("\nparse: %.2f x libyaml events (bar %.1f) %s\n", value, kBar, ok ? "ok" : "short");
  if (ok) std::printf("parse: ok\n");
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bench_parse DIR\n");
    return 2;
  }
  return lockstep::Run(argv[1]);
}
