"""What a machine does to a program: no home, little memory, clocks that jump, Ctrl-C, two at once.

Each time nothing is lost or half written, and the next run goes on. Kills, full disks and networks
that stall are tested beside what they hit; benchmarks/FAULTS.md lists which test shows what.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from helpers import pictures, video
from helpers.structures import Detections

ROOT = pathlib.Path(__file__).parents[1]
PICTURE = ROOT / "data/pictures/street-1.jpg"
ENDED = "the job ended"


def start(*arguments, **environment):
    """The main job in a process of its own; None takes a variable away."""
    chosen = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
    chosen = {key: value for key, value in chosen.items() if value is not None}
    command = [sys.executable, "-m", "helpers", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, env=chosen, **pipes)


@pytest.mark.slow  # two fresh processes
@pytest.mark.skipif(not pathlib.Path("/proc/self").exists(), reason="needs a folder /proc")
def test_two_runs_at_once_without_a_home_into_a_long_path_of_many_alphabets(tmp_path):
    """Neither a home nor a folder for caches is needed; nobody sees half a file."""
    folder = tmp_path / "Фото und Bilder" / ("写真" * 25) / ("long " * 40).strip()
    folder.mkdir(parents=True)
    source = folder / "mon été 'à' la \"plage\" & 100 %.jpg"
    pictures.save_image(source, pictures.read_image(PICTURE))
    out = folder / "ergebnis ß"
    places = dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "KERAS_HOME"))
    # In /proc nobody may write, not even root.
    jobs = [
        start("--images", source, "--out", out, HOME=home, **places) for home in (None, "/proc")
    ]
    for job in jobs:
        _, errors = job.communicate(timeout=300)
        assert job.returncode == 0 and "Traceback" not in errors, errors[-500:]
    assert json.loads((out / "results.json").read_text())["annotations"]
    assert pictures.read_image(out / source.name).shape == pictures.read_image(PICTURE).shape
    assert not [path.name for path in out.rglob(".*")], "nothing half written is left"


LITTLE = f"""
import resource
import cv2, numpy as np, psutil
import helpers.__main__ as job
from helpers import models

detector = models.load_detector("streets", say=None)
detector(np.zeros((300, 300, 3), np.uint8))

def load_detector(*args, **more):
    return detector

models.load_detector = load_detector
cv2.imwrite("large.jpg", np.zeros((9000, 9000, 3), np.uint8))
cv2.imwrite("small.jpg", np.zeros((200, 300, 3), np.uint8))
for megabytes in (100, 400, 700, 850, 1000):
    held = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (held + megabytes * 10**6, -1))
    code = job.main(["--images", "large.jpg", "small.jpg", "--out", f"out{{megabytes}}"])
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    print("{ENDED}:", megabytes, code, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds to a limit of memory")
def test_with_little_memory_what_does_not_fit_is_named_and_the_rest_done(tmp_path):
    command = [sys.executable, "-c", LITTLE]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    ends = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith(ENDED)]
    assert ends == ["2"] * 5, (done.returncode, done.stderr[-1000:])
    lines = [line for line in done.stderr.splitlines() if line.startswith("large.jpg: ")]
    assert len(lines) == 5 and all("memory" in line for line in lines), lines
    for folder in tmp_path.glob("out*"):
        images = json.loads((folder / "results.json").read_text())["images"]
        names = [image["file_name"] for image in images]
        assert names == ["small.jpg"] and (folder / "small.jpg").exists()


class Fixed:
    """A detector that always finds one square."""

    categories = {1: "square"}

    def batch(self, images):
        masks = np.zeros((1, *images[0].shape[:2]), bool)
        masks[:, 8:24, 8:24] = True
        one = Detections([[8, 8, 24, 24]], [1], [0.9], masks.shape[1:], {1: "square"}, masks)
        return [one] * len(images)


def test_a_clock_that_goes_back_disturbs_no_video(tmp_path, monkeypatch):
    frames = np.random.default_rng(0).integers(0, 255, (30, 48, 64, 3), np.uint8)
    source = video.write_video(tmp_path / "video.mp4", frames, 10)
    ticks = iter(range(10**9, 0, -3600))
    reports = [video.process_video(source, tmp_path / "quiet.mp4", Fixed(), progress=True)]
    monkeypatch.setattr(time, "time", lambda: next(ticks))
    reports += [video.process_video(source, tmp_path / "back.mp4", Fixed(), progress=True)]
    assert [report.frames for report in reports] == [30, 30] and reports[1].took > 0
    assert (tmp_path / "back.mp4").read_bytes() == (tmp_path / "quiet.mp4").read_bytes()


VIDEO_CELL = """
import pathlib, sys, time
sys.path.insert(0, {root!r})
import numpy as np
from helpers.video import process_video, write_video

folder = pathlib.Path({folder!r})
def slow(frame):
    print("at work", flush=True)
    time.sleep(WAIT)
    return frame
frames = [np.full((48, 64, 3), 9 * k, np.uint8) for k in range(25)]
source = write_video(folder / "video.mp4", frames, 10)
(folder / "out.mp4").touch()
report = process_video(source, folder / "out.mp4", slow, progress=False)
print("frames:", report.frames)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.slow
def test_ctrl_c_in_a_cell_leaves_nothing_half_written_and_the_kernel_alive(tmp_path):
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    cell = VIDEO_CELL.format(root=str(ROOT), folder=str(tmp_path))

    def interrupt(message):
        text = message["content"].get("text", "")
        if "at work" in text and "at work" not in "".join(seen):
            manager.interrupt_kernel()
        seen.append(text)

    try:
        seen = []
        client.execute_interactive("WAIT = 0.3")
        reply = client.execute_interactive(cell, timeout=120, output_hook=interrupt)
        assert reply["content"]["ename"] == "KeyboardInterrupt", reply["content"]
        assert "frames:" not in "".join(seen)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "video.mp4"]
        assert (tmp_path / "out.mp4").stat().st_size == 0, "the older file stays"
        seen = ["at work"]  # from here on nobody interrupts
        client.execute_interactive("WAIT = 0")
        reply = client.execute_interactive(cell, timeout=120, output_hook=interrupt)
        assert reply["content"]["status"] == "ok" and "frames: 25" in "".join(seen)
        assert video.video_info(tmp_path / "out.mp4").num_frames == 25
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# --- the list -----------------------------------------------------------------------------------

FAULTS = (ROOT / "benchmarks/FAULTS.md").read_text(encoding="utf-8")


def faults_by_command(text):
    """{command: its faults, in their order} of the first table."""
    commands = {}
    table = text.split("\n## ")[1]
    _, *rows = re.findall(r"(?m)^\| (.*?)\| (.+?) \|", table)
    for command, fault in rows:
        if command:
            faults = commands[command.strip()] = []
        faults.append(fault)
    return commands


@pytest.mark.form
def test_each_command_meets_each_fault():
    commands = faults_by_command(FAULTS)
    assert len(commands) > 8
    for command, faults in commands.items():
        assert faults == ["killed", "Ctrl-C", "full disk", "read-only", "two at once"], command


@pytest.mark.form
def test_each_test_that_is_named_is_there():
    named = re.findall(r"`(test_\w+)`", FAULTS)
    rows = [line for line in FAULTS.splitlines() if re.match(r"\| (?!.*--)", line)]
    assert len(named) > 50 and sum("`test_" in row for row in rows) == len(rows) - 3  # the heads
    texts = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    there = re.findall(r"(?m)^def (test_\w+)", texts)
    assert {name for name in named if there.count(name) != 1} == set()
