#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <absl/time/time.h>
#include <lua.hpp>

#include "common/health/lua_rule.h"

namespace lockstep {

// Lua is C: its errors jump over frames. So nothing with a destructor lives in a frame that a
// Lua function may leave, and nothing is called on a state outside a protected call.

/// Memory of one run: handed out in order, never taken back before the end. So a run needs no
/// garbage collection and no lua_close, and there are no finalizers to fear.
class LuaArena {
 public:
  LuaArena() = default;
  LuaArena(const LuaArena&) = delete;
  LuaArena& operator=(const LuaArena&) = delete;
  ~LuaArena();

  /// As realloc; null where there is no memory.
  void* Resize(void* block, size_t old_bytes, size_t new_bytes);

 private:
  void* Take(size_t bytes);

  std::vector<void*> chunks_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  size_t next_chunk_ = 48 << 10;
};

/// What one run has left, and where it stopped. Reachable from its lua_State.
struct LuaRun {
  enum class Stop : uint8_t { kNone, kSteps, kBytes, kString, kBlock };

  /// A block of a script's own: 16,384 items of a list or of the stack, 4,096 keys of a mapping.
  static constexpr size_t kBlockBytesMax = 256 << 10;
  /// The hook counts by so many steps.
  static constexpr int kHookSteps = 100;

  LuaLimits limits;
  absl::Time now;
  lua_State* state = nullptr;
  LuaArena arena;
  int64_t steps_left = 0;
  int64_t bytes_left = 0;
  bool running = false;  // The script, and no longer what prepares it.
  Stop stop = Stop::kNone;
  int line = 0;            // Of the stop, or of the first error; 0 where unknown.
  char function[64] = "";  // The one around that line, where it has a name.
};

/// A state with an empty sandbox: its memory is the run's and goes with it. Null without memory.
lua_State* NewLuaState(LuaRun* run);

LuaRun* RunOf(lua_State* state);

/// Notes the line and the function of the script that runs now.
void NotePlace(lua_State* state, LuaRun* run);

/// Takes `steps` off; jumps out where none are left.
void SpendSteps(lua_State* state, int64_t steps);

/// Ends the run: no instruction of the script is carried out any more, also where it catches
/// errors.
[[noreturn]] void StopRun(lua_State* state, LuaRun::Stop stop);

/// Pushes the table of everything that a script sees, without `obj`.
void PushSandbox(lua_State* state);

/// string.find, match, gmatch and gsub, whose steps are counted, into the table on top.
void AddPatternFunctions(lua_State* state);
/// os.time and os.date, in UTC and by the run's `now`, into the table on top.
void AddTimeFunctions(lua_State* state);

}  // namespace lockstep
