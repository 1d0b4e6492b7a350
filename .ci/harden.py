"""Throws damaged and hostile files at everything that reads one, and valid ones of known truth.

    python3 run.py harden [--inputs 300] [--seed 0] [--only KIND ...]

A reader may read what it is given, or refuse it in one line (InputError, ValueError). It fails if
anything else is raised, if it takes longer than SECONDS, if it kills its process, if it writes
outside its folder, or if code in the file is run: see `hostile/`. Valid files, of kinds named
valid_…, must be read and give what was written: see `valid/`. Each kind works in processes of its
own: one that dies is counted, and the next goes on behind it. The same seed gives the same inputs.
The table goes to benchmarks/HARDENED.md.
"""

import argparse
import datetime
import importlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter

import hostile
import valid

ROOT = pathlib.Path(__file__).resolve().parents[1]
SECONDS = 20  # for one input
LONGEST = 900  # characters of a refusal


class Slow(BaseException):
    """An input took too long."""


def of_valid_files(name):
    """A kind whose files are valid: a refusal is wrong, too."""

    def kind(rng, folder):
        try:
            valid.check(name, rng, folder)
        except ValueError as error:
            raise AssertionError(f"refused: {error}") from None

    return kind


KINDS = dict(hostile.CHECKS)
KINDS |= {f"valid_{name}": of_valid_files(name) for name in valid.NAMES}
SHARE = dict(hostile.SHARE)  # of --inputs
SHARE |= {f"valid_{name}": 10 / 3 for name in valid.NAMES}


# Runs --------------------------------------------------------------------------------------------


def attempt(kind, seed, number):
    """What came of one input: "read", "refused", or what went wrong."""
    rng = random.Random(f"{kind} {seed} {number}")
    home = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / "in"
        folder.mkdir()
        os.chdir(folder.parent)
        signal.alarm(SECONDS)
        try:
            KINDS[kind](rng, folder)
            outcome = "read"
        except ValueError as error:  # InputError is one
            short = len(str(error)) <= LONGEST and "Traceback" not in str(error)
            outcome = "refused" if short else f"a refusal of {len(str(error))} characters"
        except Slow:
            outcome = f"took longer than {SECONDS} s"
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"[:300]
        signal.alarm(0)
        os.chdir(home)
        if list(folder.parent.rglob("ran")):
            outcome = "code in the file was run"
    return outcome


def work(kind, seed, first, last):
    """Attempts, a line each on file 3; what readers print goes nowhere."""

    def slow(*_):
        raise Slow

    for name in ("helpers.models.loading", "helpers.training.__main__", "helpers.video.pipeline"):
        importlib.import_module(name)  # now: no input shall wait for TensorFlow
    signal.signal(signal.SIGALRM, slow)
    out = os.fdopen(3, "w", buffering=1)
    for number in range(first, last):
        print(number, attempt(kind, seed, number).replace("\n", " "), file=out)


def run(kind, seed, inputs):
    """Counter of outcomes, [(number, failure)]."""
    outcomes = Counter()
    failures = []
    first = 0
    while first < inputs:
        read, write = os.pipe()
        call = f"harden.work({kind!r}, {seed}, {first}, {inputs})"
        code = f"import os; os.dup2({write}, 3); import harden; {call}"
        env = {**os.environ, "PYTHONPATH": f"{ROOT / '.ci'}:{ROOT}", "TF_CPP_MIN_LOG_LEVEL": "3"}
        child = subprocess.Popen(
            [sys.executable, "-c", code], pass_fds=[write], env=env, cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as lines:
            for line in lines:
                number, _, outcome = line.rstrip("\n").partition(" ")
                first = int(number) + 1
                good = outcome in ("read", "refused")
                outcomes[outcome if good else "failed"] += 1
                failures += [] if good else [(int(number), outcome)]
        if child.wait():
            outcomes["failed"] += 1
            failures.append((first, f"its process ended with {child.returncode}"))
            first += 1
    return outcomes, failures


def main():
    """Run all kinds, print and write the table; returns 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="run.py harden", description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=300, help="of each kind (default 300)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "benchmarks/HARDENED.md")
    args = parser.parse_args()
    rows, all_failures = [], []
    for kind in args.only:
        inputs = max(1, round(args.inputs * SHARE.get(kind, 1)))
        outcomes, failures = run(kind, args.seed, inputs)
        numbers = (inputs, outcomes["read"], outcomes["refused"], outcomes["failed"])
        rows.append(f"| {kind.replace('_', ' ')} | " + " | ".join(map(str, numbers)) + " |")
        all_failures += [f"- {kind} {number}: {what}" for number, what in failures]
        print(rows[-1], *all_failures[len(all_failures) - len(failures) :], sep="\n", flush=True)
    head = "| kind | inputs | read | refused in a line | failed |\n|---|---|---|---|---|"
    today = datetime.date.today().isoformat()
    title = "# Damaged, hostile and valid files\n\n"
    title += f"`python3 run.py harden`, seed {args.seed}, {today}.\n"
    from helpers.pictures import replacing

    with replacing(args.out) as part:
        part.write_text("\n".join([title, head, *rows, "", *all_failures]).rstrip() + "\n")
    return int(bool(all_failures))


if __name__ == "__main__":
    sys.exit(main())
