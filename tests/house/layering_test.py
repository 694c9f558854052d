"""Reads the includes of the tree: dependencies point one way, and each foreign header has one home."""

import collections
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = sorted(
    p for top in ("common", "hub", "agent") for p in (ROOT / top).rglob("*") if p.suffix in (".h", ".cc", ".inc")
)
INCLUDE = re.compile(r'^\s*#include\s+([<"])([^>"]+)[>"]', re.MULTILINE)

# Folders that are pure: no clock, I/O, threads or logging.
PURE = {
    "common/object", "common/text", "common/status", "common/bundle", "common/health", "common/render",
    "common/render/resource", "common/render/patch", "common/render/replacement", "common/render/substitute",
    "common/render/kustomize",
    "hub/remote", "hub/fleet", "hub/record", "hub/core", "hub/rollup", "agent/core", "agent/apply",
}
SHELL_HEADERS = {
    "common/base/file.h", "common/base/log.h", "common/base/thread.h", "common/base/channel.h", "common/base/clock.h",
}
# A lock around a cache is no I/O; a pure function may keep one.
SYSTEM_SHELLS = re.compile(r"^(sys/|unistd\.h|fcntl\.h|dirent\.h|fstream|iostream|thread|filesystem|netinet/|arpa/)")

# Foreign header → folders that may include it.
HOMES = {
    r"^git2[./]": {"hub/source"},
    r"^rocksdb/": {"hub/store"},
    r"^yaml\.h$": {"common/object"},
    r"^yaml-cpp/": {"common/config", "common/object", "hub/cli", "common/credentials", "hub/identity"},
    r"^simdjson": {"common/object"},
    r"^re2/": {"common/render/resource"},
    r"^(lua|lualib|lauxlib)\.h": {"common/health"},
    r"^(grpc|grpcpp)/": {"hub/rpc", "agent/link", "hub/cli", "common/rpc", "common/credentials"},
    r"^curl/": {"hub/source", "agent/identity", "agent/kube"},
    r"^boost/": {"common/metrics", "common/http", "hub/identity"},
    r"^prometheus/": {"common/metrics"},
    r"^spdlog/": {"common/base"},
    r"^CLI/": {"hub/cli", "hub", "agent", "common/command_line", "common/program"},
    r"^openssl/": {"common/base", "common/credentials", "common/rpc", "hub/identity", "agent/identity", "hub/store", "hub/source"},
}


def folder(path):
    return str(path.parent.relative_to(ROOT))


def includes(path):
    return INCLUDE.findall(path.read_text())


class Layering(unittest.TestCase):
    def test_there_is_something_to_read(self):
        self.assertGreater(len(SOURCES), 10)

    def test_common_knows_neither_hub_nor_agent(self):
        for path in SOURCES:
            if folder(path).startswith("common"):
                for _, name in includes(path):
                    self.assertFalse(name.startswith(("hub/", "agent/")), f"{path} includes {name}")

    def test_hub_and_agent_never_include_each_other(self):
        for path in SOURCES:
            for _, name in includes(path):
                if folder(path).startswith("hub"):
                    self.assertFalse(name.startswith("agent/"), f"{path} includes {name}")
                if folder(path).startswith("agent"):
                    self.assertFalse(name.startswith("hub/"), f"{path} includes {name}")

    def test_nothing_includes_tests(self):
        for path in SOURCES:
            for _, name in includes(path):
                self.assertFalse(name.startswith("tests/"), f"{path} includes {name}")

    def test_no_two_folders_include_each_other(self):
        edges = collections.defaultdict(set)
        for path in SOURCES:
            for quote, name in includes(path):
                if quote == '"' and name.startswith(("common/", "hub/", "agent/")):
                    target = str(pathlib.PurePosixPath(name).parent)
                    if target != folder(path):
                        edges[folder(path)].add(target)
        done, stack = set(), []

        def visit(node):
            if node in stack:
                self.fail("folders include each other: " + " → ".join(stack[stack.index(node):] + [node]))
            if node in done:
                return
            stack.append(node)
            for target in sorted(edges[node]):
                visit(target)
            stack.pop()
            done.add(node)

        for node in sorted(edges):
            visit(node)

    def test_pure_folders_touch_nothing_outside(self):
        for path in SOURCES:
            if folder(path) not in PURE:
                continue
            for quote, name in includes(path):
                self.assertNotIn(name, SHELL_HEADERS, f"{path} is pure and includes {name}")
                if quote == "<":
                    self.assertIsNone(SYSTEM_SHELLS.match(name), f"{path} is pure and includes <{name}>")

    def test_pure_folders_include_only_pure_folders_and_base(self):
        for path in SOURCES:
            if folder(path) not in PURE:
                continue
            for quote, name in includes(path):
                if quote == '"' and name.startswith(("common/", "hub/", "agent/")):
                    target = str(pathlib.PurePosixPath(name).parent)
                    self.assertTrue(
                        target in PURE or target == "common/base", f"{path} is pure and includes {name}")

    def test_each_foreign_header_has_one_home(self):
        for path in SOURCES:
            for quote, name in includes(path):
                if quote != "<":
                    continue
                for pattern, homes in HOMES.items():
                    if re.match(pattern, name):
                        self.assertIn(folder(path), homes, f"{path} includes <{name}>")

    def test_clock_chance_and_threads_come_from_base(self):
        pattern = re.compile(
            r"absl::Now\(|system_clock::now|this_thread::sleep|absl::SleepFor|std::thread\b|std::rand\(|random_device"
            r"|absl::Mutex\b|std::mutex\b"
        )
        for path in SOURCES:
            if folder(path) != "common/base":
                found = pattern.search(path.read_text())
                self.assertIsNone(found, f"{path} uses {found and found.group()}")

    def test_top_level_is_what_the_design_says(self):
        allowed = {
            "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "proto", "hub", "agent", "common", "tests",
            "deploy", "docs", "build",
        }
        for entry in ROOT.iterdir():
            if not entry.name.startswith("."):
                self.assertIn(entry.name, allowed)


if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    unittest.main()
