"""The benchmarks that compare with peers, one after another, and what they say in one file.

    python3 run.py bench [--quick] [--only PART ...] [--out FILE]

Each part is a command that runs alone, too. Their tables go to benchmarks/RESULTS.md, with machine,
versions and date; what is not run this time keeps its table. Takes about ten minutes on two cores.
"""

import argparse
import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import psutil

from helpers.pictures import replacing

ROOT = pathlib.Path(__file__).parents[1]
PARTS = {  # name: (title, command, options of --quick)
    "detector": (
        "Forms of the detector",
        "inference.py --images 60 --calls 30",
        "--images 2 --calls 3",
    ),
    "graph": (
        "One exported graph, the way of 2018 and today's",
        "zoo_session.py --graph {graph} --frames 12",
        "--frames 2",
    ),
    "video": (
        "A film: the pipeline, the detector alone, a plain MoviePy loop",
        "video.py --seconds 3 --rounds 3 --long 120",
        "--seconds 0.5 --rounds 1 --long 2 --wait 5 --model=",
    ),
    "training": (
        "Training, beside a plain Keras loop",
        "engine.py --batches 10 --rounds 2",
        "--batches 4 --rounds 1",
    ),
    "pasting": (
        "Masks pasted into a picture",
        "pasting.py --masks 100 --rounds 5",
        "--masks 4 --size 90 160 --rounds 1",
    ),
    "growth": ("What grows with what", "growth.py", "--quick"),
}
PACKAGES = "tensorflow-cpu", "keras", "numpy", "opencv-python-headless", "av", "moviepy"


def about():
    """A line each for machine and versions."""
    versions = {d.metadata["name"].lower(): d.version for d in importlib.metadata.distributions()}
    known = [f"{name} {versions[name]}" for name in PACKAGES if name in versions]
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {memory:.0f} GiB, {platform.system()}"
    today = datetime.date.today().isoformat()
    return f"{today}; {machine}; Python {platform.python_version()}, {', '.join(known)}."


def run(name, quick, graph):
    """The text that a part prints."""
    _, command, small = PARTS[name]
    command = command.format(graph=graph)
    script, *options = f"{command} {small if quick else ''}".split()
    line = [sys.executable, str(ROOT / "benchmarks" / script), *options]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
    return done.stdout.rstrip()


def section(name, text, seconds):
    """The Markdown of a part."""
    title, command, _ = PARTS[name]
    command = command.format(graph="FOLDER")
    head = f"## {title}\n\n`python benchmarks/{command}`, {seconds:.0f} s\n"
    return f"<!-- {name} -->\n{head}\n```\n{text}\n```\n"


def main():
    """Run the parts, print each table when it is there, write them all."""
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="whether all runs, not how fast it is")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "benchmarks/RESULTS.md")
    args = parser.parse_args()
    old = args.out.read_text(encoding="utf-8") if args.out.exists() else ""
    known = re.finditer(r"(?ms)^<!-- (\w+) -->\n.*?^```\n.*?^```\n", old)
    sections = {match[1]: match[0] for match in known}
    with tempfile.TemporaryDirectory() as graph:
        if "graph" in args.only:
            export = [sys.executable, "-m", "helpers.zoo", "export", "streets", graph]
            subprocess.run(export, cwd=ROOT, capture_output=True, check=True)
        for name in args.only:
            start = time.monotonic()
            text = run(name, args.quick, graph)
            sections[name] = section(name, text, time.monotonic() - start)
            print(sections[name], flush=True)
    head = f"# What was measured\n\n`python3 run.py bench`: {about()}\n"
    head += "Read the ratios: the rest is of this machine.\n"
    with replacing(args.out) as part:
        parts = [sections[name] for name in PARTS if name in sections]
        part.write_text("\n".join([head, *parts]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
