#include "common/health/lua_matcher.h"

#include <cctype>
#include <cstring>

namespace lockstep {
namespace {

unsigned char Byte(char c) { return static_cast<unsigned char>(c); }

bool IsOfClass(int c, int name) {
  bool is;
  switch (std::tolower(name)) {
    case 'a':
      is = std::isalpha(c) != 0;
      break;
    case 'c':
      is = std::iscntrl(c) != 0;
      break;
    case 'd':
      is = std::isdigit(c) != 0;
      break;
    case 'g':
      is = std::isgraph(c) != 0;
      break;
    case 'l':
      is = std::islower(c) != 0;
      break;
    case 'p':
      is = std::ispunct(c) != 0;
      break;
    case 's':
      is = std::isspace(c) != 0;
      break;
    case 'u':
      is = std::isupper(c) != 0;
      break;
    case 'w':
      is = std::isalnum(c) != 0;
      break;
    case 'x':
      is = std::isxdigit(c) != 0;
      break;
    case 'z':
      is = c == 0;
      break;  // Of Lua 5.1.
    default:
      return name == c;
  }
  return std::isupper(name) ? !is : is;
}

}  // namespace

const char* LuaMatcher::MatchFrom(const char* at, const char* pattern) {
  level_ = 0;
  depth_ = 0;
  return Match(at, pattern);
}

void LuaMatcher::PushCapture(int index, const char* from, const char* to) {
  if (index >= level_) {
    if (index != 0) luaL_error(state_, "invalid capture index %%%d", index + 1);
    lua_pushlstring(state_, from, static_cast<size_t>(to - from));
    return;
  }
  const Capture& capture = captures_[index];
  if (capture.length == kOpen) luaL_error(state_, "unfinished capture");
  if (capture.length == kPosition) {
    lua_pushinteger(state_, (capture.start - begin_) + 1);
  } else {
    lua_pushlstring(state_, capture.start, static_cast<size_t>(capture.length));
  }
}

int LuaMatcher::PushCaptures(const char* from, const char* to) {
  const int count = level_ == 0 && from != nullptr ? 1 : level_;
  luaL_checkstack(state_, count, "too many captures");
  for (int i = 0; i < count; ++i) PushCapture(i, from, to);
  return count;
}

void LuaMatcher::Step() {
  if (--run_->steps_left < 0) StopRun(state_, LuaRun::Stop::kSteps);
}

const char* LuaMatcher::ItemEnd(const char* item) {
  if (item == pattern_end_) luaL_error(state_, "malformed pattern (ends with '%%')");
  const char c = *item++;
  if (c == '%') {
    if (item == pattern_end_) luaL_error(state_, "malformed pattern (ends with '%%')");
    return item + 1;
  }
  if (c != '[') return item;
  if (item < pattern_end_ && *item == '^') ++item;
  do {  // The first character of a set may be ']'.
    if (item == pattern_end_) luaL_error(state_, "malformed pattern (missing ']')");
    if (*item++ == '%') {
      if (item == pattern_end_) luaL_error(state_, "malformed pattern (missing ']')");
      ++item;
    }
  } while (item == pattern_end_ || *item != ']');
  return item + 1;
}

bool LuaMatcher::InSet(int c, const char* set, const char* last) {
  bool found = true;
  ++set;
  if (*set == '^') {
    found = false;
    ++set;
  }
  for (; set < last; ++set) {
    Step();
    if (*set == '%') {
      ++set;
      if (IsOfClass(c, Byte(*set))) return found;
    } else if (set + 2 < last && set[1] == '-') {
      if (Byte(set[0]) <= c && c <= Byte(set[2])) return found;
      set += 2;
    } else if (Byte(*set) == c) {
      return found;
    }
  }
  return !found;
}

bool LuaMatcher::MatchesItem(const char* at, const char* item, const char* item_end) {
  Step();
  if (at >= end_) return false;
  switch (*item) {
    case '.':
      return true;
    case '%':
      return IsOfClass(Byte(*at), Byte(item[1]));
    case '[':
      return InSet(Byte(*at), item, item_end - 1);
    default:
      return *item == *at;
  }
}

const char* LuaMatcher::MatchLongest(const char* at, const char* item, const char* item_end) {
  ptrdiff_t count = 0;
  while (MatchesItem(at + count, item, item_end)) ++count;
  for (; count >= 0; --count) {
    if (const char* to = Match(at + count, item_end + 1)) return to;
  }
  return nullptr;
}

const char* LuaMatcher::MatchShortest(const char* at, const char* item, const char* item_end) {
  while (true) {
    if (const char* to = Match(at, item_end + 1)) return to;
    if (!MatchesItem(at, item, item_end)) return nullptr;
    ++at;
  }
}

const char* LuaMatcher::MatchBalance(const char* at, const char* item) {
  if (pattern_end_ - item < 4) {
    luaL_error(state_, "malformed pattern (missing arguments to '%%b')");
  }
  if (at >= end_ || *at != item[2]) return nullptr;
  int open = 1;
  while (++at < end_) {
    Step();
    if (*at == item[3]) {
      if (--open == 0) return at + 1;
    } else if (*at == item[2]) {
      ++open;
    }
  }
  return nullptr;
}

const char* LuaMatcher::OpenCapture(const char* at, const char* pattern, ptrdiff_t length) {
  if (level_ >= kCapturesMax) luaL_error(state_, "too many captures");
  captures_[level_++] = {at, length};
  const char* to = Match(at, pattern);
  if (to == nullptr) --level_;
  return to;
}

const char* LuaMatcher::CloseCapture(const char* at, const char* pattern) {
  int index = level_ - 1;
  while (index >= 0 && captures_[index].length != kOpen) --index;
  if (index < 0) luaL_error(state_, "invalid pattern capture");
  captures_[index].length = at - captures_[index].start;
  const char* to = Match(at, pattern);
  if (to == nullptr) captures_[index].length = kOpen;
  return to;
}

const char* LuaMatcher::MatchAgain(const char* at, int digit) {
  const int index = digit - '1';
  if (index < 0 || index >= level_ || captures_[index].length == kOpen) {
    luaL_error(state_, "invalid capture index %%%d in pattern", index + 1);
  }
  // As in Lua: the text of a position is longer than any other.
  const auto length = static_cast<size_t>(captures_[index].length);
  if (static_cast<size_t>(end_ - at) < length) return nullptr;
  SpendSteps(state_, static_cast<int64_t>(length / 16) + 1);
  return std::memcmp(captures_[index].start, at, length) == 0 ? at + length : nullptr;
}

bool LuaMatcher::MatchesFrontier(const char* at, const char* set, const char* set_end) {
  const char before = at == begin_ ? '\0' : at[-1];
  const char after = at < end_ ? *at : '\0';
  return !InSet(Byte(before), set, set_end - 1) && InSet(Byte(after), set, set_end - 1);
}

const char* LuaMatcher::Match(const char* at, const char* pattern) {
  if (++depth_ > kDepthMax) luaL_error(state_, "pattern too complex");
  const char* to = MatchHere(at, pattern);
  --depth_;
  return to;
}

const char* LuaMatcher::MatchHere(const char* at, const char* pattern) {
  while (pattern != pattern_end_) {
    if (*pattern == '(') {
      const bool position = pattern + 1 < pattern_end_ && pattern[1] == ')';
      return position ? OpenCapture(at, pattern + 2, kPosition)
                      : OpenCapture(at, pattern + 1, kOpen);
    }
    if (*pattern == ')') return CloseCapture(at, pattern + 1);
    if (*pattern == '$' && pattern + 1 == pattern_end_) return at == end_ ? at : nullptr;
    const char next = *pattern == '%' && pattern + 1 < pattern_end_ ? pattern[1] : '\0';
    if (next == 'b') {
      at = MatchBalance(at, pattern);
      if (at == nullptr) return nullptr;
      pattern += 4;
    } else if (next == 'f') {
      pattern += 2;
      if (pattern == pattern_end_ || *pattern != '[') {
        luaL_error(state_, "missing '[' after '%%f' in pattern");
      }
      const char* set_end = ItemEnd(pattern);
      if (!MatchesFrontier(at, pattern, set_end)) return nullptr;
      pattern = set_end;
    } else if (next >= '0' && next <= '9') {
      at = MatchAgain(at, next);
      if (at == nullptr) return nullptr;
      pattern += 2;
    } else {
      const char* item_end = ItemEnd(pattern);
      const char repeat = item_end < pattern_end_ ? *item_end : '\0';
      if (!MatchesItem(at, pattern, item_end)) {
        if (repeat != '*' && repeat != '?' && repeat != '-') return nullptr;
        pattern = item_end + 1;
        continue;
      }
      if (repeat == '*') return MatchLongest(at, pattern, item_end);
      if (repeat == '-') return MatchShortest(at, pattern, item_end);
      if (repeat == '+') return MatchLongest(at + 1, pattern, item_end);
      if (repeat == '?') {
        if (const char* to = Match(at + 1, item_end + 1)) return to;
        pattern = item_end + 1;
        continue;
      }
      ++at;
      pattern = item_end;
    }
  }
  return at;
}

}  // namespace lockstep
