"""Measure Pixelwise against its peers; writes benchmarks/RESULTS.md.

    python3 run.py bench [--parts forms pasting ...] [--quick] [--out FILE]

Each part is a script of its own in benchmarks/, run in a process of its own, one after another. On
two cores all take less than twenty minutes. All compare things that are run in turn: read the
ratios. Only a run of all parts that succeed is written, unless --out says where to.
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

from helpers.pictures import replacing

ROOT = pathlib.Path(__file__).parents[1]

PARTS = {  # name: what is asked; script and options; options for --quick
    "forms": (
        "Forms of the detector",
        "inference.py --calls 30 --images 60",
        "--calls 2 --images 2",
    ),
    "photographs": (
        "Photographs, beside what else can be had",
        "photographs.py --calls 20 --images 96",
        "--calls 2 --images 2 --ways fast",
    ),
    "graph": (
        "One exported graph, run in four ways",
        "zoo_session.py --model streets --frames 12",
        "--frames 2",
    ),
    "video": (
        "The video pipeline, the detector alone, a plain MoviePy loop",
        "video.py --model= --seconds 12 --rounds 2 --long 36",
        "--rounds 1 --seconds 0.5 --long 2 --wait 5",
    ),
    "streets_video": (
        "The same with streets",
        "video.py --model streets --wait --long 0 --seconds 2 --rounds 2",
        "--seconds 0.2 --rounds 1",
    ),
    "photo_video": (
        "The same with everyday",
        "video.py --model everyday --wait --long 0 --seconds 2 --rounds 2",
        "--seconds 0.2 --rounds 1",
    ),
    "between": (
        "Masks carried between detections",
        "between.py",
        "--clips 1 --frames 9 --every 1 2 --rounds 1",
    ),
    "learning": ("Training", "learning.py --epochs 4 --steps 3", "--epochs 2 --steps 1"),
    "pasting": ("Pasting masks", "pasting.py", "--masks 3 --rounds 2 --size 108 192"),
    "growth": ("Growth", "growth.py --rounds 3", "--rounds 1 --small"),
}
PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "numpy", "opencv-python-headless", "av")


def machine():
    """What this is measured on, as lines of Markdown."""
    import psutil

    yield f"- {datetime.date.today()}"
    name = platform.processor() or platform.machine()
    facts = pathlib.Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", facts.read_text()) if facts.exists() else None
    yield f"- {os.cpu_count()} cores, {found[1] if found else name}"
    yield f"- {psutil.virtual_memory().total / 1e9:.0f} GB of memory, {platform.system()}"
    installed = {
        d.name.lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()
    }
    versions = [f"{name} {installed[name]}" for name in PACKAGES if name in installed]
    yield f"- Python {platform.python_version()}, {', '.join(versions)}"
    if hasattr(os, "getloadavg"):
        yield f"- {os.getloadavg()[0]:.1f} programs at work when it began"


def run(script, *options):
    """Run a script; its lines are printed as they come, and returned. None if it fails."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *options]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    lines = []
    with tempfile.TemporaryFile() as errors:  # a pipe that nobody reads would hold the script up
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8",
            env=environment,
        ) as child:  # fmt: skip
            for line in child.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        errors.seek(0)
        told = errors.read().decode(errors="replace")
    if child.returncode:
        print(told[-2000:], file=sys.stderr)
        return None
    return "".join(lines).strip()


def main():
    """Run the parts, print and write them; returns 1 if one fails."""
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all?")
    parser.add_argument("--out", type=pathlib.Path, help="where to write")
    args = parser.parse_args()
    begun = time.monotonic()
    failed = []
    page = ["# Results", "By `python3 run.py bench`: read the ratios.", "\n".join(machine())]
    for part in args.parts:
        title, command, quick = PARTS[part]
        script, *options = command.split()
        options = [*options, *quick.split()] if args.quick else options
        print(f"\n## {title}\n", flush=True)
        start = time.monotonic()
        said = run(script, *options)
        if said is None:
            failed.append(part)
        took = f"`python benchmarks/{script} {' '.join(options)}`, {time.monotonic() - start:.0f} s"
        page += [f"## {title}", took, said or "It failed."]
    print(f"\n{len(args.parts)} parts in {(time.monotonic() - begun) / 60:.1f} minutes")
    out = args.out
    if not (args.quick or failed or set(PARTS) - set(args.parts)):
        out = out or ROOT / "benchmarks" / "RESULTS.md"
    if out:
        with replacing(out) as part:
            part.write_text("\n\n".join(page) + "\n", encoding="utf-8")
        print(f"written: {out}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
