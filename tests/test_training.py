"""Training: the right pictures in the right order, stopping and going on, card, command."""

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import types
import unittest.mock

import keras
import numpy as np
import pytest

from helpers.alone import alone_in
from helpers.evaluation import score
from helpers.evaluation.matching import METRICS
from helpers.mask_rcnn.inference import Candidates
from helpers.mask_rcnn.model import LOSS_NAMES, MaskRCNN
from helpers.models import Detector, load_detector, load_model, read_weights, save_model
from helpers.models.sources import Source
from helpers.streets.scenes import CATEGORIES
from helpers.structures import Detections, InputError
from helpers.training import __main__ as command
from helpers.training import curves, heirs, own_data, streets
from helpers.training.batches import Batches
from helpers.training.checkpoints import save_checkpoint
from helpers.training.curves import CURVES
from helpers.training.engine import Run
from helpers.training.memory import memory_line
from helpers.training.targets import MAX_SLOTS
from tests import short_run
from tests.faults import FAULTS

ROOT = pathlib.Path(__file__).parents[1]
SHAPES = {1: "square", 7: "disc"}


def draw_square(seed, size):
    """A picture that costs nothing: a square of a shade and a category that its seed tells."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(2, 24, 2)
    image = np.full((*size, 3), 90, np.uint8)
    mask = np.zeros((1, *size), bool)
    mask[0, y : y + 30, x : x + 30] = True
    image[mask[0]] = rng.integers(150, 256, 3)
    label = list(CATEGORIES)[seed % len(CATEGORIES)]
    return image, Detections([[x, y, x + 30, y + 30]], [label], [1], size, CATEGORIES, mask)


@contextlib.contextmanager
def eagerly():
    """Without compiling: for a few steps it does not pay."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def result_of(ap):
    """What `score` says when each AP is `ap`."""
    return {"mask": dict.fromkeys(METRICS, ap), "box": dict.fromkeys(METRICS, ap), "images": 2}


def blind(model, card):
    """In place of `from_model`, which compiles, where nobody looks at a picture."""
    return types.SimpleNamespace(model=model, card={**card, "image_size": model.config.image_size})


# --- batches -----------------------------------------------------------------------------------


def test_the_same_step_gives_the_same_batch():
    data, other = (Batches(lambda k: draw_square(k, (64, 96)), 5, 2) for _ in range(2))
    assert len(data) == 5
    (batch,), (again,), (next_one,) = data[3], other[3], data[4]
    for leaf, leaf_again in zip(batch, again, strict=True):
        np.testing.assert_array_equal(leaf, leaf_again)
    assert (batch.images != next_one.images).any()
    assert (batch.images[0] != batch.images[1]).any()
    other.epoch = 1
    assert (other[3][0].images != batch.images).any()


def test_pictures_are_numbered_through_all_epochs():
    seen = []

    def draw(number):
        seen.append(number)
        return draw_square(number, (64, 64))

    data = Batches(draw, 3, 2)
    for data.epoch in range(2):
        for step in range(3):
            data[step]
    assert seen == list(range(12))
    assert data.names(2) == ["picture 10", "picture 11"]


# --- streets -----------------------------------------------------------------------------------


class Stopped(Exception):
    """The power went off."""


