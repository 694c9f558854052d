#pragma once

#include <cstddef>
#include <type_traits>

#include "common/health/lua_run.h"

namespace lockstep {

/// Lua's patterns (reference manual 6.4.1), with every comparison counted as a step: the library's
/// own matcher takes exponential time where a pattern asks for it, and cannot be interrupted.
/// Raises Lua errors, with Lua's messages, for what is no pattern.
class LuaMatcher {
 public:
  LuaMatcher(lua_State* state, const char* text, size_t text_bytes, const char* pattern_end)
      : state_(state),
        run_(RunOf(state)),
        begin_(text),
        end_(text + text_bytes),
        pattern_end_(pattern_end) {}

  const char* end() const { return end_; }

  /// The end of a match of `pattern` that begins at `at`, or null. Captures are those of this
  /// match.
  const char* MatchFrom(const char* at, const char* pattern);

  /// Pushes capture `index`, or the whole match (`from` to `to`) where the pattern has none.
  void PushCapture(int index, const char* from, const char* to);

  /// Pushes all captures, or the whole match where there are none and `from` is given.
  int PushCaptures(const char* from, const char* to);

 private:
  static constexpr int kCapturesMax = 32;
  static constexpr int kDepthMax = 200;
  static constexpr ptrdiff_t kOpen = -1;      // A capture that has not ended.
  static constexpr ptrdiff_t kPosition = -2;  // "()".

  struct Capture {
    const char* start;
    ptrdiff_t length;
  };

  void Step();
  // Behind the one-character item that begins at `item`.
  const char* ItemEnd(const char* item);
  // Whether `c` is in the set from '[' at `set` to ']' at `last`.
  bool InSet(int c, const char* set, const char* last);
  bool MatchesItem(const char* at, const char* item, const char* item_end);

  // Each returns the end of the whole match from here on, or null.
  const char* Match(const char* at, const char* pattern);
  const char* MatchHere(const char* at, const char* pattern);
  const char* MatchLongest(const char* at, const char* item, const char* item_end);
  const char* MatchShortest(const char* at, const char* item, const char* item_end);
  const char* OpenCapture(const char* at, const char* pattern, ptrdiff_t length);
  const char* CloseCapture(const char* at, const char* pattern);

  // "%bxy": from an x behind the y that closes it, or null.
  const char* MatchBalance(const char* at, const char* item);
  // "%1": behind the text of a capture once more, or null.
  const char* MatchAgain(const char* at, int digit);
  // "%f[set]": between a character outside the set and one in it.
  bool MatchesFrontier(const char* at, const char* set, const char* set_end);

  lua_State* const state_;
  LuaRun* const run_;
  const char* const begin_;
  const char* const end_;
  const char* const pattern_end_;
  int level_ = 0;
  int depth_ = 0;
  Capture captures_[kCapturesMax];
};
// Errors jump over it.
static_assert(std::is_trivially_destructible_v<LuaMatcher>);

}  // namespace lockstep
