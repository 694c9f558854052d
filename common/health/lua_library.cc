// What a script sees: docs/health.md lists it. Made from Lua's own functions by name, so that what
// a later Lua adds stays outside; those that take time by the size of their arguments pay for it.

#include <algorithm>
#include <cstring>

#include <absl/strings/string_view.h>

#include "common/health/lua_run.h"

namespace lockstep {
namespace {

constexpr lua_Integer kResultsMax = 250;
// Each costs a link of a chain that one instruction may have to follow.
constexpr int64_t kSetMetatableSteps = 1000;

constexpr char kOutside[] = "%s is outside the sandbox; docs/health.md lists what is in it";

// Names of Lua 5.1 to 5.4 that are not here. xpcall: its handler would run within the hook that
// ends a script, where nothing counts its steps.
constexpr absl::string_view kForeignFunctions[] = {
    "collectgarbage", "dofile", "getfenv", "load",    "loadfile", "loadstring", "module",
    "newproxy",       "print",  "require", "setfenv", "warn",     "xpcall"};
constexpr absl::string_view kForeignLibraries[] = {"bit32", "coroutine", "debug",
                                                   "io",    "package",   "utf8"};

// ---- Refusals. ----

// Upvalue 1: the library's name. Of a field that is not there.
int RefuseField(lua_State* state) {
  const char* library = lua_tostring(state, lua_upvalueindex(1));
  const char* field = lua_type(state, 2) == LUA_TSTRING ? lua_tostring(state, 2) : "?";
  const char* name = lua_pushfstring(state, "%s.%s", library, field);
  return luaL_error(state, kOutside, name);
}

// Makes the table on top refuse every field that it does not have.
void RefuseOtherFields(lua_State* state, const char* library) {
  lua_createtable(state, 0, 2);
  lua_pushstring(state, library);
  lua_pushcclosure(state, RefuseField, 1);
  lua_setfield(state, -2, "__index");
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_setmetatable(state, -2);
}

// Of a global that is not there: null, unless it is one that other Luas have.
int FindGlobal(lua_State* state) {
  if (lua_type(state, 2) != LUA_TSTRING) return 0;
  size_t bytes;
  const char* text = lua_tolstring(state, 2, &bytes);
  const absl::string_view name(text, bytes);
  for (const absl::string_view known : kForeignFunctions) {
    if (known == name) return luaL_error(state, kOutside, text);
  }
  for (const absl::string_view known : kForeignLibraries) {
    if (known != name) continue;
    lua_newtable(state);
    RefuseOtherFields(state, text);
    return 1;
  }
  return 0;
}

// ---- Functions that pay by the size of their arguments. ----

int64_t Weight(lua_State* state, int index) {
  switch (lua_type(state, index)) {
    case LUA_TSTRING:
      return static_cast<int64_t>(lua_rawlen(state, index)) / 8;
    case LUA_TTABLE:
      return static_cast<int64_t>(lua_rawlen(state, index));
    default:
      return 0;
  }
}

// Upvalue 1: the function of Lua's, which has no upvalues of its own.
int CallPaid(lua_State* state) {
  int64_t weight = 1;
  for (int i = 1, top = lua_gettop(state); i <= top; ++i) weight += Weight(state, i);
  SpendSteps(state, weight);
  return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

// The same for functions that ask a table for its length: none that has its own idea of that.
int CallOnPlainTable(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  if (lua_getmetatable(state, 1) != 0) {
    return luaL_argerror(state, 1, "a table with a metatable is outside the sandbox here");
  }
  return CallPaid(state);
}

int Sort(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  SpendSteps(state, 16 * Weight(state, 1));
  return CallOnPlainTable(state);
}

int Unpack(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  const lua_Integer from = luaL_optinteger(state, 2, 1);
  const lua_Integer to = lua_isnoneornil(state, 3) ? static_cast<lua_Integer>(lua_rawlen(state, 1))
                                                   : luaL_checkinteger(state, 3);
  if (from > to) return 0;
  if (from < -kResultsMax || to > from + kResultsMax - 1) {
    return luaL_error(state, "more than %d results", static_cast<int>(kResultsMax));
  }
  luaL_checkstack(state, static_cast<int>(kResultsMax), "too many results");
  SpendSteps(state, to - from + 1);
  for (lua_Integer i = from; i <= to; ++i) lua_rawgeti(state, 1, i);
  return static_cast<int>(to - from + 1);
}

int CountItems(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  lua_pushinteger(state, static_cast<lua_Integer>(lua_rawlen(state, 1)));
  return 1;
}

int Bytes(lua_State* state) {
  size_t bytes;
  const char* text = luaL_checklstring(state, 1, &bytes);
  const auto length = static_cast<lua_Integer>(bytes);
  lua_Integer from = luaL_optinteger(state, 2, 1);
  if (from < 0) from = std::max<lua_Integer>(from < -length ? 1 : length + from + 1, 1);
  if (from == 0) from = 1;
  lua_Integer to = luaL_optinteger(state, 3, from);
  if (to < 0) to = to < -length ? 0 : length + to + 1;
  to = std::min(to, length);
  if (from > to) return 0;
  if (to - from >= kResultsMax) {
    return luaL_error(state, "more than %d results", static_cast<int>(kResultsMax));
  }
  luaL_checkstack(state, static_cast<int>(kResultsMax), "too many results");
  for (lua_Integer i = from; i <= to; ++i) {
    lua_pushinteger(state, static_cast<unsigned char>(text[i - 1]));
  }
  return static_cast<int>(to - from + 1);
}

int Repeat(lua_State* state) {
  size_t bytes;
  size_t separator_bytes;
  const char* text = luaL_checklstring(state, 1, &bytes);
  const lua_Integer times = luaL_checkinteger(state, 2);
  const char* separator = luaL_optlstring(state, 3, "", &separator_bytes);
  if (times <= 0 || bytes + separator_bytes == 0) {
    lua_pushliteral(state, "");
    return 1;
  }
  const auto most = static_cast<lua_Integer>(RunOf(state)->limits.string_bytes);
  if (times > most / static_cast<lua_Integer>(bytes + separator_bytes)) {
    StopRun(state, LuaRun::Stop::kString);
  }
  luaL_Buffer buffer;
  luaL_buffinit(state, &buffer);
  for (lua_Integer i = 0; i < times; ++i) {
    if (i > 0) luaL_addlstring(&buffer, separator, separator_bytes);
    luaL_addlstring(&buffer, text, bytes);
  }
  luaL_pushresult(&buffer);
  SpendSteps(state, static_cast<int64_t>(times));
  return 1;
}

int SetMetatable(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  const int type = lua_type(state, 2);
  luaL_argexpected(state, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  SpendSteps(state, kSetMetatableSteps);
  if (luaL_getmetafield(state, 1, "__metatable") != LUA_TNIL) {
    return luaL_error(state, "cannot change a protected metatable");
  }
  if (type == LUA_TTABLE) {
    for (const char* name : {"__gc", "__mode"}) {
      lua_pushstring(state, name);
      if (lua_rawget(state, 2) != LUA_TNIL) return luaL_error(state, kOutside, name);
      lua_pop(state, 1);
    }
  }
  lua_settop(state, 2);
  lua_setmetatable(state, 1);
  return 1;
}

// ---- pairs, in an order that does not depend on where the keys lie in memory. ----

struct Key {
  int rank;  // Numbers, strings, others.
  lua_Number number;
  const char* text;
  size_t bytes;
  int index;  // Where it was found.
};

bool Before(const Key& a, const Key& b) {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.rank == 0 && a.number != b.number) return a.number < b.number;
  if (a.rank == 1) {
    const int order = std::memcmp(a.text, b.text, std::min(a.bytes, b.bytes));
    return order != 0 ? order < 0 : a.bytes < b.bytes;
  }
  return a.index < b.index;
}

// Upvalues: the sorted list of keys, and how many have been given out.
int NextPair(lua_State* state) {
  lua_settop(state, 1);
  lua_Integer at = lua_tointeger(state, lua_upvalueindex(2));
  while (true) {
    lua_pushinteger(state, ++at);
    lua_replace(state, lua_upvalueindex(2));
    if (lua_rawgeti(state, lua_upvalueindex(1), at) == LUA_TNIL) return 1;
    lua_pushvalue(state, -1);
    if (lua_rawget(state, 1) != LUA_TNIL) return 2;  // Else it was removed meanwhile.
    lua_settop(state, 1);
  }
}

int Pairs(lua_State* state) {
  luaL_checktype(state, 1, LUA_TTABLE);
  lua_settop(state, 1);
  int count = 0;
  for (lua_pushnil(state); lua_next(state, 1) != 0; lua_pop(state, 1)) ++count;
  SpendSteps(state, 2 * count);
  lua_createtable(state, count, 0);  // 2: as found.
  auto* keys = static_cast<Key*>(
      lua_newuserdatauv(state, sizeof(Key) * static_cast<size_t>(std::max(count, 1)), 0));
  int at = 0;
  for (lua_pushnil(state); lua_next(state, 1) != 0; lua_pop(state, 1)) {
    Key& key = keys[at++];
    key = {.rank = 2, .number = 0, .text = nullptr, .bytes = 0, .index = at};
    if (lua_type(state, -2) == LUA_TNUMBER) {
      key.rank = 0;
      key.number = lua_tonumber(state, -2);
    } else if (lua_type(state, -2) == LUA_TSTRING) {
      key.rank = 1;
      key.text = lua_tolstring(state, -2, &key.bytes);
    }
    lua_pushvalue(state, -2);
    lua_rawseti(state, 2, at);
  }
  std::sort(keys, keys + count, Before);
  lua_createtable(state, count, 0);  // 4: in order.
  for (int i = 0; i < count; ++i) {
    lua_rawgeti(state, 2, keys[i].index);
    lua_rawseti(state, 4, i + 1);
  }
  lua_pushinteger(state, 0);
  lua_pushcclosure(state, NextPair, 2);
  lua_pushvalue(state, 1);
  lua_pushnil(state);
  return 3;
}

// ---- The tables. ----

// Copies functions by name from the table at `from` into the one on top; `wrap`, if any, is called
// in their place, with them as upvalue.
void Copy(lua_State* state, int from, std::initializer_list<const char*> names,
          lua_CFunction wrap = nullptr) {
  for (const char* name : names) {
    lua_getfield(state, from, name);
    if (wrap != nullptr) lua_pushcclosure(state, wrap, 1);
    lua_setfield(state, -2, name);
  }
}

void Set(lua_State* state, const char* name, lua_CFunction function) {
  lua_pushcfunction(state, function);
  lua_setfield(state, -2, name);
}

// Each Push… leaves one table, made from the library that `open` pushes.
int Open(lua_State* state, lua_CFunction open) {
  lua_pushcfunction(state, open);
  lua_call(state, 0, 1);
  return lua_gettop(state);
}

void SetString(lua_State* state, int environment) {
  const int library = Open(state, luaopen_string);  // Gives strings their metatable, too.
  lua_createtable(state, 0, 16);
  Copy(state, library, {"char", "len"});
  Copy(state, library, {"format", "lower", "reverse", "sub", "upper"}, CallPaid);
  Set(state, "byte", Bytes);
  Set(state, "rep", Repeat);
  AddPatternFunctions(state);
  RefuseOtherFields(state, "string");
  lua_pushliteral(state, "");
  lua_getmetatable(state, -1);
  lua_pushvalue(state, -3);
  lua_setfield(state, -2, "__index");
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_pop(state, 2);
  lua_setfield(state, environment, "string");
  lua_pop(state, 1);
}

void SetTable(lua_State* state, int environment) {
  const int library = Open(state, luaopen_table);
  lua_createtable(state, 0, 8);
  Copy(state, library, {"concat", "insert", "remove"}, CallOnPlainTable);
  Copy(state, library, {"sort"}, Sort);
  Copy(state, library, {"pack"}, CallPaid);
  Set(state, "unpack", Unpack);
  Set(state, "getn", CountItems);  // Of Lua 5.1; rules of Argo CD use it.
  RefuseOtherFields(state, "table");
  lua_setfield(state, environment, "table");
  lua_pop(state, 1);
}

void SetMath(lua_State* state, int environment) {
  const int library = Open(state, luaopen_math);
  lua_createtable(state, 0, 16);
  Copy(state, library,
       {"abs", "ceil", "exp", "floor", "fmod", "huge", "log", "max", "maxinteger", "min",
        "mininteger", "modf", "pi", "sqrt", "tointeger", "type"});
  RefuseOtherFields(state, "math");
  lua_setfield(state, environment, "math");
  lua_pop(state, 1);
}

}  // namespace

void PushSandbox(lua_State* state) {
  lua_createtable(state, 0, 32);
  const int environment = lua_gettop(state);
  const int base = Open(state, luaopen_base);
  lua_pushvalue(state, environment);
  Copy(state, base,
       {"assert", "error", "getmetatable", "ipairs", "next", "pcall", "rawequal", "rawget",
        "rawlen", "rawset", "select", "tostring", "type", "_VERSION"});
  Copy(state, base, {"tonumber"}, CallPaid);
  Set(state, "pairs", Pairs);
  Set(state, "setmetatable", SetMetatable);
  Set(state, "unpack", Unpack);  // Of Lua 5.1.
  lua_pushvalue(state, environment);
  lua_setfield(state, -2, "_G");
  lua_settop(state, environment);
  SetString(state, environment);
  SetTable(state, environment);
  SetMath(state, environment);
  lua_createtable(state, 0, 2);
  AddTimeFunctions(state);
  RefuseOtherFields(state, "os");
  lua_setfield(state, environment, "os");
  lua_createtable(state, 0, 2);
  Set(state, "__index", FindGlobal);
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "__metatable");
  lua_setmetatable(state, environment);
}

}  // namespace lockstep
