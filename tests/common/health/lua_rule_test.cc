#include "common/health/lua_rule.h"

#include "common/object/json.h"
#include "common/object/yaml.h"
#include "tests/common/health/case_file.h"

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

absl::StatusOr<std::optional<Judgement>> RunScript(const std::string& script,
                                                   const std::string& object = "{}") {
  absl::StatusOr<LuaRule> rule = LuaRule::Compile(script, "health.lua");
  if (!rule.ok()) return rule.status();
  absl::StatusOr<Value> value = ReadJson(object, "object");
  if (!value.ok()) return value.status();
  return rule->Run(*value, kCaseTime);
}

// What `expression` is, as text.
std::string Eval(const std::string& expression, const std::string& object = "{}") {
  const auto found =
      RunScript("return {status='Healthy', message=tostring(" + expression + ")}", object);
  if (!found.ok()) return std::string(found.status().message());
  return found->has_value() ? (*found)->message : "nothing";
}

TEST(LuaRule, RunsARuleInArgosForm) {
  const std::string script = R"(
hs = {}
hs.status = "Progressing"
hs.message = "Waiting for certificate"
if obj.status ~= nil and obj.status.conditions ~= nil then
  for i, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" and condition.status == "False" then
      hs.status = "Degraded"
      hs.message = condition.message
    end
  end
end
return hs)";
  ASSERT_OK_AND_ASSIGN(auto verdict, RunScript(script));
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->health, Health::kProgressing);
  EXPECT_EQ(verdict->message, "Waiting for certificate");
  ASSERT_OK_AND_ASSIGN(
      verdict,
      RunScript(script,
                R"({"status":{"conditions":[{"type":"Ready","status":"False","message":"no"}]}})"));
  EXPECT_EQ(verdict->health, Health::kDegraded);
  EXPECT_EQ(verdict->message, "no");
}

TEST(LuaRule, SeesTheObjectAsArgoShowsIt) {
  const std::string object =
      R"({"n":3,"f":0.5,"t":true,"none":null,"list":[1,null,2],"big":9007199254740993,"s":"x","m":{}})";
  EXPECT_EQ(Eval("obj.n", object), "3");
  EXPECT_EQ(Eval("obj.n + 1", object), "4");
  EXPECT_EQ(Eval("obj.f", object), "0.5");
  EXPECT_EQ(Eval("obj.t", object), "true");
  EXPECT_EQ(Eval("obj.none == nil", object), "true");
  EXPECT_EQ(Eval("#obj.list .. obj.list[2]", object), "22");
  EXPECT_EQ(Eval("obj.big", object), "9007199254740993");
  EXPECT_EQ(Eval("next(obj.m) == nil", object), "true");
  EXPECT_EQ(Eval("obj.s:upper()", object), "X");
}

TEST(LuaRule, HasWhatRulesUse) {
  EXPECT_EQ(Eval("table.getn({1,2,3})"), "3");
  EXPECT_EQ(Eval("select('#', unpack({1,2,3}))"), "3");
  EXPECT_EQ(Eval("table.concat({1,2,3}, ',')"), "1,2,3");
  EXPECT_EQ(Eval("(function() local t = {3,1,2} table.sort(t) return t[1]..t[3] end)()"), "13");
  EXPECT_EQ(Eval("(function() local t = {} table.insert(t, 'a') table.insert(t, 1, 'b') "
                 "return table.remove(t, 1) .. #t end)()"),
            "b1");
  EXPECT_EQ(Eval("string.format('%d/%s %5.1f', 3, 'x', 2.25)"), "3/x   2.2");
  EXPECT_EQ(Eval("('a-b'):gsub('-', '+')"), "a+b");
  EXPECT_EQ(Eval("('abc'):byte(-1)"), "99");
  EXPECT_EQ(Eval("select('#', ('abc'):byte(-9, 9))"), "3");
  EXPECT_EQ(Eval("('ab'):rep(3, '-')"), "ab-ab-ab");
  EXPECT_EQ(Eval("'10' + 5"), "15");
  EXPECT_EQ(Eval("tonumber('ff', 16)"), "255");
  EXPECT_EQ(Eval("math.floor(2.7) + math.max(1, 2)"), "4");
  EXPECT_EQ(Eval("pcall(error, 'x')"), "false");
  EXPECT_EQ(Eval("getmetatable('')"), "false");
  EXPECT_EQ(Eval("type(_G.obj)"), "table");
  EXPECT_EQ(Eval("setmetatable({}, {__index = function(t, k) return k .. '!' end}).x"), "x!");
}

