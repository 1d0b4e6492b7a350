"""What a user has typed: which command, and with which options."""

import argparse
import os
import re
import sys
from typing import NamedTuple

from helpers import ROOT
from helpers.commands.parser import Parser, epilog
from helpers.commands.table import COMMANDS, groups, overview
from helpers.commands.values import is_like_a_file
from helpers.spelling import hint

HELP = ("-h", "--help", "help")
# What other tools call a command, and what it was called in version 1.
MOVED = {
    "weights": "train streets",
    "export": "models export NAME FOLDER",
    "val": "train everyday DATA --score NAME",
    "download": "models fetch NAME",
    "version": "--version",
    "camera": "0",
    "webcam": "0",
}
ALIASES = dict.fromkeys(
    ("predict", "segment predict", "segment", "detect predict", "track", "segment track")
    + ("infer", "inference", "demo"),
    "detect",
)


class Call(NamedTuple):
    """A command line that makes sense.

    Attributes:
        command: its name, a key of `COMMANDS`.
        words: what follows the name.
        options: these, read; None where they go to a tool as they are.
    """

    command: str
    words: list[str]
    options: argparse.Namespace | None


def read_call(words) -> Call:
    """Read a command line without its "python3 run.py".

    Help and version are printed, and end the program with code 0; what makes no sense ends it with
    a line and code 2.

    Args:
        words: list of str.
    """
    name, rest = _split(list(words))
    command = COMMANDS[name]
    if command.add_options is not None:
        return Call(name, rest, Parser(name, command).parse_args(rest))
    if set(rest) & {"-h", "--help"}:
        page = [f"usage: python3 run.py {name} ...", command.summary, epilog(command)]
        _tell("\n\n".join(page))
    for word in rest:
        option = word.partition("=")[0]
        if command.names is not None and word.startswith("-") and option not in command.names:
            _refuse(f"{name} has no option {option}{hint(option, command.names)}")
    return Call(name, rest, None)


def _split(words):
    """The command that words begin with, and what follows it."""
    if words[:1] == ["--version"]:
        _tell(f"Pixelwise {_version()}, Python {sys.version.split()[0]}")
    if words and words[0] in HELP:
        asked = words[1:]
        if not asked:
            _tell(overview())
        words = [*asked, "--help"]
    for length in (2, 1):
        name = " ".join(words[:length])
        if not os.path.exists(name):
            name = ALIASES.get(name, name)
        if name in COMMANDS:
            return name, words[length:]
    if words and words[0] in groups():
        _refuse_half_a_command(words)
    if words and words[0] in MOVED and not os.path.exists(words[0]):
        _refuse(f"there is no command {words[0]!r}: type python3 run.py {MOVED[words[0]]}")
    if words and not _is_for_detect(words[0]):
        for name in COMMANDS:
            if name.split()[1:] == words[:1]:
                _refuse(f"there is no command {words[0]!r}: type python3 run.py {name}")
        known = [*COMMANDS, *groups(), *os.listdir()]
        _refuse(f"there is no command and no file {words[0]!r}{hint(words[0], known)}")
    return "detect", words


def _is_for_detect(word):
    """Whether a word that is no command is an option or an input, and no mistyped command."""
    return word.startswith("-") or word.isdigit() or is_like_a_file(word)


def _refuse_half_a_command(words):
    """Of a group: its page if that is asked for, else what is missing or wrong."""
    group, *more = words
    if more and more[0] in HELP:
        _tell(overview(group))
    wanted = [name.split()[1] for name in COMMANDS if name.split()[0] == group]
    given = more[0] if more else ""
    what = f"there is no command '{group} {given}'" if given else f"{group} needs one word more"
    _refuse(f"{what}: {', '.join(wanted)}{hint(given, wanted)}")


def _version():
    """What CITATION.cff says."""
    return re.search(r"(?m)^version: *(\S+)", (ROOT / "CITATION.cff").read_text("utf-8"))[1]


def _tell(text):
    print(text)
    raise SystemExit(0)


def _refuse(line):
    print(f"{line} (python3 run.py --help lists all commands)", file=sys.stderr)
    raise SystemExit(2)
