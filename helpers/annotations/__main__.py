"""The command `python3 run.py data`: check, count and convert annotations."""

import argparse
import re
import sys
from collections import Counter

from helpers.annotations.datasets import read_dataset, statistics, write_coco
from helpers.structures import InputError


def main(argv=None):
    """Check annotations, count what is there, or convert to COCO JSON; `--fix` mends."""
    parser = argparse.ArgumentParser(prog="python3 run.py data", description=main.__doc__)
    parser.add_argument("command", choices=("check", "stats", "convert"))
    parser.add_argument("path", help="an annotation file or a folder")
    parser.add_argument("folder", nargs="?", help="where convert writes to")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended safely")
    options = parser.parse_args(argv)
    if (options.command == "convert") != bool(options.folder):
        parser.error("convert, and only convert, needs a folder to write to")
    try:
        dataset = read_dataset(options.path, options.fix)
        if options.command == "convert":
            print(write_coco(dataset, options.folder))
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    kinds = Counter()
    for problem in dataset.problems if options.command == "check" else ():
        kind = re.sub(r"'.*?'|[\d.]+", "#", problem.what)
        kinds[kind] += 1
        if kinds[kind] <= 10:
            print("note " if problem.fixed else "WRONG", problem)
    for kind, num in kinds.items():
        if num > 10:
            print(f"… and {num - 10} more: {kind}")
    counts = statistics(dataset)
    for name, row in counts.pop("classes").items():
        print(f"{name}: {row['objects']} objects in {row['pictures']} pictures,", end=" ")
        areas = row["areas"] or [0]
        print(f"areas {areas[0]} to {areas[-1]} pixels, median {areas[len(areas) // 2]}")
    wrong = sum(not problem.fixed for problem in dataset.problems)
    print(*(f"{value} {key}" for key, value in counts.items()), f"{wrong} left out", sep=", ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
