"""python3 run.py harden sees each way to fail, repeats itself, and a short run finds nothing."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / ".ci/harden.py"


@pytest.fixture
def harden():
    spec = importlib.util.spec_from_file_location("harden", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refuse(rng, folder):
    raise ValueError("this is no film; give another")


def ramble(rng, folder):
    raise ValueError("x" * 5000)


def break_down(rng, folder):
    return {}["missing"]


def obey(rng, folder):
    (folder / "ran").touch()


def stall(rng, folder):
    os.kill(os.getpid(), 14)  # SIGALRM, as when the time is over


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGALRM")
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
def test_each_way_to_fail_is_seen(harden, monkeypatch, reader, outcome):
    import signal

    def slow(*_):
        raise harden.Slow

    before = signal.signal(signal.SIGALRM, slow)
    monkeypatch.setitem(harden.KINDS, "toy", reader)
    assert harden.attempt("toy", 0, 0) == outcome
    signal.signal(signal.SIGALRM, before)


def test_damage_is_repeated_by_its_seed(harden):
    import random

    texts = [[harden.damaged(b"0123456789" * 9, random.Random(s)) for s in range(20)] for _ in "ab"]
    assert texts[0] == texts[1] and len(set(texts[0])) > 15
    trees = [harden.bent({"a": [1, {"b": 2}]}, random.Random(s)) for s in range(20)]
    assert len(set(map(repr, trees))) > 5


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGALRM")
def test_a_short_run(tmp_path):
    out, kinds = tmp_path / "table.md", ("annotations", "label_maps", "pictures", "archives")
    command = [
        sys.executable,
        SCRIPT,
        "--inputs",
        "25",
        "--seed",
        "7",
        "--out",
        out,
        "--only",
        *kinds,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    for kind in kinds:
        (row,) = (line for line in out.read_text().splitlines() if kind.replace("_", " ") in line)
        inputs, read, refused, failed = map(int, row.strip("| ").split(" | ")[1:])
        assert inputs == read + refused == 25 and not failed and refused
