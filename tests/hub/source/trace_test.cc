#include <algorithm>
#include <set>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

#include "common/base/sanitizers.h"
#include "hub/source/fetch_message.h"
#include "hub/source/fetch_workers.h"
#include "tests/hub/source/source_fixture.h"
#include "tests/testing/git_repository.h"
#include "tests/testing/process.h"
#include "tests/testing/scripted_server.h"

// What the processes that fetch ask the kernel for, as strace sees it: the one program that is run,
// the files that are named, the addresses that are connected to.

namespace lockstep {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Connection = ScriptedServer::Connection;
using Request = ScriptedServer::Request;

// One system call that named a file or an address, or ran a program.
struct Call {
  std::string name;
  std::string arguments;  // As strace writes them, with the result.
};

class Trace : public testing::Test {
 protected:
  Trace() : directory_(MakeTemporaryDirectory("lockstep-trace-").value()) {}
  ~Trace() override { EXPECT_OK(RemoveTree(directory_)); }

  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitized program does not run under strace (ptrace)";
    if (FindProgram("strace").empty()) GTEST_SKIP() << "strace is not installed";
    const ProgramResult probe = RunProgram({.arguments = {"strace", "-o", log(), "true"}});
    if (probe.exit_code != 0) GTEST_SKIP() << "this machine does not let strace trace (ptrace)";
  }

  std::string log() const { return directory_ + "/log"; }
  // Made by nobody, if all is well.
  std::string marker() const { return directory_ + "/marker"; }
  std::string canary() const { return directory_ + "/canary"; }

  std::vector<std::string> Command() const {
    return {FindProgram("strace"),
            "-f",
            "-qq",
            "-s",
            "4096",
            "-e",
            "trace=%file,%network,%process",
            "-o",
            log(),
            LOCKSTEP_TEST_FETCH_SERVER};
  }

  std::vector<Call> Calls() const {
    std::vector<Call> calls;
    for (const absl::string_view line : absl::StrSplit(ReadFile(log()).value(), '\n')) {
      const size_t space =
          line.find_first_of("0123456789") == 0 ? line.find(' ') : std::string::npos;
      const size_t open = line.find('(');
      if (space == std::string::npos || open == std::string::npos) continue;
      const size_t name = line.find_first_not_of(' ', space);
      calls.push_back(
          {std::string(line.substr(name, open - name)), std::string(line.substr(open))});
    }
    return calls;
  }

  const std::string directory_;
};

// Every exec, also one that failed.
std::vector<std::string> Programs(const std::vector<Call>& calls) {
  std::vector<std::string> programs;
  for (const Call& call : calls) {
    if (absl::StartsWith(call.name, "exec")) programs.push_back(call.arguments);
  }
  return programs;
}

// Where connections and datagrams went, but for sockets without a network.
std::vector<std::string> Addresses(const std::vector<Call>& calls) {
  std::vector<std::string> addresses;
  for (const Call& call : calls) {
    const bool network = absl::StrContains(call.arguments, "AF_INET");
    if (network && (call.name == "connect" || call.name == "sendto" || call.name == "bind"))
      addresses.push_back(call.arguments);
  }
  return addresses;
}

// Absolute paths that were named, but for those below `roots` and what belongs to the machine: the
// program and its libraries, the time zone, the list of authorities, how names are resolved.
std::set<std::string> FilesOutside(const std::vector<Call>& calls, std::vector<std::string> roots) {
  for (const char* root :
       {LOCKSTEP_TEST_FETCH_SERVER, "/lib/x86_64-linux-gnu", "/usr/lib", "/lib64", "/etc/ld.so",
        "/etc/localtime", "/etc/ssl", "/dev/null", "/dev/urandom", "/etc/nsswitch.conf",
        "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/gnutls",
        "/proc/sys/crypto", "/sys/devices/system/cpu"}) {
    roots.emplace_back(root);
  }
  std::set<std::string> outside;
  for (const Call& call : calls) {
    // Even parts of the text between quotation marks are not quoted.
    const std::vector<std::string> parts = absl::StrSplit(call.arguments, '"');
    for (size_t i = 1; i < parts.size(); i += 2) {
      const std::string& path = parts[i];
      const auto below = [&path](const std::string& root) {
        return absl::StartsWith(path, root) || absl::StartsWith(root, path + "/");
      };
      if (absl::StartsWith(path, "/") && std::none_of(roots.begin(), roots.end(), below))
        outside.insert(path);
    }
  }
  return outside;
}

// A repository with everything in its commit that a program might act on.
void CommitHostileFiles(TestRepository* repository, const std::string& marker,
                        const std::string& outside) {
  ASSERT_EQ(symlink(outside.c_str(), (repository->work() + "/link").c_str()), 0);
  repository->Commit(
      {{"a", "1"},
       {".gitattributes", "* filter=evil diff=evil merge=evil ident\n"},
       {".gitconfig", absl::StrCat("[core]\n\tsshCommand = touch ", marker, "\n")},
       {".githooks/post-checkout", absl::StrCat("#!/bin/sh\ntouch ", marker, "\n")},
       {".gitmodules", absl::StrCat("[submodule \"x\"]\n\tpath = ../../x\n\turl = ext::touch% ",
                                    marker, "\n\tupdate = !touch ", marker, "\n")}});
}

