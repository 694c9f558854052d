#include "common/health/lua_run.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace lockstep {
namespace {

constexpr size_t kAlign = alignof(std::max_align_t);

size_t RoundUp(size_t bytes) { return (bytes + kAlign - 1) & ~(kAlign - 1); }

void Hook(lua_State* state, lua_Debug*) {
  LuaRun* run = RunOf(state);
  if (run->stop != LuaRun::Stop::kNone) StopRun(state, run->stop);
  SpendSteps(state, LuaRun::kHookSteps);
}

// From here on every instruction calls the hook, which refuses it.
void Note(lua_State* state, LuaRun* run, LuaRun::Stop stop) {
  if (run->stop != LuaRun::Stop::kNone) return;
  run->stop = stop;
  if (!run->running) return;
  NotePlace(state, run);
  lua_sethook(state, Hook, LUA_MASKCOUNT, 1);
}

// Which limit a request for `bytes` breaks. `tag`: what it is for, where it is a new block.
LuaRun::Stop Judge(const LuaRun& run, size_t tag, size_t bytes, size_t more) {
  const bool is_string = tag == LUA_TSTRING;
  if (is_string && bytes > static_cast<size_t>(run.limits.string_bytes) + 64) {
    return LuaRun::Stop::kString;
  }
  if (run.running && bytes > LuaRun::kBlockBytesMax) return LuaRun::Stop::kBlock;
  if (more > static_cast<size_t>(std::max<int64_t>(run.bytes_left, 0))) return LuaRun::Stop::kBytes;
  return LuaRun::Stop::kNone;
}

void* Allocate(void* data, void* block, size_t old_bytes, size_t bytes) {
  auto* run = static_cast<LuaRun*>(data);
  if (bytes == 0) return nullptr;  // Freed with the arena.
  const size_t had = block == nullptr ? 0 : old_bytes;
  if (bytes <= had) return block;
  const size_t more = bytes - had;
  const LuaRun::Stop stop = Judge(*run, block == nullptr ? old_bytes : 0, bytes, more);
  if (stop != LuaRun::Stop::kNone) {
    if (run->state != nullptr) Note(run->state, run, stop);
    return nullptr;
  }
  run->bytes_left -= static_cast<int64_t>(more);
  return run->arena.Resize(block, had, bytes);
}

}  // namespace

LuaArena::~LuaArena() {
  for (void* chunk : chunks_) std::free(chunk);
}

void* LuaArena::Take(size_t bytes) {
  if (static_cast<size_t>(end_ - at_) < bytes) {
    const size_t size = std::max(bytes, next_chunk_);
    void* chunk = std::malloc(size);
    if (chunk == nullptr) return nullptr;
    chunks_.push_back(chunk);
    at_ = static_cast<char*>(chunk);
    end_ = at_ + size;
    next_chunk_ = std::min<size_t>(next_chunk_ * 2, 4 << 20);
  }
  void* taken = at_;
  at_ += bytes;
  return taken;
}

void* LuaArena::Resize(void* block, size_t old_bytes, size_t new_bytes) {
  const size_t had = RoundUp(old_bytes);
  const size_t wanted = RoundUp(new_bytes);
  if (block != nullptr && static_cast<char*>(block) + had == at_ &&
      wanted - had <= static_cast<size_t>(end_ - at_)) {
    at_ += wanted - had;
    return block;
  }
  void* taken = Take(wanted);
  if (taken != nullptr && old_bytes > 0) std::memcpy(taken, block, old_bytes);
  return taken;
}

LuaRun* RunOf(lua_State* state) { return *static_cast<LuaRun**>(lua_getextraspace(state)); }

lua_State* NewLuaState(LuaRun* run) {
  run->steps_left = run->limits.steps;
  run->bytes_left = run->limits.bytes;
  lua_State* state = lua_newstate(Allocate, run);
  if (state == nullptr) return nullptr;
  run->state = state;
  *static_cast<LuaRun**>(lua_getextraspace(state)) = run;
  lua_gc(state, LUA_GCSTOP);
  lua_sethook(state, Hook, LUA_MASKCOUNT, LuaRun::kHookSteps);
  return state;
}

void NotePlace(lua_State* state, LuaRun* run) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(state, level, &frame) != 0; ++level) {
    lua_getinfo(state, "nl", &frame);
    if (frame.currentline <= 0) continue;
    run->line = frame.currentline;
    std::snprintf(run->function, sizeof(run->function), "%s",
                  frame.name == nullptr ? "" : frame.name);
    return;
  }
}

void StopRun(lua_State* state, LuaRun::Stop stop) {
  LuaRun* run = RunOf(state);
  Note(state, run, stop);
  lua_pushlightuserdata(state, run);  // Needs no memory.
  lua_error(state);
  std::abort();  // lua_error does not return.
}

void SpendSteps(lua_State* state, int64_t steps) {
  LuaRun* run = RunOf(state);
  run->steps_left -= steps;
  if (run->steps_left < 0) StopRun(state, LuaRun::Stop::kSteps);
}

}  // namespace lockstep
