"""What the pages show is there: links lead somewhere, commands have the words and flags shown, test ids are tests.

The resources shown are parsed by tests/hub/fleet/docs_test.cc.
"""

import functools
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else ROOT / "build" / "release" / "bin"
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PROGRAMS = ("lockstep", "lockstep-hub", "lockstep-agent")


def name(page):
    return str(page.relative_to(ROOT))


def lines_of_code(page):
    """(line number, text) of everything that stands in a block of code, its indentation removed."""
    fenced = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, line
        elif line.startswith("    "):
            yield number, line[4:]


def commands(page):
    """(line number, words) of every command line of ours, in blocks of code and within sentences."""
    shown = [(number, line.strip().removeprefix("$ ")) for number, line in lines_of_code(page)]
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if not line.startswith("    "):
            shown += [(number, span) for span in re.findall(r"`([^`]+)`", line)]
    for number, text in shown:
        for part in re.split(r"\s\|\|?\s|\s&&\s|<\(", re.split(r"\s#\s", text)[0]):
            words = part.split()
            # A name alone, one with something else than a command behind it, and output are no command lines.
            if len(words) > 1 and words[0] in PROGRAMS and re.fullmatch(r"-.*|[a-z][a-z-]*\)?", words[1]):
                yield number, [re.sub(r"^\[|[\].,;:)]+$", "", word) for word in words]


def long_flags(words):
    return [word.split("=")[0] for word in words if word.startswith("--") and len(word) > 2]


def page_of(words):
    """The page of a command line of `lockstep`, and how many of its words name the command."""
    if len(words) > 2 and (DOCS / "cli" / f"{words[1]}-{words[2]}.md").exists():
        return DOCS / "cli" / f"{words[1]}-{words[2]}.md"
    return DOCS / "cli" / f"{words[1]}.md"


@functools.cache
def help_of(program, *subcommands):
    """What --help says; empty for a subcommand that is none."""
    result = subprocess.run([BIN / program, *subcommands, "--help"], capture_output=True, text=True, check=False)
    return result.stdout if result.returncode == 0 else ""


@functools.cache
def subcommands_of(program, *above):
    listed = re.search(r"^Subcommands:\n((?:  .*\n)+)", help_of(program, *above), re.MULTILINE)
    return re.findall(r"^  ([a-z][a-z-]*)", listed.group(1), re.MULTILINE) if listed else []


def flags_of(program, *subcommands):
    return re.findall(r"(?:^|[ ,])(--[a-z][a-z-]*)", help_of(program, *subcommands), re.MULTILINE)


def faults_of(words):
    """What is wrong with a command line."""
    program, rest = words[0], words[1:]
    if program == "lockstep":
        if rest[0].startswith("--"):
            return [flag for flag in long_flags(rest) if flag not in flags_of(program)]
        page = page_of(words)
        if not page.exists():
            return [f"there is no {name(page)}"]
        known = set(re.findall(r"--[a-z][a-z-]*", page.read_text())) | {"--help"}
        return [flag for flag in long_flags(rest) if flag not in known]
    path = []
    while rest and rest[0] in subcommands_of(program, *path):
        path.append(rest.pop(0))
    if subcommands_of(program, *path) and rest and not rest[0].startswith("-"):
        return [f"{program} has no {' '.join([*path, rest[0]])}"]
    return [flag for flag in long_flags(rest) if flag not in flags_of(program, *path)]


def anchors(page):
    found = set()
    for title in re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE):
        found.add(re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-"))
    return found


class Pages(unittest.TestCase):
    def test_every_link_leads_to_a_file_and_a_title(self):
        wrong = []
        for page in PAGES:
            for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, title = link.partition("#")
                target = (page.parent / path).resolve() if path else page
                if not target.exists():
                    wrong.append(f"{name(page)}: {link}")
                elif title and title not in anchors(target):
                    wrong.append(f"{name(page)}: {link}: there is no such title")
        self.assertEqual(wrong, [])

    def test_every_page_is_on_the_map(self):
        linked = re.findall(r"\]\(([^)#]+)", (DOCS / "README.md").read_text())
        pages = {page.name for page in DOCS.glob("*.md")} - {"README.md"}
        self.assertEqual(pages - set(linked), set())

    def test_every_command_is_linked_from_the_page_of_commands(self):
        linked = re.findall(r"\]\(cli/([^)#]+)", (DOCS / "cli.md").read_text())
        self.assertEqual({page.name for page in (DOCS / "cli").glob("*.md")}, set(linked))

    def test_every_command_line_has_the_words_and_flags_of_its_program(self):
        checked = 0
        wrong = []
        for page in PAGES:
            for number, words in commands(page):
                checked += 1
                wrong += [f"{name(page)}:{number}: {' '.join(words)}: {fault}" for fault in faults_of(words)]
        self.assertEqual(wrong, [])
        self.assertGreater(checked, 100)

    def test_a_wrong_command_line_is_noticed(self):
        for line in ("lockstep got apps", "lockstep get apps --al", "lockstep-hub start", "lockstep-agent run --hub x",
                     "lockstep-hub user ad", "lockstep cluster label --force"):
            self.assertNotEqual(faults_of(line.split()), [], line)

    def test_every_flag_of_hub_and_agent_is_on_the_page_of_operations(self):
        page = (DOCS / "operations.md").read_text()
        lacking = []
        for program in ("lockstep-hub", "lockstep-agent"):
            self.assertNotEqual(subcommands_of(program), [], f"{BIN / program} --help")
            for subcommand in subcommands_of(program):
                for path in [(subcommand,)] + [(subcommand, below) for below in subcommands_of(program, subcommand)]:
                    lacking += [f"{program} {' '.join(path)} {flag}" for flag in flags_of(program, *path)
                                if flag != "--help" and f"`{flag}`" not in page]
        self.assertEqual(lacking, [])

    def test_every_attack_and_fault_on_the_page_of_security_is_a_test(self):
        named = set(re.findall(r"\b[AFG][0-9]{2}\b", (DOCS / "security.md").read_text()))
        tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*_test.cc"))
        found = set()
        for test in re.findall(r"TEST(?:_F|_P)?\(\s*\w+,\s*(\w+)\)", tests):
            found |= set(re.findall(r"[AFG][0-9]{2}", test))
        self.assertGreater(len(named), 50)
        self.assertEqual(named - found, set())


if __name__ == "__main__":
    unittest.main()