// And with everything in its directory.
void SpoilDirectory(const TestRepository& repository, const std::string& marker) {
  const std::string touch = absl::StrCat("touch ", marker);
  ASSERT_OK_AND_ASSIGN(std::string config, ReadFile(repository.bare() + "/config"));
  absl::StrAppend(&config, "[core]\n\tfsmonitor = ", touch, "\n\tsshCommand = ", touch,
                  "\n\thooksPath = hooks\n\tgitProxy = ", touch,
                  "\n[filter \"evil\"]\n\tclean = ", touch, "\n\tsmudge = ", touch,
                  "\n\tprocess = ", touch, "\n[uploadpack]\n\tpackObjectsHook = ", touch,
                  "\n[url \"ext::", touch, "\"]\n\tinsteadOf = file://\n[credential]\n\thelper = !",
                  touch, "\n");
  ASSERT_OK(WriteFileAtomic(repository.bare() + "/config", config, Durability::kNone));
  for (const char* hook :
       {"post-checkout", "reference-transaction", "post-update", "pre-receive"}) {
    const std::string path = absl::StrCat(repository.bare(), "/hooks/", hook);
    ASSERT_OK(WriteFileAtomic(path, absl::StrCat("#!/bin/sh\n", touch, "\n"), Durability::kNone));
    ASSERT_EQ(chmod(path.c_str(), 0755), 0);
  }
}

TEST_F(Trace, A14AHostileRepositoryRunsNothingAndNamesNoFileOutside) {
  TestRepository repository;
  ASSERT_OK(WriteFileAtomic(canary(), "canary-7391", Durability::kNone));
  CommitHostileFiles(&repository, marker(), canary());
  SpoilDirectory(repository, marker());
  std::string mirrors;
  {
    TestSource source({"file:///"}, {}, Command());
    ASSERT_OK_AND_ASSIGN(const FetchResult result, source.Fetch(repository.FileUrl()));
    EXPECT_EQ(source.Read(result, "a"), "1");
    mirrors = source.directory();
  }
  const std::vector<Call> calls = Calls();
  EXPECT_THAT(Programs(calls), ElementsAre(HasSubstr(LOCKSTEP_TEST_FETCH_SERVER)));
  EXPECT_THAT(Addresses(calls), IsEmpty());
  EXPECT_THAT(FilesOutside(calls, {repository.bare(), mirrors}), IsEmpty());
  EXPECT_GT(calls.size(), 100u);  // There was something to see.
  EXPECT_FALSE(PathExists(marker()));
}

TEST_F(Trace, A14AHostileRepositoryOverHttpIsFetchedFromItsServerAlone) {
  TestRepository repository;
  CommitHostileFiles(&repository, marker(), canary());
  ScriptedServer server([&](const Request& request, Connection& connection) {
    connection.Write(ScriptedServer::GitAnswer(request, repository.root()));
  });
  std::string mirrors;
  {
    TestSource source({server.base_url()}, {}, Command());
    ASSERT_OK(source.Fetch(server.base_url() + "/fleet.git"));
    mirrors = source.directory();
  }
  const std::vector<Call> calls = Calls();
  EXPECT_THAT(Programs(calls), SizeIs(1));
  EXPECT_THAT(Addresses(calls),
              AllOf(Not(IsEmpty()), Each(HasSubstr(absl::StrCat("htons(", server.port(), ")")))));
  EXPECT_THAT(FilesOutside(calls, {mirrors}), IsEmpty());
  EXPECT_FALSE(PathExists(marker()));
}

TEST_F(Trace, A14NoUrlReachesAProgramEvenPastTheHubsOwnCheck) {
  const std::string touch = absl::StrCat("touch ", marker());
  {
    FetchWorkers workers(Command());
    ASSERT_OK(workers.Start());
    for (const std::string& url :
         {absl::StrCat("ext::", touch), absl::StrCat("ext::sh -c ", touch),
          "--upload-pack=" + touch, absl::StrCat("ssh://-oProxyCommand=", touch, "/x"),
          absl::StrCat("ssh://git@-oProxyCommand=", touch, "/x"),
          absl::StrCat("git@127.0.0.1:--upload-pack=", touch),
          absl::StrCat("ssh://git@127.0.0.1/x;", touch), absl::StrCat("file:///x$(", touch, ")"),
          absl::StrCat("file:///x`", touch, "`"), absl::StrCat("file:///x'\"|", touch),
          absl::StrCat("https://127.0.0.1/x\n", touch),
          absl::StrCat("http://127.0.0.1:1/-", touch)}) {
      const absl::StatusOr<FetchReport> report = workers.Run(
          {.repository = directory_ + "/git0",
           .home = directory_,
           .url = url,
           .credentials = {.identity = "-oProxyCommand=" + touch, .known_hosts = "|" + touch},
           .any_address = true,
           .bytes_max = 1 << 20,
           .objects_max = 100},
          absl::Seconds(30));
      ASSERT_OK(report);
      EXPECT_FALSE(report->status.ok()) << url;
    }
  }
  const std::vector<Call> calls = Calls();
  EXPECT_THAT(Programs(calls), SizeIs(1));
  EXPECT_THAT(Addresses(calls), IsEmpty());
  EXPECT_FALSE(PathExists(marker()));
}

}  // namespace
}  // namespace lockstep
