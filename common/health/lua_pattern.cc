// string.find, match, gmatch and gsub. tests/common/health/lua_pattern_test.cc compares them with
// Lua's.

#include <cstring>

#include "common/health/lua_matcher.h"
#include "common/health/lua_run.h"

namespace lockstep {
namespace {

// A start argument as an offset: from the end where negative.
size_t StartOf(lua_Integer position, size_t bytes) {
  if (position > 0) return static_cast<size_t>(position) - 1;
  if (position == 0 || position < -static_cast<lua_Integer>(bytes)) return 0;
  return bytes - static_cast<size_t>(-position);
}

int FindPlain(lua_State* state, const char* text, size_t bytes, size_t start, const char* what,
              size_t what_bytes) {
  SpendSteps(state, static_cast<int64_t>(bytes / 16) + 1);
  const void* at =
      what_bytes == 0 ? text + start : memmem(text + start, bytes - start, what, what_bytes);
  if (at == nullptr) {
    luaL_pushfail(state);
    return 1;
  }
  const auto offset = static_cast<lua_Integer>(static_cast<const char*>(at) - text);
  lua_pushinteger(state, offset + 1);
  lua_pushinteger(state, offset + static_cast<lua_Integer>(what_bytes));
  return 2;
}

int FindOrMatch(lua_State* state, bool find) {
  size_t bytes;
  size_t pattern_bytes;
  const char* text = luaL_checklstring(state, 1, &bytes);
  const char* pattern = luaL_checklstring(state, 2, &pattern_bytes);
  const size_t start = StartOf(luaL_optinteger(state, 3, 1), bytes);
  if (start > bytes) {
    luaL_pushfail(state);
    return 1;
  }
  if (find && (lua_toboolean(state, 4) != 0 ||
               absl::string_view(pattern, pattern_bytes).find_first_of("^$*+?.([%-") ==
                   absl::string_view::npos)) {
    return FindPlain(state, text, bytes, start, pattern, pattern_bytes);
  }
  LuaMatcher matcher(state, text, bytes, pattern + pattern_bytes);
  const bool anchored = pattern_bytes > 0 && *pattern == '^';
  if (anchored) ++pattern;
  for (const char* from = text + start; from <= matcher.end(); ++from) {
    if (const char* to = matcher.MatchFrom(from, pattern)) {
      if (!find) return matcher.PushCaptures(from, to);
      lua_pushinteger(state, (from - text) + 1);
      lua_pushinteger(state, to - text);
      return 2 + matcher.PushCaptures(nullptr, nullptr);
    }
    if (anchored) break;
  }
  luaL_pushfail(state);
  return 1;
}

int Find(lua_State* state) { return FindOrMatch(state, true); }
int MatchFunction(lua_State* state) { return FindOrMatch(state, false); }

// Upvalues: text, pattern, offset to go on at, offset where the last match ended (-1 for none).
int NextMatch(lua_State* state) {
  size_t bytes;
  size_t pattern_bytes;
  const char* text = lua_tolstring(state, lua_upvalueindex(1), &bytes);
  const char* pattern = lua_tolstring(state, lua_upvalueindex(2), &pattern_bytes);
  const lua_Integer last = lua_tointeger(state, lua_upvalueindex(4));
  LuaMatcher matcher(state, text, bytes, pattern + pattern_bytes);
  for (const char* from = text + lua_tointeger(state, lua_upvalueindex(3)); from <= matcher.end();
       ++from) {
    const char* to = matcher.MatchFrom(from, pattern);
    if (to == nullptr || to - text == last) continue;
    lua_pushinteger(state, to - text);
    lua_copy(state, -1, lua_upvalueindex(3));
    lua_replace(state, lua_upvalueindex(4));
    return matcher.PushCaptures(from, to);
  }
  return 0;
}

int Gmatch(lua_State* state) {
  size_t bytes;
  luaL_checklstring(state, 1, &bytes);
  luaL_checkstring(state, 2);
  const size_t start = StartOf(luaL_optinteger(state, 3, 1), bytes);
  lua_settop(state, 2);
  lua_pushinteger(state, static_cast<lua_Integer>(start > bytes ? bytes + 1 : start));
  lua_pushinteger(state, -1);
  lua_pushcclosure(state, NextMatch, 4);
  return 1;
}

// "%1" and "%%" in the replacement text.
void AddText(lua_State* state, LuaMatcher* matcher, luaL_Buffer* buffer, const char* from,
             const char* to) {
  size_t bytes;
  const char* text = lua_tolstring(state, 3, &bytes);
  SpendSteps(state, static_cast<int64_t>(bytes / 16) + 1);
  for (size_t i = 0; i < bytes; ++i) {
    if (text[i] != '%') {
      luaL_addchar(buffer, text[i]);
      continue;
    }
    const char c = ++i < bytes ? text[i] : '\0';
    if (c == '%') {
      luaL_addchar(buffer, '%');
    } else if (c == '0') {
      luaL_addlstring(buffer, from, static_cast<size_t>(to - from));
    } else if (c >= '1' && c <= '9') {
      matcher->PushCapture(c - '1', from, to);
      luaL_tolstring(state, -1, nullptr);  // A position is a number.
      lua_remove(state, -2);
      luaL_addvalue(buffer);
    } else {
      luaL_error(state, "invalid use of '%%' in replacement string");
    }
  }
}

void AddReplacement(lua_State* state, LuaMatcher* matcher, luaL_Buffer* buffer, const char* from,
                    const char* to) {
  const int type = lua_type(state, 3);
  if (type == LUA_TFUNCTION) {
    lua_pushvalue(state, 3);
    lua_call(state, matcher->PushCaptures(from, to), 1);
  } else if (type == LUA_TTABLE) {
    matcher->PushCapture(0, from, to);
    lua_gettable(state, 3);
  } else {
    AddText(state, matcher, buffer, from, to);
    return;
  }
  if (lua_toboolean(state, -1) == 0) {
    lua_pop(state, 1);
    luaL_addlstring(buffer, from, static_cast<size_t>(to - from));
    return;
  }
  if (lua_isstring(state, -1) == 0) {
    luaL_error(state, "invalid replacement value (a %s)", luaL_typename(state, -1));
  }
  luaL_addvalue(buffer);
}

int Gsub(lua_State* state) {
  size_t bytes;
  size_t pattern_bytes;
  const char* text = luaL_checklstring(state, 1, &bytes);
  const char* pattern = luaL_checklstring(state, 2, &pattern_bytes);
  const int type = lua_type(state, 3);
  luaL_argexpected(
      state,
      type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
      "string/function/table");
  const lua_Integer most = luaL_optinteger(state, 4, static_cast<lua_Integer>(bytes) + 1);
  LuaMatcher matcher(state, text, bytes, pattern + pattern_bytes);
  const bool anchored = pattern_bytes > 0 && *pattern == '^';
  if (anchored) ++pattern;
  luaL_Buffer buffer;
  luaL_buffinit(state, &buffer);
  const char* from = text;
  const char* last = nullptr;
  lua_Integer count = 0;
  while (count < most) {
    const char* to = matcher.MatchFrom(from, pattern);
    if (to != nullptr && to != last) {
      ++count;
      AddReplacement(state, &matcher, &buffer, from, to);
      from = last = to;
    } else if (from < matcher.end()) {
      luaL_addchar(&buffer, *from++);
    } else {
      break;
    }
    if (anchored) break;
  }
  luaL_addlstring(&buffer, from, static_cast<size_t>(matcher.end() - from));
  luaL_pushresult(&buffer);
  lua_pushinteger(state, count);
  return 2;
}

}  // namespace

void AddPatternFunctions(lua_State* state) {
  static constexpr luaL_Reg kFunctions[] = {{"find", Find},
                                            {"match", MatchFunction},
                                            {"gmatch", Gmatch},
                                            {"gsub", Gsub},
                                            {nullptr, nullptr}};
  luaL_setfuncs(state, kFunctions, 0);
}

}  // namespace lockstep
