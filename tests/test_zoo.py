"""Models in and out of files, and by name; the bundled one is scored again."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from helpers import zoo
from helpers.structures import InputError

ROOT = pathlib.Path(__file__).parents[1]
CARD = {"name": "toy", "categories": {1: "square", 7: "disc"}}


@pytest.fixture(scope="module")
def folder(tiny_model, tmp_path_factory):
    """The tiny network, saved."""
    folder = tmp_path_factory.mktemp("toy")
    zoo.save_model(tiny_model, CARD, folder)
    return folder


@pytest.fixture
def copy(folder, tmp_path):
    """A function that saves the tiny network anew, its weights (a dict) changed."""

    def save(change=None):
        weights = dict(np.load(folder / "toy.npz"))
        if change:
            change(weights)
        np.savez(tmp_path / "toy.npz", **weights)
        (tmp_path / "toy.json").write_bytes((folder / "toy.json").read_bytes())
        return tmp_path / "toy.json"

    return save


# --- round trip --------------------------------------------------------------------------------


def test_save_then_load_gives_the_model_back(tiny_model, toy_targets, folder, tmp_path):
    assert sorted(p.name for p in folder.iterdir()) == ["toy.json", "toy.npz"]  # no .part is left
    model, card = zoo.load_model(folder / "toy.json")
    assert model.config == tiny_model.config and card["name"] == "toy"
    for old, new in zip(tiny_model.weights, model.weights, strict=True):
        assert old.path == new.path  # float16 keeps 11 bits
        np.testing.assert_allclose(new, old, rtol=2**-11, atol=1e-7, err_msg=old.path)
    images = toy_targets.images
    old, new = (m(images) for m in (tiny_model, model))
    assert np.max(old.scores) > 0.5
    for name in ("objectness_logits", "anchor_deltas"):
        np.testing.assert_allclose(getattr(new, name), getattr(old, name), atol=0.05)

    zoo.save_model(model, card, tmp_path)  # what is float16 already stays as it is
    again, card_again = zoo.load_model(tmp_path / "toy.json")
    assert card_again == card
    for once, twice in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(once, twice)
    for once, twice in zip(keras.tree.flatten(new), keras.tree.flatten(again(images)), strict=True):
        np.testing.assert_array_equal(once, twice)


def test_the_file_holds_the_network_and_nothing_else(tiny_model, folder):
    archive = np.load(folder / "toy.npz", allow_pickle=False)
    shapes = {name: archive[name].shape for name in archive.files}
    assert shapes == {v.path: tuple(v.shape) for v in tiny_model.weights}  # no optimiser, no seed
    assert len(shapes) == len(tiny_model.weights)  # no two weights of one name
    assert {archive[name].dtype for name in archive.files} == {np.dtype("float16")}


# --- files that do not fit ---------------------------------------------------------------------

LOGITS = "mask_rcnn/mask_head/logits/kernel"


def test_a_copy_that_is_whole_loads(copy):
    assert zoo.load_model(copy())[1]["name"] == "toy"


def test_a_missing_weight_is_named(copy):
    with pytest.raises(InputError, match=f"{LOGITS} is missing"):
        zoo.load_model(copy(lambda weights: weights.pop(LOGITS)))


def test_a_weight_too_many_is_named(copy):
    with pytest.raises(InputError, match="mask_rcnn/extra/kernel is not part of this network"):
        zoo.load_model(copy(lambda weights: weights.update({"mask_rcnn/extra/kernel": np.ones(2)})))


def test_a_misshapen_weight_is_named(copy):
    with pytest.raises(InputError, match=rf"{LOGITS} must be \(1, 1, 16, 2\), is \(1, 1, 16, 3\)"):
        zoo.load_model(copy(lambda weights: weights.update({LOGITS: np.ones((1, 1, 16, 3))})))


class Bomb:
    """What a pickle may do to whoever opens it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


def test_a_pickle_is_never_opened(copy, tmp_path):
    trap = tmp_path / "opened"
    card = copy(lambda weights: weights.update({LOGITS: np.array([Bomb(trap)], object)}))
    with pytest.raises(InputError, match="no readable model"):
        zoo.load_model(card)
    assert not trap.exists()
    np.load(tmp_path / "toy.npz", allow_pickle=True)[LOGITS]
    assert trap.exists()  # the trap is a real one


@pytest.mark.parametrize("damage", ["half", "empty", "text", "byte", "gone", "array"])
def test_damaged_weights_are_named(copy, damage):
    card = copy()
    path = card.with_suffix(".npz")
    content = bytearray(path.read_bytes())
    if damage == "half":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "byte":  # of a weight, not of the archive's table
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    elif damage == "array":
        with open(path, "wb") as file:
            np.save(file, np.ones(3))
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else b"<html>not found</html>")
    with pytest.raises(InputError, match=r"toy\.json: no readable model here") as caught:
        zoo.load_model(card)
    assert "\n" not in str(caught.value)


def changed(**fields):
    """A card like the saved one, some fields changed; None removes."""

    def change(card):
        card = {**card, **fields}
        return {key: value for key, value in card.items() if value is not None}

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda card: "{ not JSON",
        lambda card: [card],
        changed(config=None),
        changed(config={"no_such_field": 1}),
        changed(config=[1, 2]),
        changed(categories=None),
        changed(categories={"1": "square"}),  # a name for two classes
        changed(name=None),
    ],
)
def test_a_broken_card_is_named(copy, change):
    path = copy()
    card = change(json.loads(path.read_text()))
    path.write_text(card if isinstance(card, str) else json.dumps(card))
    with pytest.raises(InputError, match=r"toy\.json") as caught:
        zoo.load_detector(str(path.parent))
    assert "\n" not in str(caught.value)


