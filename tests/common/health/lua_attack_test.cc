// Scripts that mean harm: each ends, soon, with an answer or an error, and nothing else comes of
// it.

#include <absl/strings/str_replace.h>

#include "common/health/lua_rule.h"
#include "common/object/json.h"
#include "tests/common/health/case_file.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

absl::StatusOr<std::optional<Judgement>> RunScript(const std::string& script, const Value& object,
                                                   const LuaLimits& limits = {}) {
  absl::StatusOr<LuaRule> rule = LuaRule::Compile(script, "x.lua");
  if (!rule.ok()) return rule.status();
  return rule->Run(object, kCaseTime, limits);
}

void ExpectExhausted(const std::string& script, const std::string& why) {
  EXPECT_THAT(RunScript(script, Value::MakeObject()),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(why)))
      << script;
}

constexpr char kSteps[] = "it takes more than 300000 steps";
constexpr char kText[] = "it makes a text of more than 65536 bytes";
constexpr char kBlock[] = "it makes a table, or calls itself, beyond all need";
constexpr char kMemory[] = "it needs more than 33554432 bytes of memory";

TEST(LuaAttack, EndlessLoopsEnd) {
  ExpectExhausted("while true do end", kSteps);
  ExpectExhausted("\n\nrepeat until false", "x.lua:3: it takes");
  ExpectExhausted("::again:: goto again", kSteps);
  ExpectExhausted("for i = 1, math.huge do end", kSteps);
  ExpectExhausted("for i = math.maxinteger - 1, math.maxinteger, 0.0000001 do end", kSteps);
  ExpectExhausted("local function f() return f() end f()", kSteps);
  ExpectExhausted("for _ in function() return 1 end do end", kSteps);
  ExpectExhausted("local function f()\n while true do end\nend f()", "x.lua:2: ");
}

TEST(LuaAttack, CaughtErrorsDoNotProlongIt) {
  ExpectExhausted("while true do pcall(function() while true do end end) end", kSteps);
  ExpectExhausted("local function f() pcall(f) pcall(f) return f() end f()", "more than");
  ExpectExhausted("pcall(function() while true do end end) return {status='Healthy'}", kSteps);
  ExpectExhausted("while true do pcall(string.rep, 'x', 1e9) end", kText);
  ExpectExhausted("local ok, e = pcall(string.rep, 'x', 1e9) return {status='Healthy'}", kText);
  ExpectExhausted("while true do pcall(error) end", kSteps);
}

TEST(LuaAttack, ClosingVariablesRunNoLonger) {
  ExpectExhausted(R"(
local function nest(n)
  local x <close> = setmetatable({}, {__close = function() while true do end end})
  if n > 0 then nest(n - 1) end
  while true do end
end
nest(50))",
                  kSteps);
}

TEST(LuaAttack, MemoryIsBounded) {
  ExpectExhausted("local t = {} while true do t[#t + 1] = {} end", kBlock);
  ExpectExhausted("local t for i = 1, 1e9 do t = {t, {}, {}, {}, {}, {}, {}, {}} end", "more than");
  ExpectExhausted("local t = {} for i = 1, 1e9 do t[i * 1.5] = i end", kBlock);
  ExpectExhausted("local s = ('x'):rep(60000) local t = {} for i = 1, 1e9 do t[i % 9] = s .. i end",
                  kMemory);
  ExpectExhausted("local s = 'x' while true do s = s .. s end", kText);
  ExpectExhausted("local s = ('x'):rep(1e10)", kText);
  ExpectExhausted("return ('x'):rep(math.maxinteger, 'y')", kText);
  ExpectExhausted("local t = {} for i = 1, 200 do t[i] = ('x'):rep(1000) end table.concat(t)",
                  kText);
  ExpectExhausted("string.format(('%s'):rep(100, ' '), unpack({" +
                      absl::StrReplaceAll(std::string(100, 'a'), {{"a", "('x'):rep(1000),"}}) +
                      "}))",
                  kText);
}

