#!/usr/bin/env python3
"""A17: no program has a switch that turns a check of keys, names or certificates off.

Reads --help of every program and of every command that it lists, the completion of `lockstep`, which is made of its own
command tree, and whatever docs/ says of flags.
"""
import pathlib
import re
import subprocess
import sys

PROGRAMS = ["lockstep", "lockstep-hub", "lockstep-agent"]
# Of a flag's words; each is known from a program that has such a switch.
FORBIDDEN = re.compile(r"insecure|unsafe|unverified|(skip|no|ignore|disable|without)-?\w*-?(verif\w*|tls|ssl|cert\w*|check\w*|host-?key\w*|ca)\b"
                       r"|skip-|trust-(all|any)|allow-(any|unknown|self)|accept-any|verify|plaintext|http-only")


def help_of(directory, command):
    run = subprocess.run([str(directory / command[0]), *command[1:], "--help"], capture_output=True, text=True,
                         timeout=120, check=False)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} --help ended with {run.returncode}: {run.stderr}")
    return run.stdout


def commands_in(text):
    section = re.search(r"^Subcommands:\n((?:  \S.*\n|    .*\n)*)", text, re.MULTILINE)
    if section is None:
        return []
    return re.findall(r"^  ([a-z][a-z-]*)", section.group(1), re.MULTILINE)


def pages(directory, command):
    text = help_of(directory, command)
    yield " ".join(command), text
    for name in commands_in(text):
        yield from pages(directory, command + [name])


def flags_in(text):
    return set(re.findall(r"(?<![\w-])--([a-z][a-z0-9-]+)", text))


def main():
    directory = pathlib.Path(sys.argv[1])
    assert FORBIDDEN.search("insecure-skip-tls-verify") and FORBIDDEN.search("skip-host-key-check")
    read = {}
    for program in PROGRAMS:
        for name, text in pages(directory, [program]):
            read[name] = flags_in(text)
    completion = subprocess.run([str(directory / "lockstep"), "completion", "bash"], capture_output=True, text=True,
                                timeout=120, check=True).stdout
    read["lockstep completion"] = flags_in(completion)
    for path in pathlib.Path("docs").rglob("*.md"):
        read[str(path)] = flags_in(path.read_text(encoding="utf-8"))
    for command in ["lockstep completion", "lockstep get", "lockstep-hub serve", "lockstep-agent run"]:
        if not read.get(command):
            sys.exit(f"no flags were read of {command}: the test sees nothing")
    found = sorted((name, flag) for name, flags in read.items() for flag in flags if FORBIDDEN.search(flag))
    for name, flag in found:
        print(f"{name}: --{flag} looks like a switch that turns a check off (SECURITY A-17)")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