def test_unknown_names(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no model 'street': use streets, auto, or a folder"):
        zoo.load_detector("street")
    with pytest.raises(InputError, match="no model "):
        zoo.load_detector(str(tmp_path))  # a folder without a model
    monkeypatch.setattr(zoo, "DATA", tmp_path)
    for name in ("streets", "auto"):
        with pytest.raises(InputError, match=r"streets\.json: no readable model here"):
            zoo.load_detector(name)


# --- detector ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def detector(folder):
    return zoo.load_detector(str(folder), score_threshold=0.0)


def test_a_folder_gives_a_detector(detector):
    assert detector.name == "toy" and detector.categories == {1: "square", 7: "disc"}
    assert detector.card["config"]["num_classes"] == 2 and detector.model.config.num_classes == 2


def test_images_of_any_size(detector, toy_pictures):
    image = toy_pictures[0][0]
    sizes = [(64, 64), (40, 100), (7, 5), (1, 1), (300, 200)]
    images = [image[:h, :w] if h < 64 else np.resize(image, (h, w, 3)) for h, w in sizes]
    found = detector.batch(images)
    assert [f.image_size for f in found] == [i.shape[:2] for i in images]
    for image, together in zip(images, found, strict=True):
        alone = detector(image)
        for field in ("boxes", "labels", "scores", "masks"):
            np.testing.assert_array_equal(getattr(alone, field), getattr(together, field))
        (height, width), boxes = together.image_size, together.boxes
        assert (boxes >= 0).all() and (boxes <= [width, height, width, height]).all()
    assert len(found[0]) > 0 and set(found[0].labels) <= {1, 7}
    assert detector.batch([]) == []


def test_thresholds_make_new_detectors(detector, toy_pictures):
    image = toy_pictures[0][0]
    everything = detector(image)
    best = float(everything.scores[0])
    some = detector.with_threshold(best)(image)
    assert 1 <= len(some) == (everything.scores == best).sum() < len(everything)
    assert detector.score_threshold == 0 and len(detector(image)) == len(everything)
    assert len(detector.with_threshold(1.01)(image)) == 0


def test_what_is_no_image_is_refused(detector):
    with pytest.raises(ValueError, match="an image must be RGB uint8"):
        detector(np.zeros((64, 64, 3)))
    with pytest.raises(ValueError, match="an image must be RGB uint8"):
        detector.batch([np.zeros((64, 64), np.uint8)])


# --- another backend ---------------------------------------------------------------------------

OTHER_BACKEND = """
import sys
import jax, keras, numpy as np
from helpers import zoo
model, _ = zoo.load_model(sys.argv[1])
stages = jax.jit(model)(np.load(sys.argv[2]))
leaves = {k: np.asarray(v) for k, v in stages._asdict().items() if k != "features"}
np.savez(sys.argv[3], backend=keras.backend.backend(), **leaves)
"""


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="compares with TensorFlow")
def test_jax_computes_the_same(folder, tmp_path, toy_targets):
    pytest.importorskip("jax", reason="JAX is not installed: pip install jax")
    images = toy_targets.images
    np.save(tmp_path / "images.npy", images)
    files = [folder / "toy.json", tmp_path / "images.npy", tmp_path / "stages.npz"]
    quick = "--xla_backend_optimization_level=0"  # compile a little sooner
    env = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": quick}
    command = [sys.executable, "-c", OTHER_BACKEND, *map(str, files)]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **env})
    found = np.load(files[2])
    assert found["backend"] == "jax"
    stages = zoo.load_model(files[0])[0](images)
    assert np.max(stages.scores) > 0.5
    for name in found.files:
        if name != "backend":
            np.testing.assert_allclose(
                found[name], getattr(stages, name), atol=1e-3, rtol=1e-3, err_msg=name
            )


# --- the bundled model -------------------------------------------------------------------------

needs_weights = pytest.mark.skipif(
    not (zoo.DATA / "streets.json").exists(), reason="data/streets.json: not trained yet"
)


@pytest.fixture(scope="module")
def streets_scores():
    """AP on the first 100 held-out pictures: of the network, and of its fast form."""
    from helpers import training
    from helpers.evaluation import evaluate

    images, truth = training.held_out(100, (256, 320))
    detectors = [zoo.load_detector("streets", fast, 0.0) for fast in (False, True)]
    return [evaluate(truth, detector.batch(images)) for detector in detectors]


@needs_weights
def test_the_card_keeps_its_promise(streets_scores):
    card = json.loads((zoo.DATA / "streets.json").read_text())
    for kind in ("mask", "box"):
        for name in ("AP", "AP50"):
            promised = card["held_out"][kind][name]
            assert streets_scores[0][kind][name] == pytest.approx(promised, abs=0.03), (kind, name)


@needs_weights
def test_the_card_promises_enough():
    card = json.loads((zoo.DATA / "streets.json").read_text())
    held_out = card["held_out"]
    assert held_out["images"] >= 500 and held_out["first_seed"] == 500_000
    assert held_out["mask"]["AP"] >= 0.65 and held_out["mask"]["AP50"] >= 0.92
    assert held_out["box"]["AP"] >= 0.75
    assert set(held_out["per_class"]) == set(card["categories"].values())
    assert (zoo.DATA / "streets.npz").stat().st_size <= 6e6


@needs_weights
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow Lite is fast")
def test_the_fast_form_is_as_good(streets_scores):
    plain, fast = streets_scores
    assert fast["mask"]["AP"] == pytest.approx(plain["mask"]["AP"], abs=0.01)
    assert fast["box"]["AP"] == pytest.approx(plain["box"]["AP"], abs=0.02)  # .768 and .756 once
