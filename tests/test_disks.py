"""Disks that really are full or read-only: small ones in memory, which this process mounts.

Where that is not allowed (it takes Linux and the rights of an administrator), they are skipped;
elsewhere in the tests such disks are played by errors.
"""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from helpers import DATA, ROOT
from helpers.pictures import read_image
from helpers.video import write_video

# Mount, fill with what lies in `old`, run a command, and copy what is then there to `left`.
SCRIPT = """
set -e
size=$1 mode=$2 disk=$3 old=$4 left=$5
shift 5
mount -t tmpfs -o size=$size pixelwise "$disk"
cp -a "$old/." "$disk"
[ $mode = full ] || mount -o remount,ro "$disk"
code=0
"$@" || code=$?
cp -a "$disk/." "$left"
exit $code
"""


def may_mount(folder):
    """Whether a disk can be mounted here, seen by that process alone."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "pixelwise", folder]
    return subprocess.run(command, capture_output=True).returncode == 0


def annotated(folder):
    """A photograph of a cat and COCO JSON with its outline."""
    folder.mkdir()
    shutil.copy(DATA / "photographs/chelsea.jpg", folder / "cat.jpg")
    cat = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 90, 80], "iscrowd": 0}
    outline = [[10, 10, 100, 10, 100, 90, 10, 90]]
    facts = {
        "images": [{"id": 1, "file_name": "cat.jpg", "height": 300, "width": 451}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{**cat, "segmentation": outline, "area": 7200}],
    }
    (folder / "instances.json").write_text(json.dumps(facts))
    return folder


def noise(path):
    """A video of a second, which is too large for a small disk."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (12, 96, 128, 3), dtype=np.uint8)
    write_video(path, frames, fps=12)
    return path


OLDER = "<title>Pixelwise</title> older"


def is_whole(path):
    """Whether a file holds what was there before, or all of what should be there."""
    if path.suffix in (".jpg", ".png"):
        return path.read_bytes() == OLDER.encode() or read_image(path).size > 0
    if path.suffix == ".csv":
        return path.read_text().endswith("\n")
    return path.read_text() == OLDER


# What is asked for, how large a disk is too small for it, and what an older run left there.
COMMANDS = {
    "pictures": (
        ["-m", "helpers", DATA / "photographs/chelsea.jpg", "--out", "OUT"],
        "40k",
        ["chelsea.jpg", "results.json", "index.html"],
    ),
    "videos": (["-m", "helpers", "VIDEO", "--out", "OUT"], "24k", ["noise.mp4", "results.json"]),
    "data convert": (
        ["-m", "helpers.annotations", "convert", "ANNOTATED", "OUT"],
        "20k",
        ["instances.json"],
    ),
    "models export": (["-m", "helpers.models", "export", "streets", "OUT"], "300k", []),
    "site": ([ROOT / ".ci/build_site.py", "OUT"], "900k", ["index.html"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["full", "read-only"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_of_the_machine(tmp_path, command, mode):
    """A line, a code, and on the disk what was there before, or new files that are whole."""
    for name in ("disk", "old", "left"):
        (tmp_path / name).mkdir()
    if not may_mount(tmp_path / "disk"):
        pytest.skip("needs the right to mount a disk")
    arguments, size, names = COMMANDS[command]
    out = tmp_path / "disk/out"
    places = {
        "OUT": out,
        "ANNOTATED": annotated(tmp_path / "annotated"),
        "VIDEO": noise(tmp_path / "noise.mp4"),
    }
    arguments = [places.get(argument, argument) for argument in arguments]
    for name in names:
        (tmp_path / "old/out").mkdir(exist_ok=True)
        (tmp_path / "old/out" / name).write_text(OLDER)
    begun = ["unshare", "-m", "bash", "-c", SCRIPT, "bash", size, mode, tmp_path / "disk"]
    folders = [tmp_path / "old", tmp_path / "left"]
    done = subprocess.run(
        [*begun, *folders, sys.executable, *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    said = done.stdout + done.stderr
    reason = "No space left on device" if mode == "full" else "Read-only file system"
    assert done.returncode == 2 and "Traceback" not in said, said
    assert reason in said or ("full" in said and mode == "full"), said
    files = [path for path in (tmp_path / "left").rglob("*") if path.is_file()]
    files = [path for path in files if path.suffix != ".lock"]
    assert {path.name for path in files} >= set(names)
    assert [path for path in files if not is_whole(path)] == []
