#include "common/text/nearest.h"

#include <algorithm>
#include <cstddef>

#include <absl/strings/ascii.h>

namespace lockstep {
namespace {

// Costs: a letter inserted, removed, replaced or swapped with its neighbour 2, another case 1.
constexpr size_t kEdit = 2;

size_t ReplaceCost(char a, char b) {
  if (a == b) return 0;
  return absl::ascii_tolower(static_cast<unsigned char>(a)) ==
                 absl::ascii_tolower(static_cast<unsigned char>(b))
             ? 1
             : kEdit;
}

// Damerau-Levenshtein (restricted), by three rows.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> two_up(b.size() + 1), up(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) up[j] = j * kEdit;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i * kEdit;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {up[j] + kEdit, row[j - 1] + kEdit, up[j - 1] + ReplaceCost(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_up[j - 2] + kEdit);
      }
    }
    two_up.swap(up);
    up.swap(row);
  }
  return up[b.size()];
}

}  // namespace

std::string NearestWord(absl::string_view word, const std::vector<std::string>& candidates) {
  constexpr size_t kLongest =
      100;  // Longer words are no typing mistakes, and the cost is quadratic.
  if (word.empty() || word.size() > kLongest) return "";
  std::string nearest;
  size_t best = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.empty() || candidate.size() > kLongest) continue;
    const size_t distance = Distance(word, candidate);
    if (3 * distance > kEdit * std::max(word.size(), candidate.size())) continue;
    if (nearest.empty() || distance < best) {
      nearest = candidate;
      best = distance;
    }
  }
  return nearest;
}

}  // namespace lockstep