@pytest.fixture(scope="module")
def runs(tiny_config, tmp_path_factory):
    """Two epochs of two steps of two pictures: in one go, with threads; stopped in the second.

    Folder, detectors, seeds of the pictures drawn, and what was asked to be scored; "again" is
    started when all is done. Scoring itself takes long and is tested below.
    """
    folder = tmp_path_factory.mktemp("runs")
    config = dataclasses.replace(tiny_config, num_classes=len(CATEGORIES))
    detectors, drawn, scored, batches = {}, {}, [], []

    def fake_score(detector, pictures):
        scored.append(len(pictures))
        return result_of(0.25)

    def train(run, where):
        seeds = drawn[run] = []

        def draw(seed, size):
            seeds.append(seed)
            return draw_square(seed, size)

        patch.setattr(streets.scenes, "draw_scene", draw)
        detectors[run] = streets.train_streets(folder / where, 2, 2, 2, 2, config)

    on_train_batch_end = Run.on_train_batch_end

    def then_stop(self, batch, logs=None):
        on_train_batch_end(self, batch, logs)
        batches.append(batch)
        if len(batches) == 3:
            raise Stopped

    with eagerly(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(streets, "score", fake_score)
        patch.setattr(streets, "from_model", blind)
        patch.setattr("os.cpu_count", lambda: 4)
        train("whole", "whole")
        patch.setattr("os.cpu_count", lambda: 1)
        with patch.context() as broken:
            broken.setattr(Run, "on_train_batch_end", then_stop)
            with pytest.raises(Stopped):
                train("first", "parts")
        train("second", "parts")
        train("again", "parts")
    return folder, detectors, drawn, scored


@pytest.mark.slow  # two trainings
def test_each_picture_is_drawn_in_its_epoch(runs):
    drawn = {run: [s for s in seeds if s >= 1_000_000] for run, seeds in runs[2].items()}
    # Those of the first batches are drawn more often: Keras looks at some to learn their shapes.
    assert set(drawn["whole"]) == set(range(1_000_000, 1_000_008))
    assert [s for s in drawn["second"] if s >= 1_000_004] == list(range(1_000_004, 1_000_008))
    assert drawn["again"] == []  # nothing is left to do
    # AP is measured on two pictures, up to the first that the card is for.
    assert [s for s in runs[2]["whole"] if s < 1_000_000] == [499_998, 499_999]


@pytest.mark.slow  # two trainings
def test_the_curve_has_a_row_for_each_epoch(runs):
    for run in ("whole", "parts"):
        rows = curves.read_curve(runs[0] / run)
        assert [row["images"] for row in rows] == ["4", "8"]
        names = [f"{kind}_{name}" for kind, name in CURVES]
        assert list(rows[0]) == ["images", *LOSS_NAMES, *names]
        assert all(float(row[name]) > 0 for row in rows for name in LOSS_NAMES)
        assert {row["mask_AP"] for row in rows} == {"0.25"}
        assert list((runs[0] / run / "log").glob("events*"))
    assert runs[3] == [2] * 4


@pytest.mark.slow  # two trainings
def test_neither_a_stop_nor_threads_change_anything(runs):
    folder, detectors, _, _ = runs
    pairs = zip(detectors["whole"].model.weights, detectors["second"].model.weights, strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4, err_msg=one.path)
    assert len({(folder / place / "curve.csv").read_text() for place in ("whole", "parts")}) == 1


@pytest.mark.slow  # two trainings
def test_what_is_returned_is_what_was_saved(runs):
    folder, detectors, _, _ = runs
    saved, card = load_model(folder / "parts" / "streets.json")
    assert card["images_seen"] == 8 and card["validation"] == result_of(0.25)
    assert all(card[word] for word in ("recipe", "date", "licence", "limits", "data", "about"))
    for run in ("second", "again"):
        for one, other in zip(detectors[run].model.weights, saved.weights, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=one.path)


# --- fine-tuning -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def start(tiny_config, tmp_path_factory):
    """A folder with a network that has learnt nothing, for three classes."""
    keras.utils.set_random_seed(3)
    model = MaskRCNN(dataclasses.replace(tiny_config, num_classes=3))
    model(np.zeros((1, 64, 64, 3), np.uint8))
    folder = tmp_path_factory.mktemp("start")
    save_model(model, {"name": "old", "categories": {1: "a", 2: "b", 3: "c"}}, folder)
    return folder


@pytest.fixture
def unscored(monkeypatch):
    """Each AP is .5, and nothing is compiled to measure it."""
    monkeypatch.setattr(own_data, "from_model", blind)
    monkeypatch.setattr(own_data, "score", lambda *_: result_of(0.5))


PICTURES = [short_run.draw(seed) for seed in range(4)]


def quick(folder, start, train=PICTURES, val=PICTURES[:2], **options):
    """A fine-tuning of one batch an epoch."""
    options = {"epochs": 1, "steps": 1, "batch_size": 2, "heads_epochs": 0, "say": None} | options
    with eagerly():
        return own_data.fine_tune(train, val, folder, start=str(start), **options)


def short_process(*options, **environment):
    run = [sys.executable, "-m", "tests.short_run", *map(str, options)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
    return subprocess.run(
        run, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900
    )


@pytest.fixture(scope="module")
def undisturbed(start, tmp_path_factory):
    """The folder of a short run in a process of its own that nobody killed."""
    folder = tmp_path_factory.mktemp("undisturbed") / "toy"
    done = short_process(folder, start)
    assert done.stdout.startswith("1 devices, 9 batches"), done.stderr[-900:]
    return folder


@pytest.mark.slow  # three processes; a stop in this one is tested above
def test_killed_in_the_middle_of_an_epoch_it_ends_with_the_same_weights(
    undisturbed, start, tmp_path
):
    folder = tmp_path / "toy"
    killed = short_process(folder, start, "--die", 5)
    assert killed.returncode == -9 and not killed.stdout
    assert len(curves.read_curve(folder)) == 1  # of three: 5 of 9 batches are done
    assert short_process(folder, start).stdout.startswith("1 devices, 6 batches")
    rows = [curves.read_curve(path) for path in (undisturbed, folder)]
    assert len(rows[0]) == 3
    for one, other in zip(*rows, strict=True):
        assert [float(v) for v in one.values()] == pytest.approx(
            [float(v) for v in other.values()], rel=1e-2, abs=1e-3
        )
    one, other = (read_weights(path / "toy.npz") for path in (undisturbed, folder))
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-2, atol=1e-3, err_msg=name)


@pytest.mark.slow(minutes=True)  # to compile for two devices
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_devices_share_each_batch(undisturbed, start, tmp_path, backend):
    pytest.importorskip(backend)
    flags = {"KERAS_BACKEND": backend, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    done = short_process(tmp_path / "toy", start, "--devices", 2, **flags)
    assert done.stdout.startswith("2 devices, 9 batches"), done.stderr[-900:]
    rows = [curves.read_curve(folder) for folder in (undisturbed, tmp_path / "toy")]
    # The noise of sampling is drawn for each device: losses are alike, not the same; sums agree.
    for a, b in zip(*rows, strict=True):
        total = [sum(float(row[name]) for name in LOSS_NAMES) for row in (a, b)]
        assert total[0] == pytest.approx(total[1], rel=0.2)
    assert load_detector(str(tmp_path / "toy"), say=None).categories == short_run.NAMES


@pytest.mark.slow
def test_a_run_folder_is_a_model(start, tmp_path):
    said = []
    folder = tmp_path / "shapes"
    detector = quick(folder, start, image_size=(64, 128), say=said.append)
    assert detector.name == "shapes" and detector.categories == short_run.NAMES
    again = load_detector(str(folder), say=None)
    assert again.card["settings"]["steps"] == 1 and again.card["images_seen"] == 2
    assert again.card["about"] == "A model that began as old and was taught square, disc."
    assert again.card["validation"]["images"] == detector.card["validation"]["images"] == 2
    assert again.model.config.image_size == (64, 128) and again.model.config.num_classes == 2
    for one, other in zip(detector.model.weights, again.model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    image = np.zeros((100, 70, 3), np.uint8)
    assert detector(image).image_size == again(image).image_size == (100, 70)
    assert said[0].startswith("shapes: about ") and " GB are free" in said[0]
    assert "epoch 1/1" in said[1] and all(name in said[1] for name in LOSS_NAMES)
    with pytest.raises(InputError, match=r"other settings \(steps 1, now 2\): take these again"):
        quick(folder, start, image_size=(64, 128), steps=2)


def crowd(num_columns=12, num_rows=11):
    """132 squares of 4 x 4 pixels, of one class, in a picture of 64 x 64."""
    image = np.full((64, 64, 3), 90, np.uint8)
    boxes, masks = [], np.zeros((num_columns * num_rows, 64, 64), bool)
    for i, mask in enumerate(masks):
        y, x = divmod(i, num_columns)
        x, y = 5 * x + 1, 5 * y + 1
        mask[y : y + 4, x : x + 4] = True
        boxes.append([x, y, x + 4, y + 4])
    image[masks.any(0)] = 220
    return image, Detections(boxes, [1] * len(boxes), [1] * len(boxes), (64, 64), SHAPES, masks)


@pytest.mark.slow  # trains
def test_more_objects_than_slots_and_than_the_start_can_find(start, tmp_path, unscored):
    """The network is made for as many, and what has no slot is said to be left out."""
    image, truth = crowd()
    truth = truth.replace(categories={1: "square"})
    said, pictures = [], [(image, truth)] * 2
    detector = quick(tmp_path / "crowd", start, pictures, pictures, augment=False, say=said.append)
    config = detector.model.config
    assert config.num_detections == config.num_proposals == config.num_candidates == 100
    assert said[1] == (
        f"crowd: of 132 objects in a picture {MAX_SLOTS} are learnt at a time; the others are left "
        "out, they do not count as background"
    )
    assert len(np.asarray(detector.model(image[None]).scores)[0]) == 100  # no TopK runs short


@pytest.mark.slow  # trains
def test_a_notebook_has_one_curve_that_is_drawn_anew(start, tmp_path, unscored, monkeypatch):
    import IPython.display

    drawn, handle = [], IPython.display.DisplayHandle("here")

    def display(figure, display_id):
        drawn.append(figure)
        return handle

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(handle, "update", drawn.append)
    monkeypatch.setattr(IPython, "get_ipython", unittest.mock.MagicMock())
    said = []
    quick(tmp_path / "toy", start, epochs=2, say=said.append)
    assert len(said) == 1  # on memory; the figure says the rest
    assert [len(figure.axes[0].lines[0].get_xdata()) for figure in drawn] == [1, 2]


@pytest.mark.slow  # trains
def test_heads_first(start, tmp_path, unscored):
    """Backbone and pyramid stay as they were, all else moves."""
    old = {v.path: np.asarray(v) for v in load_model(start / "old.json")[0].weights}
    model = quick(tmp_path / "a", start, epochs=1, heads_epochs=1).model
    for v in model.weights:
        frozen = v.path.split("/")[1] in ("backbone", "fpn")
        same = old[v.path].shape == v.shape and np.array_equal(
            old[v.path].astype(np.float16), np.asarray(v, np.float16)
        )
        assert same == frozen, v.path


@pytest.mark.slow  # four epochs
def test_it_stops_when_ap_falls_and_keeps_the_best(start, tmp_path, unscored, monkeypatch):
    aps = [0.1, 0.4, 0.3, 0.9]
    monkeypatch.setattr(own_data, "score", lambda *_: result_of(aps.pop(0)))
    folder = tmp_path / "toy"
    detector = quick(folder, start, epochs=5, patience=1)
    assert [row["mask_AP"] for row in curves.read_curve(folder)] == ["0.1", "0.4", "0.3"]
    assert detector.card["images_seen"] == 4 and detector.card["validation"]["mask"]["AP"] == 0.4
    best = read_weights(folder / "toy.npz")
    for v in detector.model.weights:
        np.testing.assert_array_equal(v, best[v.path].astype(np.float32))
    quick(folder, start, epochs=5, patience=1)  # it stays stopped: nothing is scored
    assert aps == [0.9]


@pytest.mark.slow
def test_a_loss_that_is_no_number_names_the_pictures(start, tmp_path, unscored):
    with pytest.raises(InputError, match=r"after batch \d of epoch 1, made of picture \d, picture"):
        quick(tmp_path, start, rate=1e30, steps=20)


def test_what_cannot_be_taught(tmp_path, start, monkeypatch):
    with pytest.raises(InputError, match="there is no picture to train on"):
        quick(tmp_path / "a", start, train=[])
    with pytest.raises(InputError, match="no model 'nothing'"):
        quick(tmp_path / "b", "nothing")
    graph = Source("graph", pathlib.Path("graph.pb"), {})
    monkeypatch.setattr(heirs, "find_source", lambda name, say: graph)
    with pytest.raises(InputError, match="only our own models can be taught; this is a graph"):
        quick(tmp_path / "c", start)
    assert list(tmp_path.iterdir()) == []  # a mistake leaves nothing behind


def test_memory_grows_with_batch_picture_and_objects(tiny_config):
    streets_config = dataclasses.replace(tiny_config, image_size=(256, 320))

    def need(*args):
        return float(memory_line(*args).split()[1])

    assert 1.5 < need(streets_config, 8, 180, 6) < 2.5
    assert need(streets_config, 16, 180, 6) > need(streets_config, 8, 180, 6) + 0.2
    assert need(streets_config, 8, 1, 90) > need(streets_config, 8, 1, 6) + 0.1
    larger = dataclasses.replace(streets_config, image_size=(512, 640))
    assert need(larger, 8, 180, 6) > need(streets_config, 8, 180, 6) + 0.5
    line = memory_line(larger, 10**6, 180, 6)
    assert line.endswith("GB are free: too little, take a smaller batch_size or image_size")


# --- score -------------------------------------------------------------------------------------


def test_score_of_a_network_that_finds_nothing(monkeypatch):
    monkeypatch.setattr(streets.scenes, "draw_scene", draw_square)
    pictures = streets.held_out(3, (64, 64), first=40)
    nothing = Candidates(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0), np.zeros((0, 2, 2)))
    card = {"name": "", "categories": CATEGORIES}
    detector = Detector(lambda image, least: None, lambda outputs, size: nothing, card)
    result = score(detector, pictures)
    assert result["images"] == 3
    assert result["mask"]["AP"] == result["box"]["AP"] == 0
    assert result["errors"]["missed"] == 3 and result["errors"]["right"] == 0
    assert {name: row["num"] for name, row in result["per_class"].items() if row["num"]} == {
        list(CATEGORIES.values())[seed % 8]: 1 for seed in (40, 41, 42)
    }  # fmt: skip


# --- commands ----------------------------------------------------------------------------------


def test_the_command_ships_what_it_scored(tiny_model, tmp_path, monkeypatch, capsys):
    calls, card = [], {"name": "streets", "categories": SHAPES, "images_seen": 120}
    detector = blind(tiny_model, card)

    def train_streets(*args):
        calls.append(args)
        return detector

    monkeypatch.setattr(command, "DATA", tmp_path / "data")
    monkeypatch.setattr(command.streets, "train_streets", train_streets)
    monkeypatch.setattr(command.streets, "held_out", lambda num, size: [None] * num)
    monkeypatch.setattr(
        command, "score", lambda _, pictures: {"mask": {"AP": 0.5}, "images": len(pictures)}
    )
    monkeypatch.setattr(command, "plot_curve", lambda rows, path: path.write_text("curve"))
    words = ["--epochs", "3", "--steps", "5", "--out", str(tmp_path / "run"), "--ship"]
    assert command.main(words) == command.main(["streets", *words]) == 0
    assert [call[1:] for call in calls] == [(3, 5)] * 2
    assert json.loads(capsys.readouterr().out.split("\n}\n")[0] + "}")["mask"] == {"AP": 0.5}
    for folder in (tmp_path / "run", tmp_path / "data"):
        _, card = load_model(folder / "streets.json")
        assert card["images_seen"] == 120
        assert card["held_out"] == {"first_seed": 500_000, "mask": {"AP": 0.5}, "images": 500}
        assert (folder / "streets-curve.png").exists()


@pytest.mark.slow
def test_the_command_for_a_folder_of_ones_own(start, tmp_path, unscored, capsys):
    from helpers.annotations import write_coco

    write_coco([short_run.draw(seed) for seed in range(5)], tmp_path / "data")
    words = [str(tmp_path / "data"), "--out", str(tmp_path / "mine"), "--start", str(start)]
    with eagerly():
        assert command.main([*words, "--epochs", "1", "--steps", "1", "--batch", "2"]) == 0
    out = capsys.readouterr().out
    assert "load_detector(" in out and '"images": 2' in out
    _, card = load_model(tmp_path / "mine" / "mine.json")
    assert sorted(card["categories"].values()) == ["disc", "square"]
    assert (tmp_path / "mine" / "curve.png").exists()
    with alone_in(tmp_path / "mine"):  # a second one while the first is at work
        assert command.main([*words, "--epochs", "1", "--steps", "1", "--batch", "2"]) == 2
    assert "mine: another run is at work there" in capsys.readouterr().err


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    assert command.main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    "raised, code, said",
    [
        (OSError(28, "No space left on device", "mine/.a.7.part.npz"), 2, "mine: No space left"),
        (OSError(30, "Read-only file system", "mine"), 2, "mine: Read-only file system"),
        (KeyboardInterrupt(), 130, "stopped; the same command goes on"),
    ],
)
def test_the_command_ends_in_one_line(tmp_path, monkeypatch, capsys, raised, code, said):
    def fails(args):
        raise raised

    monkeypatch.setattr(command, "_own", fails)
    assert command.main([str(tmp_path)]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_checkpoint_is_whole_or_the_older_one(tmp_path, fault):
    class Model:
        def save_weights(self, path):
            path.write_text(self.content)
            if self.content == "half":
                raise fault

    model, path = Model(), tmp_path / "checkpoint/all.weights.h5"
    model.content = "whole"
    save_checkpoint(model, path)
    model.content = "half"
    with pytest.raises(type(fault)):
        save_checkpoint(model, path)
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]


@pytest.mark.slow  # trains
def test_a_full_disk_while_a_checkpoint_is_written_costs_its_epoch_alone(
    start, tmp_path, unscored, monkeypatch
):
    folder = tmp_path / "toy"
    checkpoint = folder / "checkpoint/all.weights.h5"
    save_weights = keras.Model.save_weights
    written = []

    def save(self, path):
        if written:
            pathlib.Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save_weights(self, path)
        written.append(pathlib.Path(path).read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", save)
        with pytest.raises(OSError, match="No space"):
            quick(folder, start, epochs=2)
    assert checkpoint.read_bytes() == written[0]
    assert not list(checkpoint.parent.glob("new*"))
    load_model(folder / "toy.json")
    quick(folder, start, epochs=2)
    assert [row["images"] for row in curves.read_curve(folder)] == ["2", "4"]
    assert checkpoint.read_bytes() != written[0]
