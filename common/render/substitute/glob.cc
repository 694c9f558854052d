#include "common/render/substitute/glob.h"

#include <absl/status/status.h>

#include "common/base/status.h"
#include "common/render/substitute/rune.h"

namespace lockstep::substitute {
namespace {

absl::Status BadPattern() { return absl::InvalidArgumentError("the pattern is none"); }

/// What lies between two stars.
struct Chunk {
  bool star = false;  // Before it.
  absl::string_view text;
};

Chunk TakeChunk(absl::string_view* pattern) {
  Chunk chunk;
  while (!pattern->empty() && pattern->front() == '*') {
    pattern->remove_prefix(1);
    chunk.star = true;
  }
  bool in_set = false;
  size_t end = 0;
  for (; end < pattern->size(); ++end) {
    const char c = (*pattern)[end];
    if (c == '\\') {
      if (end + 1 < pattern->size()) ++end;
    } else if (c == '[') {
      in_set = true;
    } else if (c == ']') {
      in_set = false;
    } else if (c == '*' && !in_set) {
      break;
    }
  }
  chunk.text = pattern->substr(0, end);
  pattern->remove_prefix(end);
  return chunk;
}

/// A character of a set, which may be escaped; something must follow it.
absl::StatusOr<char32_t> TakeSetCharacter(absl::string_view* chunk) {
  if (chunk->empty() || chunk->front() == '-' || chunk->front() == ']') return BadPattern();
  if (chunk->front() == '\\') {
    chunk->remove_prefix(1);
    if (chunk->empty()) return BadPattern();
  }
  const Rune rune = FirstRune(*chunk);
  if (rune.value == kNoRune) return BadPattern();
  chunk->remove_prefix(rune.bytes);
  if (chunk->empty()) return BadPattern();
  return rune.value;
}

absl::StatusOr<bool> MatchSet(absl::string_view* chunk, char32_t c) {
  chunk->remove_prefix(1);
  const bool negated = !chunk->empty() && chunk->front() == '^';
  if (negated) chunk->remove_prefix(1);
  bool found = false;
  for (size_t ranges = 0;; ++ranges) {
    if (!chunk->empty() && chunk->front() == ']' && ranges > 0) {
      chunk->remove_prefix(1);
      return found != negated;
    }
    LOCKSTEP_ASSIGN_OR_RETURN(const char32_t low, TakeSetCharacter(chunk));
    char32_t high = low;
    if (chunk->front() == '-') {
      chunk->remove_prefix(1);
      LOCKSTEP_ASSIGN_OR_RETURN(high, TakeSetCharacter(chunk));
    }
    found = found || (low <= c && c <= high);
  }
}

/// Matches `chunk` at the beginning of `*text` and moves that behind it.
absl::StatusOr<bool> MatchChunk(absl::string_view chunk, absl::string_view* text, uint64_t* steps) {
  absl::string_view rest = *text;
  while (!chunk.empty()) {
    if (*steps == 0) return absl::ResourceExhaustedError("matching the pattern takes too long");
    --*steps;
    if (rest.empty()) return false;
    if (chunk.front() == '[') {
      const Rune rune = FirstRune(rest);
      rest.remove_prefix(rune.bytes);
      LOCKSTEP_ASSIGN_OR_RETURN(const bool matches, MatchSet(&chunk, rune.value));
      if (!matches) return false;
      continue;
    }
    if (chunk.front() == '?') {
      rest.remove_prefix(FirstRune(rest).bytes);
      chunk.remove_prefix(1);
      continue;
    }
    if (chunk.front() == '\\') {
      chunk.remove_prefix(1);
      if (chunk.empty()) return BadPattern();
    }
    if (chunk.front() != rest.front()) return false;
    rest.remove_prefix(1);
    chunk.remove_prefix(1);
  }
  *text = rest;
  return true;
}

/// Matches a chunk that follows a star somewhere behind the beginning.
absl::StatusOr<bool> MatchBehindStar(absl::string_view chunk, bool is_last, absl::string_view* text,
                                     uint64_t* steps) {
  for (size_t skipped = 1; skipped <= text->size(); ++skipped) {
    absl::string_view rest = text->substr(skipped);
    LOCKSTEP_ASSIGN_OR_RETURN(const bool matches, MatchChunk(chunk, &rest, steps));
    if (!matches || (is_last && !rest.empty())) continue;
    *text = rest;
    return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<bool> MatchGlob(absl::string_view pattern, absl::string_view text, uint64_t* steps) {
  while (!pattern.empty()) {
    const Chunk chunk = TakeChunk(&pattern);
    if (chunk.star && chunk.text.empty()) return true;
    absl::string_view rest = text;
    LOCKSTEP_ASSIGN_OR_RETURN(const bool here, MatchChunk(chunk.text, &rest, steps));
    if (here && (rest.empty() || !pattern.empty())) {
      text = rest;
      continue;
    }
    if (!chunk.star) return false;
    LOCKSTEP_ASSIGN_OR_RETURN(const bool behind,
                              MatchBehindStar(chunk.text, pattern.empty(), &text, steps));
    if (!behind) return false;
  }
  return text.empty();
}

}  // namespace lockstep::substitute
