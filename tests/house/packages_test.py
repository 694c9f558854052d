"""Every Debian package that the tree needs is one that deploy/install-deps installs, or comes with one of those.

Looks at the shared libraries of the built programs, at the system headers that were compiled, and at the programs that
scripts and tests call.
"""

import functools
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Words that are also the names of programs nobody calls; tests/kube/build.sh builds its own kubectl.
NOT_CALLED = {"bc", "kubectl", "patch", "time", "write"}
BUILD = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else ROOT / "build" / "release"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@functools.cache
def installed():
    """Package → (what it depends on, whether it is essential or of the base system)."""
    packages = {}
    listing = run("dpkg-query", "-W", "-f", "${Package}\t${Depends}, ${Pre-Depends}\t${Essential}\t${Priority}\t${Provides}\n")
    for line in listing.splitlines():
        name, depends, essential, priority, provides = line.split("\t")
        words = [re.split(r"[ (:]", part.strip())[0] for part in re.split(r"[,|]", depends) if part.strip()]
        packages[name] = (words, essential == "yes" or priority == "required")
        for provided in re.split(r",", provides):
            provided = re.split(r"[ (:]", provided.strip())[0]
            if provided and provided not in packages:
                packages[provided] = ([name], False)
    return packages


@functools.cache
def covered():
    """Everything that comes with what install-deps installs, and with the base system."""
    listed = run(str(ROOT / "deploy" / "install-deps"), "--print").split()
    todo = listed + [name for name, (_, base) in installed().items() if base]
    done = set()
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        todo.extend(installed().get(name, ([], False))[0])
    return done


def owners(paths):
    """Path → packages, for those that a package holds; /lib is /usr/lib here."""
    wanted = set()
    for path in paths:
        real = str(pathlib.Path(path).resolve())
        wanted.add(real)
        if real.startswith("/usr/"):
            wanted.add(real[4:])
    found = {}
    wanted = sorted(wanted)
    for start in range(0, len(wanted), 500):
        for line in run("dpkg-query", "-S", *wanted[start:start + 500]).splitlines():
            names, _, path = line.rpartition(": ")
            found.setdefault(path.strip(), set()).update(re.split(r"[:,]", n.strip())[0] for n in names.split(", "))
    return found


class Packages(unittest.TestCase):
    def assert_covered(self, paths, least):
        found = owners(paths)
        self.assertGreater(len(found), least)
        lacking = {path: names for path, names in found.items() if not names & covered()}
        self.assertEqual(lacking, {}, "install-deps lacks the package of these")

    def test_install_deps_is_installed(self):
        listed = run(str(ROOT / "deploy" / "install-deps"), "--print").split()
        self.assertGreater(len(listed), 20)
        self.assertEqual([name for name in listed if name not in installed()], [])

    def test_linked_libraries(self):
        libraries = set()
        for program in ("lockstep-hub", "lockstep-agent", "lockstep"):
            libraries.update(re.findall(r"=> (/\S+)", run("ldd", str(BUILD / "bin" / program))))
        self.assert_covered(libraries, 20)

    def test_included_headers(self):
        headers = set(re.findall(r"^\s+(/usr/\S+)$", run("ninja", "-C", str(BUILD), "-t", "deps"), re.MULTILINE))
        self.assert_covered(headers, 500)

    def test_called_programs(self):
        words = set()
        for path in [*ROOT.glob("deploy/**/*"), *ROOT.glob("tests/**/*"), *ROOT.glob(".ci/*")]:
            if not path.is_file() or path.stat().st_size > 200_000:
                continue
            text = path.read_text(errors="replace")
            if path.suffix in (".cc", ".h", ".py"):
                words.update(re.findall(r'"([a-z][a-z0-9+._-]*|/usr/s?bin/[a-z0-9+._-]+)"', text))
            elif path.suffix == "" or path.suffix == ".sh":
                words.update(re.findall(r"(?:^|[|&;(`!]|\$\()\s*([a-z][a-z0-9+._-]*)", text, re.MULTILINE))
                words.update(re.findall(r"/usr/s?bin/[a-z0-9+._-]+", text))
        programs = {shutil.which(word, path="/usr/bin:/usr/sbin:/bin:/sbin") for word in words - NOT_CALLED} - {None}
        self.assertIn("/usr/bin/git", programs)
        self.assert_covered(programs, 10)


if __name__ == "__main__":
    unittest.main()
