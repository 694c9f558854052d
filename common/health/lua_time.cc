// os.time and os.date, as Argo CD's sandbox has them, on the time that the caller gives and in UTC.

#include <cstdio>
#include <cstring>
#include <string>

#include <absl/strings/string_view.h>
#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include "common/health/lua_run.h"

namespace lockstep {
namespace {

constexpr size_t kFormatBytesMax = 100;
constexpr size_t kDateBytesMax = 2000;
constexpr absl::string_view kConversions = "aAbBcdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
constexpr lua_Integer kSecondsMax = 253'402'300'799;  // The end of the year 9999.

lua_Integer TimeField(lua_State* state, const char* name, lua_Integer otherwise) {
  lua_pushstring(state, name);
  const int type = lua_rawget(state, 1);
  int is_integer = 0;
  const lua_Integer value = lua_tointegerx(state, -1, &is_integer);
  lua_pop(state, 1);
  if (type == LUA_TNIL && otherwise >= 0) return otherwise;
  if (type == LUA_TNIL) luaL_error(state, "field '%s' missing in date table", name);
  if (is_integer == 0) luaL_error(state, "field '%s' is not an integer", name);
  if (value < -100'000'000 || value > 100'000'000) {
    luaL_error(state, "field '%s' is out-of-bound", name);
  }
  return value;
}

int Time(lua_State* state) {
  if (lua_isnoneornil(state, 1)) {
    lua_pushinteger(state, absl::ToUnixSeconds(RunOf(state)->now));
    return 1;
  }
  luaL_checktype(state, 1, LUA_TTABLE);
  const lua_Integer year = TimeField(state, "year", -1);
  const lua_Integer month = TimeField(state, "month", -1);
  const lua_Integer day = TimeField(state, "day", -1);
  const lua_Integer hour = TimeField(state, "hour", 12);
  const lua_Integer minute = TimeField(state, "min", 0);
  const lua_Integer second = TimeField(state, "sec", 0);
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  lua_pushinteger(state, absl::ToUnixSeconds(absl::FromCivil(civil, absl::UTCTimeZone())));
  return 1;
}

void SetNumber(lua_State* state, const char* name, lua_Integer value) {
  lua_pushinteger(state, value);
  lua_setfield(state, -2, name);
}

void PushFields(lua_State* state, absl::Time time) {
  const absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
  const absl::CivilDay day(civil);
  lua_createtable(state, 0, 9);
  SetNumber(state, "year", civil.year());
  SetNumber(state, "month", civil.month());
  SetNumber(state, "day", civil.day());
  SetNumber(state, "hour", civil.hour());
  SetNumber(state, "min", civil.minute());
  SetNumber(state, "sec", civil.second());
  // Lua counts from Sunday, which is 1; absl from Monday, which is 0.
  SetNumber(state, "wday", (static_cast<int>(absl::GetWeekday(day)) + 1) % 7 + 1);
  SetNumber(state, "yday", absl::GetYearDay(day));
  lua_pushboolean(state, 0);
  lua_setfield(state, -2, "isdst");
}

// Writes the date into `out`; the length, or -1 where it does not fit.
ptrdiff_t Format(const char* format, absl::Time time, char* out) {
  const std::string text = absl::FormatTime(format, time, absl::UTCTimeZone());
  if (text.size() > kDateBytesMax) return -1;
  std::memcpy(out, text.data(), text.size());
  return static_cast<ptrdiff_t>(text.size());
}

int Date(lua_State* state) {
  size_t bytes;
  const char* format = luaL_optlstring(state, 1, "%c", &bytes);
  const lua_Integer seconds = luaL_optinteger(state, 2, absl::ToUnixSeconds(RunOf(state)->now));
  luaL_argcheck(state, seconds >= -kSecondsMax && seconds <= kSecondsMax, 2, "time out-of-bounds");
  const absl::Time time = absl::FromUnixSeconds(seconds);
  if (*format == '!') {
    ++format;
    --bytes;
  }
  if (std::strncmp(format, "*t", 2) == 0) {
    PushFields(state, time);
    return 1;
  }
  luaL_argcheck(state, bytes <= kFormatBytesMax, 1, "the format is longer than 100 bytes");
  for (size_t i = 0; i < bytes; ++i) {
    if (format[i] != '%') continue;
    const char conversion = ++i < bytes ? format[i] : '\0';
    luaL_argcheck(state, conversion != '\0' && kConversions.find(conversion) != kConversions.npos,
                  1, "it has an unknown conversion");
  }
  char date[kDateBytesMax];
  const ptrdiff_t length = Format(format, time, date);
  luaL_argcheck(state, length >= 0, 1, "the date is too long");
  lua_pushlstring(state, date, static_cast<size_t>(length));
  return 1;
}

}  // namespace

void AddTimeFunctions(lua_State* state) {
  static constexpr luaL_Reg kFunctions[] = {{"time", Time}, {"date", Date}, {nullptr, nullptr}};
  luaL_setfuncs(state, kFunctions, 0);
}

}  // namespace lockstep