TEST(LuaAttack, EmptyTextsRepeatedForEverCostNothing) {
  ASSERT_OK_AND_ASSIGN(const auto verdict,
                       RunScript("return {status='Healthy', message=(''):rep(math.maxinteger)}",
                                 Value::MakeObject()));
  EXPECT_EQ(verdict->message, "");
}

TEST(LuaAttack, DeepRecursionIsAnError) {
  ExpectExhausted("local function f(n) return 1 + f(n + 1) end f(1)", kBlock);
  const auto fails = [](const std::string& script) {
    EXPECT_FALSE(RunScript(script, Value::MakeObject()).ok()) << script;
  };
  fails("local t = {} setmetatable(t, {__index = function(t, k) return t[k + 1] end}) return t[1]");
  fails("local s = 'x' string.gsub(s, '.', function f() end)");
  fails("local function f(s) return (s:gsub('.', f)) end f('x')");
  fails(
      "local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) tostring(t)");
  fails("local t = {} t.__index = t setmetatable(t, t) return t.x.y");
  fails("return " + std::string(190, '{') + std::string(190, '}') + "1");
  fails(
      "local f = function(...) return select('#', ...) end local function g(n, ...) if n > 0 then "
      "return g(n - 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...) end return f(...) "
      "end "
      "g(100000)");
}

TEST(LuaAttack, PatternsAreCounted) {
  const std::string text = "('a'):rep(20000)";
  ExpectExhausted(text + ":find('.-.-.-.-.-.-b')", kSteps);
  ExpectExhausted(text + ":match('a*a*a*a*a*a*a*b')", kSteps);
  ExpectExhausted(
      text + ":gsub('a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaaaaab', '')", kSteps);
  ExpectExhausted("for _ in " + text + ":gmatch('.-%f[b]') do end", kSteps);
  ExpectExhausted("(('('):rep(20000)):find('%b()')", kSteps);
  ExpectExhausted("local s = " + text + " while true do s:find('b', 1, true) end", kSteps);
  EXPECT_THAT(RunScript("return ('a'):rep(40):find(('(a)'):rep(40))", Value::MakeObject()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("x.lua:1: ")));
  EXPECT_THAT(RunScript("return ('a'):rep(300):find(('a?'):rep(250))", Value::MakeObject()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("pattern too complex")));
}

TEST(LuaAttack, FunctionsOverWholeTablesPayForThem) {
  const std::string table = "local t = {} for i = 1, 15000 do t[i] = '' end ";
  for (const char* use : {"table.concat(t)", "table.insert(t, 1, '') table.remove(t, 1)",
                          "table.sort(t)", "for _ in pairs(t) do break end", "unpack(t, 1, 250)"}) {
    ExpectExhausted(table + "while true do " + use + " end", "x.lua:1: it ");
  }
  const std::string text = "local s = ('x'):rep(60000) ";
  for (const char* use : {"s:upper()", "s:reverse()", "s:byte(1, 250)", "string.format('%s', s)",
                          "tonumber(s)", "s:rep(1)", "s:sub(2)"}) {
    ExpectExhausted(text + "while true do local x = " + use + " end", "more than");
  }
}

TEST(LuaAttack, TablesThatLieAboutTheirLengthAreRefused) {
  const std::string liar = "local t = setmetatable({}, {__len = function() return 1 << 62 end}) ";
  for (const char* use :
       {"table.insert(t, 1, nil)", "table.remove(t, 1)", "table.concat(t)", "table.sort(t)"}) {
    EXPECT_THAT(RunScript(liar + use, Value::MakeObject()),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("metatable")))
        << use;
  }
  EXPECT_FALSE(RunScript("return select('#', unpack({}, 1, 1e8))", Value::MakeObject()).ok());
  EXPECT_FALSE(
      RunScript("return unpack({}, math.mininteger, math.maxinteger)", Value::MakeObject()).ok());
  EXPECT_FALSE(RunScript("return unpack({}, 1, math.maxinteger)", Value::MakeObject()).ok());
  EXPECT_FALSE(RunScript("return ('x'):rep(1000):byte(1, -1)", Value::MakeObject()).ok());
}

