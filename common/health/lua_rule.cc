#include "common/health/lua_rule.h"

#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include "common/health/lua_run.h"

namespace lockstep {
namespace {

constexpr size_t kScriptBytesMax = 256 << 10;
constexpr int kObjectDepthMax = 100;
// Stands for the origin in the messages of Lua, which would cut a long one.
constexpr char kChunkName[] = "=\x01";
constexpr absl::string_view kChunkPrefix = "\x01:";

std::string WithOrigin(absl::string_view message, absl::string_view origin) {
  return absl::StrReplaceAll(message, {{kChunkPrefix, absl::StrCat(origin, ":")}});
}

// ---- Compiling. ----

struct Source {
  absl::string_view script;
  std::string* bytecode;
};

int AppendChunk(lua_State*, const void* bytes, size_t size, void* to) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), size);
  return 0;
}

int CompileProtected(lua_State* state) {
  const auto* source = static_cast<const Source*>(lua_touserdata(state, 1));
  if (luaL_loadbufferx(state, source->script.data(), source->script.size(), kChunkName, "t") !=
      LUA_OK) {
    return lua_error(state);
  }
  lua_dump(state, AppendChunk, source->bytecode, /*strip=*/0);
  return 0;
}

// ---- Running. ----

struct Task {
  const Value* object;
  const std::string* bytecode;
  // What came of it.
  int status = LUA_OK;
  bool says_nothing = false;
};

void PushValue(lua_State* state, const Value& value, int depth);

void PushArray(lua_State* state, const Value::Array& items, int depth) {
  lua_createtable(state, static_cast<int>(items.size()), 0);
  lua_Integer at = 0;
  for (const Value& item : items) {
    if (item.IsNull()) continue;  // As Argo CD: a null is not there, and leaves no hole.
    PushValue(state, item, depth);
    lua_rawseti(state, -2, ++at);
  }
}

void PushText(lua_State* state, absl::string_view text) {
  const auto most = static_cast<size_t>(RunOf(state)->limits.string_bytes);
  lua_pushlstring(state, text.data(), std::min(text.size(), most));
}

void PushObject(lua_State* state, const Object& object, int depth) {
  lua_createtable(state, 0, static_cast<int>(object.size()));
  for (const auto& [key, value] : object) {
    if (value.IsNull()) continue;
    PushText(state, key);
    PushValue(state, value, depth);
    lua_rawset(state, -3);
  }
}

void PushValue(lua_State* state, const Value& value, int depth) {
  if (depth > kObjectDepthMax) luaL_error(state, "the object is nested too deeply");
  luaL_checkstack(state, 4, "the object is nested too deeply");
  switch (value.type()) {
    case Value::Type::kNull:
      return lua_pushnil(state);
    case Value::Type::kBool:
      return lua_pushboolean(state, value.AsBool() ? 1 : 0);
    case Value::Type::kInt:
      return lua_pushinteger(state, value.AsInt());
    case Value::Type::kUint:
    case Value::Type::kDouble:
      return lua_pushnumber(state, value.AsNumber());
    case Value::Type::kString:
      return PushText(state, value.AsString());
    case Value::Type::kArray:
      return PushArray(state, value.AsArray(), depth + 1);
    case Value::Type::kObject:
      return PushObject(state, value.AsObject(), depth + 1);
  }
}

// Where the script broke; the message stays as it is.
int NoteError(lua_State* state) {
  LuaRun* run = RunOf(state);
  if (run->stop == LuaRun::Stop::kNone) NotePlace(state, run);
  return 1;
}

// Leaves status and message of the answer on the stack, or the error.
int RunProtected(lua_State* state) {
  auto* task = static_cast<Task*>(lua_touserdata(state, 1));
  LuaRun* run = RunOf(state);
  lua_settop(state, 0);
  PushSandbox(state);
  PushValue(state, *task->object, 0);
  lua_setfield(state, 1, "obj");
  lua_pushcfunction(state, NoteError);
  if (luaL_loadbufferx(state, task->bytecode->data(), task->bytecode->size(), kChunkName, "b") !=
      LUA_OK) {
    return lua_error(state);
  }
  lua_pushvalue(state, 1);
  lua_setupvalue(state, 3, 1);  // The only upvalue of a chunk: its globals.
  run->running = true;
  task->status = lua_pcall(state, 0, 1, 2);
  run->running = false;
  if (task->status != LUA_OK) return 1;
  task->says_nothing = lua_isnil(state, -1);
  if (!lua_istable(state, -1)) return 1;
  lua_pushliteral(state, "status");
  lua_rawget(state, 3);
  lua_pushliteral(state, "message");
  lua_rawget(state, 3);
  task->says_nothing = lua_isnil(state, 4);
  return 2;
}

absl::string_view TextOf(lua_State* state, int index) {
  if (lua_type(state, index) != LUA_TSTRING) return "";
  size_t bytes;
  const char* text = lua_tolstring(state, index, &bytes);
  return {text, bytes};
}

