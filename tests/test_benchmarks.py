"""The benchmarks run: a few calls of each, whose tables have a row for every way.

`learning.py`, which compiles three trainings, runs once a week, see .github/workflows.
"""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "command, rows",
    [
        ("inference.py --images 2 --calls 2", ("eager", "tf.function", "fast")),
        ("photographs.py --calls 2 --images 2 --ways fast", ("everyday as it comes", "Not here")),
        ("explorers.py --moves 2", ("explore_anchors", "explore_roi_align", "explore_thresholds")),
        ("tracks.py --clips 1 --frames 4", ("truth, spoiled", "streets")),
        ("between.py --clips 1 --frames 9 --every 1 2 --rounds 1", ("stay", "corners")),
        (
            "video.py --model= --rounds 1 --seconds 0.5 --long 2 --wait 5",
            ("drawing", "memory", "alone", "pipeline", "moviepy"),
        ),
        ("run_all.py --quick --parts pasting", ("ours", "TensorFlow", "OpenCV")),
        ("growth.py --rounds 2 --small", ("**Size", "**Number", "**Length", "- time", "- memory")),
        (
            "long_runs.py --calls 10 --pictures 10 --minutes 0.02",
            ("**Calls of streets", "**Pictures of", "**Frames of", "**Between"),
        ),
        ("finetune.py novelties --epochs 1 --steps 1 --images 2", ("novelties-0",)),
    ],
)
def test_a_short_run(command, rows):
    name, *options = command.split()
    run = [sys.executable, str(ROOT / "benchmarks" / name), *options]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-500:]
    lines = done.stdout.splitlines()
    for row in rows:
        assert any(line.removeprefix("| ").startswith(row) for line in lines), row
