#include "tests/common/render/kustomize/corpus.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <zlib.h>

#include <gtest/gtest.h>

namespace lockstep::kustomize {

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void AddFolder(const std::string& folder, MapSnapshot* snapshot) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().lexically_relative(folder).string();
    snapshot->AddFile(path, ReadText(entry.path().string()));
  }
}

std::map<std::string, std::string> ReadTarGz(const std::string& path) {
  std::map<std::string, std::string> files;
  gzFile archive = gzopen(path.c_str(), "rb");
  EXPECT_NE(archive, nullptr) << path;
  if (archive == nullptr) return files;
  // A header of 512 bytes: the name, and from 124 on the size in octal; contents fill up blocks.
  constexpr size_t kBlock = 512;
  std::string header(kBlock, '\0');
  std::string long_name;
  while (gzread(archive, header.data(), kBlock) == static_cast<int>(kBlock) && header[0] != '\0') {
    const size_t size = std::strtoul(header.substr(124, 12).c_str(), nullptr, 8);
    std::string content((size + kBlock - 1) / kBlock * kBlock, '\0');
    if (!content.empty()) gzread(archive, content.data(), static_cast<unsigned>(content.size()));
    content.resize(size);
    const char type = header[156];
    const std::string name =
        long_name.empty() ? std::string(header.substr(0, 100).c_str()) : long_name;
    long_name.clear();
    if (type == 'L') {
      long_name = content.c_str();
    } else if (type == 'x') {  // "LENGTH path=NAME\n"
      const size_t at = content.find(" path=");
      if (at != std::string::npos)
        long_name = content.substr(at + 6, content.find('\n', at) - at - 6);
    } else if (type == '0' || type == '\0') {
      files[name] = std::move(content);
    }
  }
  gzclose(archive);
  return files;
}

}  // namespace lockstep::kustomize