absl::Status StopError(const LuaRun& run, absl::string_view origin) {
  std::string what;
  switch (run.stop) {
    case LuaRun::Stop::kSteps:
      what = absl::StrCat("it takes more than ", run.limits.steps, " steps");
      break;
    case LuaRun::Stop::kString:
      what = absl::StrCat("it makes a text of more than ", run.limits.string_bytes, " bytes");
      break;
    case LuaRun::Stop::kBlock:
      what = "it makes a table, or calls itself, beyond all need";
      break;
    case LuaRun::Stop::kBytes:
    case LuaRun::Stop::kNone:
      what = absl::StrCat("it needs more than ", run.limits.bytes, " bytes of memory");
      break;
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(origin, ":", run.line > 0 ? absl::StrCat(run.line, ": ") : " ", what));
}

// The script's error, with the place where there is none in the message already.
absl::Status ScriptError(lua_State* state, const LuaRun& run, const std::string& origin) {
  absl::string_view message = TextOf(state, -1);
  std::string text = message.empty()
                         ? absl::StrCat("it raised a ", luaL_typename(state, -1), " as its error")
                         : WithOrigin(message, origin);
  if (!absl::StrContains(message, kChunkPrefix)) {
    text = absl::StrCat(origin, ":", run.line > 0 ? absl::StrCat(run.line, ": ") : " ", text);
  }
  if (run.function[0] != '\0') absl::StrAppend(&text, " (in function '", run.function, "')");
  return absl::FailedPreconditionError(text);
}

absl::StatusOr<std::optional<Judgement>> ReadAnswer(lua_State* state, const Task& task,
                                                    const std::string& origin) {
  const auto wrong = [&](const auto&... parts) {
    return absl::FailedPreconditionError(absl::StrCat(origin, ": it returned ", parts...));
  };
  if (task.says_nothing) return std::optional<Judgement>();
  if (lua_gettop(state) < 2) {
    return wrong("a ", luaL_typename(state, -1), "; it must be a table with status and message");
  }
  const absl::string_view word = TextOf(state, -2);
  const std::optional<Health> health = ParseHealth(word);
  if (!health.has_value()) {
    return wrong(lua_type(state, -2) == LUA_TSTRING
                     ? absl::StrCat("the status \"", word.substr(0, 64), "\"")
                     : absl::StrCat("a ", luaL_typename(state, -2), " as status"),
                 "; it must be Healthy, Progressing, Degraded, Suspended, Missing or Unknown");
  }
  const int type = lua_type(state, -1);
  if (type == LUA_TNIL) return std::optional<Judgement>({*health, ""});
  if (type == LUA_TNUMBER) {
    return std::optional<Judgement>({*health, lua_isinteger(state, -1) != 0
                                                  ? absl::StrCat(lua_tointeger(state, -1))
                                                  : absl::StrCat(lua_tonumber(state, -1))});
  }
  if (type != LUA_TSTRING) return wrong("a ", luaL_typename(state, -1), " as message");
  return std::optional<Judgement>({*health, std::string(TextOf(state, -1))});
}

}  // namespace

absl::StatusOr<LuaRule> LuaRule::Compile(absl::string_view script, absl::string_view origin) {
  if (script.size() > kScriptBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(origin, ": the script has ", script.size(),
                                                   " bytes; at most ", kScriptBytesMax,
                                                   " are taken"));
  }
  LuaRun run;
  lua_State* state = NewLuaState(&run);
  if (state == nullptr) return absl::ResourceExhaustedError("there is no memory to run Lua");
  std::string bytecode;
  Source source{script, &bytecode};
  lua_pushcfunction(state, CompileProtected);
  lua_pushlightuserdata(state, &source);
  if (lua_pcall(state, 1, 0, 0) != LUA_OK) {
    return absl::InvalidArgumentError(WithOrigin(TextOf(state, -1), origin));
  }
  return LuaRule(std::move(bytecode), std::string(origin));
}

absl::StatusOr<std::optional<Judgement>> LuaRule::Run(const Value& object, absl::Time now,
                                                      const LuaLimits& limits) const {
  LuaRun run;
  run.limits = limits;
  run.now = now;
  lua_State* state = NewLuaState(&run);
  if (state == nullptr) return absl::ResourceExhaustedError("there is no memory to run Lua");
  Task task{.object = &object, .bytecode = &bytecode_};
  lua_pushcfunction(state, RunProtected);
  lua_pushlightuserdata(state, &task);
  const int status = lua_pcall(state, 1, LUA_MULTRET, 0);
  if (run.stop != LuaRun::Stop::kNone || status == LUA_ERRMEM) return StopError(run, origin_);
  if (status != LUA_OK || task.status != LUA_OK) return ScriptError(state, run, origin_);
  return ReadAnswer(state, task, origin_);
}

}  // namespace lockstep
