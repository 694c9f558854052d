#include "common/command_line/parse.h"

#include <sstream>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep {
namespace {

using testing::HasSubstr;

class ParseCommandLineTest : public testing::Test {
 protected:
  ParseCommandLineTest() {
    app_.set_version_flag("--version", "program 1.0");
    app_.require_subcommand(1);
    CLI::App* user = app_.add_subcommand("user", "users");
    user->require_subcommand(1);
    CLI::App* add = user->add_subcommand("add", "one more");
    add->add_option("name", name_, "who")->required();
    add->callback([this] { ++added_; });
  }

  std::optional<int> Parse(std::vector<std::string> arguments) {
    out_.str("");
    talk_.str("");
    return ParseCommandLine(&app_, std::move(arguments), out_, talk_);
  }

  CLI::App app_{"A program.", "program"};
  std::string name_;
  int added_ = 0;
  std::ostringstream out_;
  std::ostringstream talk_;
};

TEST_F(ParseCommandLineTest, RunsWhatWasAskedFor) {
  EXPECT_EQ(Parse({"user", "add", "ada"}), std::nullopt);
  EXPECT_EQ(name_, "ada");
  EXPECT_EQ(added_, 1);
  EXPECT_EQ(talk_.str(), "");
}

TEST_F(ParseCommandLineTest, HelpAndVersionGoToOutputAndEndWell) {
  EXPECT_EQ(Parse({"--version"}), 0);
  EXPECT_EQ(out_.str(), "program 1.0\n");
  EXPECT_EQ(Parse({"user", "add", "--help"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("one more"));
}

TEST_F(ParseCommandLineTest, AnUnknownWordNamesTheNearestAndWhereToRead) {
  EXPECT_EQ(Parse({"users"}), kExitWrongUse);
  EXPECT_EQ(talk_.str(),
            "error: \"users\" is no command; did you mean \"user\"?\nsee `program --help`\n");
  EXPECT_EQ(Parse({"user", "adopt\x1b"}), kExitWrongUse);
  EXPECT_EQ(talk_.str(), "error: \"adopt\\033\" is no command\nsee `program user --help`\n");
}

TEST_F(ParseCommandLineTest, WrongUseSaysWhatIsWrongWithTheCommandItIsOf) {
  EXPECT_EQ(Parse({"user", "add"}), kExitWrongUse);
  EXPECT_EQ(talk_.str(), "error: name is required\nsee `program user add --help`\n");
  EXPECT_EQ(Parse({"user", "add", "ada", "--age", "7"}), kExitWrongUse);
  EXPECT_THAT(talk_.str(), HasSubstr("--age"));
  EXPECT_EQ(Parse({}), kExitWrongUse);
  EXPECT_EQ(talk_.str(), "error: a subcommand is required\nsee `program --help`\n");
  EXPECT_EQ(added_, 0);
}

}  // namespace
}  // namespace lockstep