TEST(LuaAttack, LongChainsOfMetatablesCost) {
  ExpectExhausted(
      "local t = {} for i = 1, 1900 do t = setmetatable({}, {__index = t}) end while true do local "
      "x = "
      "t.x end",
      kSteps);
}

TEST(LuaAttack, SharedTablesCannotBeReached) {
  const auto fails = [](const std::string& script) {
    EXPECT_FALSE(RunScript(script, Value::MakeObject()).ok()) << script;
  };
  fails("getmetatable('').__index = nil");
  fails("setmetatable(_G, {})");
  fails("setmetatable(os, {})");
  fails("setmetatable('', {})");
  fails("getmetatable(io).__index = 1");
  fails("return _G._G.os.execute");
  fails("return _ENV.load");
  fails("local _ENV = {} return load('x')");
  fails("return rawget(_G, 'load')('x')");
  fails(
      "for k, v in next, _G do if k == 'load' then return {status='Healthy'} end end error('no')");
}

TEST(LuaAttack, ErrorsOfAnyKindBecomeStatuses) {
  for (const char* what : {"nil", "true", "{}", "function() end", "1.5",
                           "setmetatable({}, {__tostring = "
                           "function() while true do end end})"}) {
    const auto found = RunScript(absl::StrCat("error(", what, ")"), Value::MakeObject());
    EXPECT_THAT(found, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("x.lua:1: ")));
  }
  EXPECT_THAT(RunScript("error('\\xff\\0z', 0)", Value::MakeObject()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("x.lua:1: ")));
}

TEST(LuaAttack, AnObjectMayBeHuge) {
  Value object = Value::MakeObject();
  Value::Array items;
  for (int i = 0; i < 300'000; ++i) items.push_back(Value::MakeObject());
  object.AsObject().Set("items", Value::MakeArray(items));
  EXPECT_THAT(RunScript("return {status='Healthy'}", object, {.bytes = 4 << 20}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "x.lua: it needs more than 4194304 "
                       "bytes of memory"));
  EXPECT_OK(RunScript("return {status='Healthy', message=#obj.items}", object));
  // Texts are cut.
  object.AsObject().Set("items", Value::String(std::string(200'000, 'x')));
  ASSERT_OK_AND_ASSIGN(const auto verdict,
                       RunScript("return {status='Healthy', message=#obj.items}", object));
  EXPECT_EQ(verdict->message, "65536");
  Value deep;
  for (int i = 0; i < 1000; ++i) {
    Value outer = Value::MakeArray();
    outer.AsArray().push_back(std::move(deep));
    deep = std::move(outer);
  }
  EXPECT_THAT(RunScript("return {status='Healthy'}", deep),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nested too deeply")));
}

// Fewer and fewer bytes: wherever memory ends, in preparing too, the run ends and says so.
TEST(LuaAttack, AnyAmountOfMemoryMayBeTooLittle) {
  ASSERT_OK_AND_ASSIGN(const Value object, ReadJson(R"({"status":{"list":[1,2,{"a":"b"}]}})", "o"));
  ASSERT_OK_AND_ASSIGN(const LuaRule rule,
                       LuaRule::Compile("local s = '' for k in pairs(obj.status) do s = s .. k end "
                                        "return {status='Healthy', message=s}",
                                        "x.lua"));
  int exhausted = 0;
  int64_t bytes = 0;
  for (; bytes < 64'000; bytes += 16) {
    const auto found = rule.Run(object, kCaseTime, {.bytes = bytes});
    if (found.ok()) break;
    EXPECT_THAT(found, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("memory")));
    ++exhausted;
  }
  EXPECT_GT(exhausted, 100);
  EXPECT_LT(bytes, 64'000);
}

}  // namespace
}  // namespace lockstep
