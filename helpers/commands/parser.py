"""A command line, read: what makes no sense ends in one line that says what would.

argparse, not typer or click: run.py reads its command line with the Python of the system, before
there is an environment to find packages in. So help comes at once, and a mistyped option does not
first wait for a set-up.
"""

import argparse
import os
import re

from helpers.spelling import hint

PAIR = re.compile(r"([A-Za-z][\w-]*)=(.+)")


class Parser(argparse.ArgumentParser):
    """The parser of one command.

    Args:
        name: of the command.
        command: a `Command` with options.
    """

    def __init__(self, name, command):
        super().__init__(
            prog=f"python3 run.py {name}",
            description=command.summary,
            epilog=epilog(command),
            formatter_class=argparse.RawTextHelpFormatter,
        )
        command.add_options(self)
        self.usage = " ".join([self.prog, *self._inputs(), "[options]"])
        self.takes_pairs = command.takes_pairs
        self.elsewhere = command.elsewhere

    def parse_args(self, args=None, namespace=None):
        """The options; inputs may stand before, between and behind them."""
        args = [_with_dashes(word) for word in args]
        if self.takes_pairs:
            args = [word for given in args for word in self._apart(given)]
        options, unknown = self.parse_known_intermixed_args(args, namespace)
        for word in unknown:
            if word.startswith("-"):
                self.error(self._no_option(word.partition("=")[0]))
            self._refuse_pair(word)
            self.error(f"{word!r} is one word too many")
        for action in self._actions:
            if not action.option_strings:
                self._refuse_pair(str(getattr(options, action.dest)))
        return options

    def error(self, message):
        """End the program with a line and code 2."""
        self.exit(2, f"{self.prog}: {message} (--help tells more)\n")

    def _inputs(self):
        """What is given without an option's name, as the usage line has it."""
        for action in self._actions:
            if not action.option_strings:
                yield {"*": "[{} ...]", "?": "[{}]"}.get(action.nargs, "{}").format(action.metavar)

    def _refuse_pair(self, word):
        """End the program if a word is the pair of an option, as "epochs=3", or of an input."""
        found = PAIR.fullmatch(word)
        if found is None or os.path.exists(word):
            return
        name, value = found.groups()
        if f"--{name}" in self._option_string_actions:
            self.error(f"{word!r} is written --{name} {value} here")
        if name in [action.dest for action in self._actions]:
            self.error(f"{word!r} is written {value} here")

    def _apart(self, given):
        """The pair "conf=0.25" as the two words "--conf 0.25"; any other word as it is."""
        found = PAIR.fullmatch(given)
        if found is None or os.path.exists(given):
            return [given]
        name, value = found.groups()
        option = f"--{name.replace('_', '-')}"
        if option not in self._option_string_actions:
            self.error(self._no_option(option))
        is_switch = self._option_string_actions[option].nargs == 0
        if not is_switch:
            return [option, value]
        return [] if value.lower() in ("false", "0", "no") else [option]

    def _no_option(self, name):
        for names, remedy in self.elsewhere:
            if name in names:
                return f"there is no option {name}: {remedy}"
        known = []
        for action in self._actions:
            if action.help != argparse.SUPPRESS:
                known += action.option_strings
        return f"there is no option {name}{hint(name, known)}"


def _with_dashes(word):
    """An option's name with dashes: --conf_thres becomes --conf-thres."""
    if not word.startswith("--"):
        return word
    name, sign, value = word.partition("=")
    return name.replace("_", "-") + sign + value


def epilog(command):
    """What stands below the options: the examples, and more."""
    width = max(len(words) for words, _ in command.examples)
    lines = ["examples:"]
    lines += [f"  python3 run.py {words:<{width}}  # {does}" for words, does in command.examples]
    if command.more:
        lines += ["", command.more]
    return "\n".join(lines)
