"""The benchmarks run: a few calls of each, whose tables have a row for every way."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize(
    "command, rows",
    [
        ("inference.py --images 2 --calls 2", ("eager", "tf.function", "fast")),
        ("explorers.py --moves 2", ("explore_anchors", "explore_roi_align", "explore_cuts")),
        ("tracks.py --clips 1 --frames 4", ("truth, spoiled", "streets")),
        ("between.py --clips 1 --frames 9 --every 1 2", ("stay", "corners")),
        (
            "video.py --model= --rounds 1 --seconds 0.5 --long 2 --wait 5",
            ("drawing", "memory", "alone", "pipeline", "moviepy"),
        ),
        (
            "pasting.py --masks 4 --size 90 160 --rounds 1",
            ("ours", "cv2.resize", "crop_and_resize"),
        ),
        ("engine.py --batches 4 --rounds 1", ("plain", "ours")),
        ("growth.py --quick", ("detect", "paste", "a film", "films")),
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
        assert any(line.startswith(row) for line in lines), row


def test_all_of_them_in_one_file(tmp_path):
    """A part that is not run again keeps its table."""
    out = tmp_path / "results.md"
    run = [sys.executable, str(ROOT / "benchmarks/run_all.py"), "--quick", "--out", str(out)]
    old = "<!-- video -->\n## A film\n\n`x`, 1 s\n\n```\nold\n```\n"
    out.write_text(f"# What\n\nIt was.\n\n{old}")
    done = subprocess.run(
        [*run, "--only", "pasting"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-500:]
    text = out.read_text()
    assert old in text and "It was" not in text and "tensorflow-cpu" in text
    assert "<!-- pasting -->" in text and "crop_and_resize " in text
