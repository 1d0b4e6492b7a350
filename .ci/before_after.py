"""Data sets as version 1 read them and as they are read now, object by object.

    .venv/bin/python .ci/before_after.py DATA [DATA …] [--fix] [--report FILE]

Version 1's readers come out of the history into a temporary folder and work in a process of their
own. Objects are the same if class, box, mask and crowd are. Each difference is told with what
either version says about its picture; the exit code is 1 if there is one.
"""

import argparse
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from pycocotools import mask as rle

ROOT = pathlib.Path(__file__).resolve().parents[1]
LAST_OF_1 = "helpers/datasets.py"  # went with version 1
HEAD = (
    "| data | pictures | objects | crowds | equal | different |",
    "|---|---|---|---|---|---|",
)
# Their modules then and now.
READERS = {
    "read_dataset": ("helpers.datasets", "helpers.annotations"),
    "Photos": ("helpers.photos", "helpers.training.photos"),
}
SAME_OBJECT = 0.5  # mask IoU of what is one object, read otherwise


class Difference(NamedTuple):
    """An object or a picture that is read otherwise."""

    picture: str
    kind: str
    reason: str


def git(*arguments):
    """What git says, as bytes."""
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True).stdout


def unpack_version_1(folder):
    """Put version 1's helpers into a folder; returns the commit."""
    removal = git("log", "-1", "--format=%H", "--diff-filter=D", "--", LAST_OF_1).decode().strip()
    if not removal:
        sys.exit(
            f"no commit in which {LAST_OF_1} went: is the history whole? git fetch --unshallow"
        )
    archive = git("archive", f"{removal}^", "helpers")
    tarfile.open(fileobj=io.BytesIO(archive)).extractall(folder, filter="data")
    return git("log", "-1", "--format=%h of %as", f"{removal}^").decode().strip()


def read(root, module, path, fix):
    """A data set, read in a process of its own by the helpers in `root`: see read_objects.py."""
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder, "objects.json")
        command = [sys.executable, ROOT / ".ci/read_objects.py", module, path, result]
        command += ["--fix"] if fix else []
        variables = {**os.environ, "PYTHONPATH": str(root)}
        child = subprocess.run(command, env=variables, capture_output=True, text=True)
        if child.returncode:
            sys.exit(f"{module} cannot read {path}: {child.stderr.strip().splitlines()[-1]}")
        return json.loads(result.read_text(encoding="utf-8"))


def differences(then, now):
    """Yield a Difference for each object and picture that is read otherwise."""
    said = what_is_said(then, now)
    for path in sorted({*then["pictures"], *now["pictures"]}):
        name = pathlib.Path(path).name
        reason = "; ".join(sorted(said[pathlib.Path(path).stem])) or "nothing is said"
        if path not in now["pictures"]:
            yield Difference(name, "picture only then", reason)
        elif path not in then["pictures"]:
            yield Difference(name, "picture only now", reason)
        else:
            for kind in kinds(then["pictures"][path], now["pictures"][path]):
                yield Difference(name, kind, reason)


def kinds(then, now):
    """Yield in what the objects of a picture differ; each of them at most once."""
    gone = [one for one in then if one not in now]
    new = [one for one in now if one not in then]
    if gone and new:
        overlap = rle.iou([code(one) for one in gone], [code(one) for one in new], [0] * len(new))
        for i in np.argsort(-overlap.max(1)).tolist():
            j = int(overlap[i].argmax())
            if overlap[i, j] < SAME_OBJECT:
                continue
            before, after = gone[i], new[j]
            gone[i] = new[j] = None
            overlap[:, j] = 0
            yield how_one_changed(before, after, overlap[i, j])
    for time, rest in (("then", gone), ("now", new)):
        for one in filter(None, rest):
            yield f"{'crowd' if one[3] else 'object'} only {time}"


def how_one_changed(before, after, mask_iou):
    """In what one object is read otherwise."""
    changed = []
    if before[0] != after[0]:
        changed.append(f"class {before[0]} is {after[0]}")
    if before[1:3] != after[1:3]:
        changed.append(f"mask and box (IoU {mask_iou:.2f})")
    if before[3] != after[3]:
        changed.append("crowd" if after[3] else "no crowd")
    return ", ".join(changed)


def code(one):
    """The mask of an object, as pycocotools has it."""
    height, width, counts = one[2]
    return {"size": [height, width], "counts": counts.encode()}


def what_is_said(then, now):
    """{stem of a picture: what only one of both says about it}."""
    said = defaultdict(set)
    for title, one, other in (("now", now, then), ("then", then, now)):
        known = {line for _, line in other["problems"]}
        for name, line in one["problems"]:
            if name and line not in known:
                said[pathlib.PurePath(name).stem].add(f"{title}: {line}")
    return said


def count(data):
    """Pictures, objects and crowds of what was read."""
    objects = [one for objects in data["pictures"].values() for one in objects]
    return len(data["pictures"]), len(objects), sum(one[3] for one in objects)


def compare(path, reader, version_1, fix):
    """The row of a data set, and its differences."""
    then = read(version_1, READERS[reader][0], path, fix)
    now = read(ROOT, READERS[reader][1], path, fix)
    found = list(differences(then, now))
    equal = 0
    for picture, objects in then["pictures"].items():
        others = now["pictures"].get(picture, [])
        equal += sum(one in others for one in objects)
    numbers = [f"{a} / {b}" for a, b in zip(count(then), count(now), strict=True)]
    return [f"{path.name}, {reader}", *numbers, str(equal), str(len(found))], found


def readers_of(path):
    """By which READERS a path is read: those for training take partly labelled photographs."""
    return list(READERS) if list(path.glob("instances_train*.json")) else ["read_dataset"]


def told(found):
    """The differences of one data set as lines: alike ones are counted, with an example."""
    alike = defaultdict(list)
    for one in found:
        key = re.sub(r"[\w.-]*\d[\w.-]*", "#", f"{one.kind}: {one.reason}")
        alike[key].append(one)
    for group in sorted(alike.values(), key=len, reverse=True):
        yield f"- {len(group)} × {group[0].kind}, such as in {group[0].picture}: {group[0].reason}"


def main():
    """Compare all, and print the table and the differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="+", type=pathlib.Path, help="folder or annotation file")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended, both times")
    parser.add_argument("--report", type=pathlib.Path, help="write it to this file, too")
    options = parser.parse_args()
    rows, details = [], []
    with tempfile.TemporaryDirectory() as folder:
        commit = unpack_version_1(folder)
        for path in options.data:
            for reader in readers_of(path):
                row, found = compare(path.resolve(), reader, folder, options.fix)
                rows.append(row)
                details += ["", f"{row[0]}:", *(told(found) if found else ["- nothing differs"])]
                print(f"| {' | '.join(row)} |", flush=True)
    lines = [f"Version 1 is {commit}. Both numbers are version 1's and today's.", "", *HEAD]
    text = "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), *details, ""])
    print(text, end="")
    if options.report:
        options.report.write_text(text, encoding="utf-8")
    sys.exit(1 if any(row[-1] != "0" for row in rows) else 0)


if __name__ == "__main__":
    main()
