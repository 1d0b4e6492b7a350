"""The command `python3 run.py data`: check, count or convert annotated pictures.

The exit code is 0, 1 if something was left out, 2 if nothing was read.
"""

import re
import sys
from collections import Counter

from helpers.annotations.checking import read_dataset
from helpers.annotations.classes import with_classes
from helpers.annotations.overview import statistics
from helpers.annotations.writing import write_coco
from helpers.commands import read_call
from helpers.pictures import explain_system
from helpers.structures import InputError

MOST_ALIKE = 10  # lines of one kind


def main(argv=None) -> int:
    """The command; returns the exit code."""
    words = sys.argv[1:] if argv is None else argv
    call = read_call(["data", *words])
    options = call.options
    try:
        dataset = read_dataset(options.path, options.fix)
        dataset = with_classes(dataset, dict(options.rename), options.leave_out)
        if call.command == "data convert":
            print(write_coco(dataset, options.folder))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        place = getattr(options, "folder", options.path)  # where to, if it writes
        print(explain_system(error, place), file=sys.stderr)
        return 2
    if call.command == "data check":
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
