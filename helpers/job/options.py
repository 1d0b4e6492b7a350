"""The options of the main job."""

import argparse
import sys

from helpers.commands import read_call


def read_options(argv=None) -> argparse.Namespace:
    """The options of `python3 run.py detect`, see helpers/commands/detect.py.

    What makes no sense ends the program with code 2 and a line. Added to what a user gives are
    `bundled`, whether to take the files that come with Pixelwise, since none were named, and
    `told`, the stream for what people read.

    Args:
        argv: the words behind the command; None for those of this program.
    """
    words = sys.argv[1:] if argv is None else argv
    options = read_call(["detect", *words]).options
    options.inputs += options.more_inputs
    options.bundled = not options.inputs
    options.told = sys.stderr if options.json or options.csv else sys.stdout
    return options
