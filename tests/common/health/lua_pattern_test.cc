// Our matcher against Lua's own, on random texts and patterns.

#include <random>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <lua.hpp>

#include "common/health/lua_rule.h"
#include "tests/common/health/case_file.h"

namespace lockstep {
namespace {

// A quoted Lua string of any bytes.
std::string Quote(const std::string& text) {
  std::string quoted = "'";
  for (const unsigned char c : text) absl::StrAppend(&quoted, "\\x", absl::Hex(c, absl::kZeroPad2));
  return quoted + "'";
}

constexpr char kShow[] = R"(
local function show(ok, ...)
  if not ok then return 'error' end
  local s = ''
  for i = 1, select('#', ...) do s = s .. '<' .. tostring((select(i, ...))) .. '>' end
  return s
end
)";

// What Lua's own library says.
std::string Theirs(const std::string& expression) {
  lua_State* state = luaL_newstate();
  luaL_openlibs(state);
  const std::string script = absl::StrCat(kShow, "return ", expression);
  std::string found = "broken";
  if (luaL_dostring(state, script.c_str()) == LUA_OK) {
    size_t bytes;
    const char* text = lua_tolstring(state, -1, &bytes);
    found.assign(text, bytes);
  }
  lua_close(state);
  return found;
}

std::string Ours(const std::string& expression) {
  const absl::StatusOr<LuaRule> rule = LuaRule::Compile(
      absl::StrCat(kShow, "return {status='Healthy', message=", expression, "}"), "x");
  if (!rule.ok()) return std::string(rule.status().message());
  const auto found = rule->Run(Value::MakeObject(), kCaseTime);
  if (!found.ok()) return std::string(found.status().message());
  return (*found)->message;
}

void ExpectSame(const std::string& call) {
  const std::string expression = absl::StrCat("show(pcall(", call, "))");
  EXPECT_EQ(Ours(expression), Theirs(expression)) << call;
}

TEST(LuaPattern, AgreesWithLuaOnChosenCases) {
  for (const char* call :
       {"string.find, 'hello world', 'o w'",
        "string.find, 'hello', 'l', -2",
        "string.find, 'hello', '', 9",
        "string.find, 'hello', '', 6",
        "string.find, 'a.b', '.', 1, true",
        "string.match, '  trim  ', '^%s*(.-)%s*$'",
        "string.match, 'k=v', '(%w+)=(%w+)'",
        "string.match, '2024-01-31T10:11:12Z', '(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)Z'",
        "string.match, 'f(a(b)c)d', '%b()'",
        "string.match, 'THE (quick) fox', '%f[%a]%a+'",
        "string.match, 'aXbXa', '(.)X.X%1'",
        "string.match, 'abc', '()b()'",
        "string.gsub, 'hello', '', '-'",
        "string.gsub, 'abc', '%w', '%0%0'",
        "string.gsub, 'abc', '(a)(b)', '%2%1'",
        "string.gsub, 'abc', 'b', {b = 1}",
        "string.gsub, 'abc', 'b', {b = false}",
        "string.gsub, 'abc', '()', '%1'",
        "string.gsub, 'aaa', 'a', 'b', 2",
        "string.gsub, 'aaa', '^a', 'b'",
        "string.gsub, 'a', 'a', '%'",
        "string.gsub, 'a', 'a', '%9'",
        "string.gsub, 12, 1, 3",
        "string.find, 'a]b', '[]]'",
        "string.find, 'a-b', '[a-]+'",
        "string.find, 'a^b', '[%^]'",
        "string.find, 'x', '[^'",
        "string.find, 'x', '[%'",
        "string.find, 'x', '%'",
        "string.find, 'x', '('",
        "string.find, 'x', ')'",
        "string.find, 'x', '%f'",
        "string.find, 'x', '%b'",
        "string.find, 'x', '%1'",
        "string.find, 'xx', '(x)%1'",
        "string.find, 'x', '(%1)'",
        "string.gsub, 'x y', '%w', function(c) return c .. c end",
        "string.find, 'a\\0b', '%z'",
        "string.find, 'a$', 'a$'",
        "string.find, 'a$b', '$b'"}) {
    ExpectSame(call);
  }
}

TEST(LuaPattern, AgreesWithLuaOnRandomCases) {
  const unsigned seed = 20240611;
  std::mt19937 random(seed);
  const auto pick = [&](const auto& list) { return list[random() % std::size(list)]; };
  const char* const pieces[] = {"a",  "b",  ".",     "%a",    "%d", "[ab]", "[^a]", "%s",
                                "*",  "+",  "-",     "?",     "(",  ")",    "()",   "%1",
                                "^",  "$",  "%b()",  "%f[a]", "[",  "]",    "%",    "[a-c]",
                                "%w", "%.", "[%d-]", "%W",    "%2", "%f"};
  const char letters[] = {'a', 'b', 'c', '1', ' ', '(', ')', '.', '-', '\0', '%', ']'};
  const char* const replacements[] = {
      "'%0'", "'<%1>'",           "'%%'",
      "'x'",  "{a='A', b=false}", "function(...) return select('#', ...) end"};
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (size_t n = random() % 12; n > 0; --n) text += pick(letters);
    std::string pattern;
    for (size_t n = random() % 7; n > 0; --n) pattern += pick(pieces);
    const std::string both = absl::StrCat(Quote(text), ", ", Quote(pattern));
    SCOPED_TRACE(
        absl::StrCat("seed ", seed, ", round ", i, ": ", absl::CEscape(text), " ", pattern));
    ExpectSame("string.find, " + both);
    ExpectSame(absl::StrCat("string.match, ", both, ", ", static_cast<int>(random() % 9) - 4));
    ExpectSame(absl::StrCat("string.gsub, ", both, ", ", pick(replacements)));
    ExpectSame(
        absl::StrCat("function() local s = '' for a, b in string.gmatch(", both,
                     ") do s = s .. tostring(a) .. '|' .. tostring(b) .. ';' end return s end"));
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace lockstep
