"""How long does a notebook run, and how much memory does it need?

    python benchmarks/notebooks.py [--small] [--solutions] [start of a name ...]

Runs each notebook as the tests do, in a kernel of its own: with its own parameters, or with those
of the tests (--small). Prints, from the start of the kernel on, seconds on the clock and seconds of
computing, on all cores together; the peak of memory; and the cell that took longest. Processes
that a notebook starts count, too. The clock depends on what else the machine does, the seconds of
computing hardly. The aims on two quiet cores: 90 s, 30 s with --small; 1.6 GB, as Binder has 2.
With their own parameters, seconds and memory go to docs/notebooks.json, and from there into every
text that names them (.ci/notebook_numbers.py); a run of all writes benchmarks/NOTEBOOKS.md, too.
"""

import argparse
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import psutil
from run_all import ROOT, machine

from helpers.pictures import replacing


def usage(process):
    """Seconds of computing, and MB, of a process and all that it started."""
    seconds = memory = 0
    for one in (process, *process.children(recursive=True)):
        try:
            with one.oneshot():
                seconds += sum(one.cpu_times()[:4])  # user, system; of children that have ended
                full = one.memory_full_info()
                memory += getattr(full, "pss", full.rss) / 1e6  # what two share counts once
        except psutil.Error:  # it has just ended
            pass
    return seconds, memory


def run(path, parameters):
    """Run a notebook; its row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        out, parameters = pathlib.Path(folder) / path.name, parameters | {"OUT": folder}
        command = [sys.executable, "-m", "papermill", str(path), str(out), "--cwd", path.parent]
        command += ["-y", json.dumps(parameters), "--no-progress-bar", "--log-level", "ERROR"]
        papermill = psutil.Popen(command)
        kernel = None
        seconds = 0
        peak = 0
        start = 0
        while papermill.poll() is None:
            if kernel is None and papermill.children():
                kernel = papermill.children()[0]
                start = time.perf_counter()
            if kernel is not None and kernel.is_running():
                now, memory = usage(kernel)
                seconds, peak = max(seconds, now), max(peak, memory)
            time.sleep(0.1)
        wall = time.perf_counter() - start
        if papermill.returncode:
            return None
        cells = json.loads(out.read_text(encoding="utf-8"))["cells"]
    spent = {cell["id"]: cell["metadata"]["papermill"]["duration"] or 0 for cell in cells}
    slowest = max(spent, key=spent.get)
    return f"{wall:.1f}", f"{seconds:.1f}", f"{peak:.0f}", f"{slowest}, {spent[slowest]:.1f} s"


def keep(measured):
    """Put seconds and memory of some notebooks into docs/notebooks.json and into the texts."""
    path = ROOT / "docs/notebooks.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    for stem, (_, seconds, megabytes, _) in measured.items():
        facts.setdefault(stem, {"minutes": 45})
        facts[stem] |= {"seconds": round(float(seconds)), "megabytes": int(megabytes)}
    with replacing(path) as part:
        part.write_text(json.dumps(dict(sorted(facts.items())), indent=1) + "\n", encoding="utf-8")
    subprocess.run([sys.executable, str(ROOT / ".ci/notebook_numbers.py")], check=True)


def main():
    """Print a table, a row for each notebook; returns how many failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="with the parameters of the tests")
    parser.add_argument("--solutions", action="store_true", help="the solutions, too")
    parser.add_argument("names", nargs="*", help="only those whose names start so, as in 03")
    args = parser.parse_args()
    failed = 0
    books = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    books += sorted((ROOT / "notebooks/solutions").glob("[0-9]*.ipynb")) if args.solutions else []
    page = ["# Notebooks", "", "By `python benchmarks/notebooks.py`.", "", *machine(), ""]
    page += [
        "| notebook | clock s | computing s | MB | slowest cell |",
        "| --- | --: | --: | --: | --- |",
    ]
    print(*page, sep="\n", flush=True)
    measured = {}
    for path in books:
        if not args.names or path.name.startswith(tuple(args.names)):
            _, _, topic = path.stem.partition("_")  # of 04b_build_and_train, too
            small = importlib.import_module(f"tests.books.{topic}").SMALL
            row = run(path, small if args.small else {})
            failed += row is None
            if row and path.parent.name == "notebooks":
                measured[path.stem] = row
            name = str(path.relative_to(ROOT / "notebooks").with_suffix(""))
            page.append(f"| {' | '.join([name, *(row or ['failed'])])} |")
            print(page[-1], flush=True)
    if not args.small:
        keep(measured)
    if not (args.small or args.solutions or args.names or failed):
        with replacing(ROOT / "benchmarks/NOTEBOOKS.md") as part:
            part.write_text("\n".join(page) + "\n", encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
