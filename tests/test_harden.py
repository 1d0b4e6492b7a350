"""python3 run.py harden sees each way to fail, repeats itself, and a short run finds nothing."""

import dataclasses
import importlib.util
import os
import pathlib
import random
import signal
import subprocess
import sys

import numpy as np
import pytest

from helpers.commands import upkeep

SCRIPT = pathlib.Path(__file__).parents[1] / ".ci/harden.py"
KINDS = ("annotations", "masks", "label_maps", "pictures", "archives")
on_unix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGALRM")


@pytest.fixture
def harden(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("harden", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def attempt(harden):
    """What comes of one input; one that takes too long raises Slow, as in a process of harden."""

    def too_slow(*_):
        raise harden.Slow

    before = signal.signal(signal.SIGALRM, too_slow)
    importlib.import_module("helpers.models.loading")  # no input shall wait for TensorFlow
    yield harden.attempt
    signal.signal(signal.SIGALRM, before)


def refuse(rng, folder):
    raise ValueError("this is no video; give another")


def ramble(rng, folder):
    raise ValueError("x" * 5000)


def break_down(rng, folder):
    return {}["missing"]


def obey(rng, folder):
    (folder / "ran").touch()


def stall(rng, folder):
    os.kill(os.getpid(), signal.SIGALRM)  # as when the time is over


@on_unix
@pytest.mark.parametrize(
    "reader, outcome",
    [
        (lambda rng, folder: None, "read"),
        (refuse, "refused"),
        (ramble, "a refusal of 5000 characters"),
        (break_down, "KeyError: 'missing'"),
        (obey, "code in the file was run"),
        (stall, "took longer than 20 s"),
    ],
)
def test_each_way_to_fail_is_seen(harden, attempt, monkeypatch, reader, outcome):
    monkeypatch.setitem(harden.KINDS, "toy", reader)
    assert attempt("toy", 0, 0) == outcome


def test_damage_is_repeated_by_its_seed(harden):
    texts = [
        [harden.hostile.damage.damaged(b"0123456789" * 9, random.Random(s)) for s in range(20)]
        for _ in "ab"
    ]
    assert texts[0] == texts[1] and len(set(texts[0])) > 15
    trees = [harden.hostile.damage.bent({"a": [1, {"b": 2}]}, random.Random(s)) for s in range(20)]
    assert len(set(map(repr, trees))) > 5


@on_unix
@pytest.mark.parametrize("kind", [*KINDS, "weights", "graphs", "videos"])
def test_readers_read_or_refuse(attempt, kind):
    outcomes = {attempt(kind, 7, number) for number in range(25)}
    assert outcomes == {"read", "refused"}


@on_unix
@pytest.mark.parametrize("name", ["coco", "yolo", "cvat", "labelme", "mask_folders", "label_map"])
def test_valid_files_give_what_was_written(attempt, name):
    assert {attempt(f"valid_{name}", 7, number) for number in range(10)} == {"read"}


def test_the_kinds_of_the_help_are_some(harden):
    words, _ = upkeep.HARDEN.examples[0]
    kinds = words.partition("--only ")[2].split()
    assert kinds and set(kinds) <= set(harden.KINDS)


def test_each_writer_has_a_reader(harden):
    """The other way round an import fails. It shares no code with the reader."""
    files = {path.stem for path in (SCRIPT.parent / "valid/formats").glob("*.py")}
    assert files - {"__init__", "parts"} == set(harden.valid.FORMATS)


@on_unix
def test_a_mask_that_is_read_wrongly_is_seen(attempt, monkeypatch):
    """A reader that moves each mask by a pixel, and one that refuses."""
    import helpers.annotations
    from helpers.annotations.datasets import Dataset

    truth = Dataset.truth

    def moved(self, i):
        detections = truth(self, i)
        masks = np.roll(detections.masks, 1, 2)
        return dataclasses.replace(detections, masks=masks)

    with monkeypatch.context() as patch:
        patch.setattr(Dataset, "truth", moved)
        outcomes = [attempt("valid_yolo", 7, number) for number in range(5)]
    assert any("AssertionError" in outcome and " at " in outcome for outcome in outcomes)
    monkeypatch.setattr(helpers.annotations, "read_dataset", lambda path: refuse(None, None))
    assert attempt("valid_yolo", 7, 0) == "AssertionError: refused: this is no video; give another"


@on_unix
def test_masks_of_a_graph_that_lie_a_pixel_aside_are_seen(attempt, monkeypatch):
    from helpers.mask_rcnn import inference

    paste_masks = inference.paste_masks

    def moved(*given, **more):
        return np.roll(paste_masks(*given, **more), 1, 2)

    assert {attempt("valid_api_graph", 7, number) for number in range(5)} == {"read"}
    monkeypatch.setattr(inference, "paste_masks", moved)
    outcomes = [attempt("valid_api_graph", 7, number) for number in range(5)]
    assert any("AssertionError: mask 0" in outcome for outcome in outcomes)


@pytest.mark.slow
@on_unix
def test_a_short_run(tmp_path):
    table = tmp_path / "table.md"
    command = [sys.executable, SCRIPT, "--inputs", "25", "--seed", "7", "--out", table]
    command += ["--only", *KINDS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    for kind in KINDS:
        (row,) = (line for line in table.read_text().splitlines() if kind.replace("_", " ") in line)
        inputs, read, refused, failed = map(int, row.strip("| ").split(" | ")[1:])
        assert inputs == read + refused == 25 and not failed and refused
