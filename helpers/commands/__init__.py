"""The command line: each command, its options, its help; nothing but the standard library."""

from helpers.commands.reading import Call, read_call
from helpers.commands.table import COMMANDS

__all__ = ["COMMANDS", "Call", "read_call"]
