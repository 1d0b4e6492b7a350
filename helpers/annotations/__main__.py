"""Annotated pictures: hear what is wrong, count what is there, or convert them to COCO JSON.

python3 run.py data check PATH            what is wrong, line by line
python3 run.py data stats PATH            how many of what
python3 run.py data convert PATH FOLDER   COCO JSON, and the pictures beside it

With --fix each mends first; --rename and --leave-out change the classes. The exit code is 0, 1 if
something was left out, 2 if nothing was read.
"""

import argparse
import re
import sys
from collections import Counter

from helpers.annotations.checking import read_dataset
from helpers.annotations.classes import add_class_options, with_classes
from helpers.annotations.overview import statistics
from helpers.annotations.writing import write_coco
from helpers.structures import InputError

MOST_ALIKE = 10  # lines of one kind


def main(argv=None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 run.py data",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("command", choices=("check", "stats", "convert"))
    parser.add_argument("path", help="an annotation file or a folder")
    parser.add_argument("folder", nargs="?", help="where convert writes to")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended safely")
    add_class_options(parser)
    options = parser.parse_args(argv)
    if (options.command == "convert") != bool(options.folder):
        parser.error("convert, and only convert, needs a folder to write to")
    try:
        dataset = read_dataset(options.path, options.fix)
        dataset = with_classes(dataset, dict(options.rename), options.leave_out)
        if options.command == "convert":
            print(write_coco(dataset, options.folder))
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if options.command == "check":
        print_problems(dataset.problems)
    num_wrong = sum(not problem.fixed for problem in dataset.problems)
    print_counts(statistics(dataset), num_wrong)
    return 1 if num_wrong else 0


def print_problems(problems):
    """A line for each problem, but of many that are alike only for the first."""
    num_alike = Counter()
    for problem in problems:
        kind = re.sub(r"'.*?'|[\d.]+", "#", problem.what)
        num_alike[kind] += 1
        if num_alike[kind] <= MOST_ALIKE:
            print("note " if problem.fixed else "WRONG", problem)
    for kind, num in num_alike.items():
        if num > MOST_ALIKE:
            print(f"… and {num - MOST_ALIKE} more: {kind}")


def print_counts(counts, num_wrong):
    """A line for each class, and one for all."""
    for name, row in counts["classes"].items():
        areas = row["areas"] or [0]
        print(
            f"{name}: {row['objects']} objects in {row['pictures']} pictures,",
            f"areas {areas[0]} to {areas[-1]} pixels, median {areas[len(areas) // 2]}",
        )
    keys = ["pictures", "empty", "objects"] + (["crowds"] if counts["crowds"] else [])
    totals = ", ".join(f"{counts[key]} {key}" for key in keys)
    print(f"{totals}, {num_wrong} left out")


if __name__ == "__main__":
    sys.exit(main())