TEST(LuaRule, TimeIsTheCallersAndUtc) {
  EXPECT_EQ(Eval("os.time()"), "1700000000");
  EXPECT_EQ(Eval("os.date('!%Y-%m-%dT%H:%M:%SZ')"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(Eval("os.date('%H', 0)"), "00");
  EXPECT_EQ(Eval("os.time({year=2024, month=2, day=29, hour=0})"), "1709164800");
  EXPECT_EQ(Eval("os.time({year=2024, month=1, day=1})"), "1704110400");
  EXPECT_EQ(Eval("os.date('*t', 86400).wday .. os.date('*t', 86400).yday"), "62");
  EXPECT_THAT(Eval("os.time({year=2024})"), HasSubstr("field 'month' missing"));
  EXPECT_THAT(Eval("os.date('%Ez')"), HasSubstr("unknown conversion"));
  EXPECT_THAT(Eval("os.date('%')"), HasSubstr("unknown conversion"));
  EXPECT_THAT(Eval("os.date('%c', math.maxinteger)"), HasSubstr("time out-of-bounds"));
}

TEST(LuaRule, PairsGoesInTheOrderOfKeys) {
  const std::string loop =
      "(function() local s = '' for k, v in pairs(obj) do s = s .. k .. v .. ' ' end return s "
      "end)()";
  EXPECT_EQ(Eval(loop, R"({"b":2,"a":1,"c":3,"B":4})"), "B4 a1 b2 c3 ");
  EXPECT_EQ(Eval(loop, R"(["x","y","z"])"), "1x 2y 3z ");
  // What is removed on the way does not come.
  EXPECT_EQ(
      Eval("(function() local t, s = {a=1,b=2,c=3}, '' for k in pairs(t) do t.b = nil s = s .. k "
           "end return s end)()"),
      "ac");
}

TEST(LuaRule, NothingReturnedLeavesTheAnswerToOthers) {
  for (const char* script : {"", "return", "return nil", "return {}", "return {message='x'}"}) {
    ASSERT_OK_AND_ASSIGN(const auto verdict, RunScript(script));
    EXPECT_FALSE(verdict.has_value()) << script;
  }
}

TEST(LuaRule, TheAnswerIsChecked) {
  const auto refused = [](const char* script, const char* why) {
    EXPECT_THAT(RunScript(script), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(why)))
        << script;
  };
  refused("return 'Healthy'", "it returned a string; it must be a table with status and message");
  refused("return {status='healthy'}", "it returned the status \"healthy\"; it must be Healthy, P");
  refused("return {status=true}", "it returned a boolean as status");
  refused("return {status='Healthy', message={}}", "it returned a table as message");
  ASSERT_OK_AND_ASSIGN(auto verdict, RunScript("return {status='Healthy', message=3}"));
  EXPECT_EQ(verdict->message, "3");
  ASSERT_OK_AND_ASSIGN(verdict, RunScript("return {status='Healthy'}, 1, 2"));
  EXPECT_EQ(verdict->message, "");
}

TEST(LuaRule, WhatIsOutsideTheSandboxIsNamedWithItsLine) {
  const auto refused = [](const std::string& use, const std::string& name) {
    EXPECT_THAT(RunScript("local x = 1\n" + use + "\nreturn {status='Healthy'}"),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         StartsWith("health.lua:2: " + name +
                                    " is outside the sandbox; docs/health.md lists")))
        << use;
  };
  refused("os.execute('id')", "os.execute");
  refused("os.getenv('HOME')", "os.getenv");
  refused("os.exit()", "os.exit");
  refused("os.clock()", "os.clock");
  refused("io.open('/etc/passwd')", "io.open");
  refused("debug.getinfo(1)", "debug.getinfo");
  refused("coroutine.wrap(function() end)", "coroutine.wrap");
  refused("package.loadlib('x', 'y')", "package.loadlib");
  refused("string.dump(function() end)", "string.dump");
  refused("x = ('').dump", "string.dump");
  refused("table.move({}, 1, 2, 3)", "table.move");
  refused("math.random()", "math.random");
  for (const std::string name : {"require", "load", "loadstring", "loadfile", "dofile", "print",
                                 "collectgarbage", "setfenv", "getfenv", "newproxy", "xpcall"}) {
    refused(name + "('x')", name);
  }
  refused("setmetatable({}, {__gc = function() end})", "__gc");
  refused("setmetatable({}, {__mode = 'k'})", "__mode");
}

TEST(LuaRule, AMistakeIsNamedWithLineAndFunction) {
  EXPECT_THAT(RunScript("local function check(o)\n  return o.status.phase\nend\nlocal found = "
                        "check(obj)\nreturn found"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       "health.lua:2: attempt to index a nil value (field 'status') (in function "
                       "'check')"));
  EXPECT_THAT(RunScript("unknown()"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                               "health.lua:1: attempt to call a nil value (global "
                                               "'unknown')"));
  EXPECT_THAT(RunScript("\n\nerror({})"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                                   "health.lua:3: it raised a table as its error"));
  EXPECT_THAT(RunScript("error()"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                             "health.lua:1: it raised a nil as its error"));
  EXPECT_THAT(RunScript("\nerror('plain', 0)"),
              StatusIs(absl::StatusCode::kFailedPrecondition, "health.lua:2: plain"));
}

TEST(LuaRule, AScriptThatDoesNotCompileIsRefusedWithItsLine) {
  EXPECT_THAT(LuaRule::Compile("\nif obj then", "a/b/health.lua"),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("a/b/health.lua:2: ")));
  EXPECT_THAT(LuaRule::Compile("\x1bLua", "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("binary chunk")));
  EXPECT_THAT(LuaRule::Compile(std::string(300 << 10, ' '), "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 262144")));
  EXPECT_THAT(LuaRule::Compile("return " + std::string(300, '('), "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("overflow")));
}

TEST(LuaRule, RunsShareNothing) {
  ASSERT_OK_AND_ASSIGN(const LuaRule rule, LuaRule::Compile(R"(
local seen = tostring(count)
count = (count or 0) + 1
string.mark, obj.mark = "m", "m"
pcall(function() getmetatable("").x = 1 end)
return {status = "Healthy", message = seen .. tostring(rawget(string, "marked"))}
)",
                                                            "x"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto verdict, rule.Run(Value::MakeObject(), kCaseTime));
    EXPECT_EQ(verdict->message, "nilnil");
  }
}

}  // namespace
}  // namespace lockstep
