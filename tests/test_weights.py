"""Weights and cards: what is saved comes back, and files that do not fit are named."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from helpers.mask_rcnn.model import MaskRCNN
from helpers.models import weights
from helpers.structures import InputError

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def copy(folder, tmp_path):
    """A function that saves the tiny network anew, its weights (a dict) changed."""

    def save(change=None):
        arrays = dict(np.load(folder / "toy.npz"))
        if change:
            change(arrays)
        np.savez(tmp_path / "toy.npz", **arrays)
        (tmp_path / "toy.json").write_bytes((folder / "toy.json").read_bytes())
        return tmp_path / "toy.json"

    return save


# --- round trip --------------------------------------------------------------------------------


def test_save_then_load_gives_the_model_back(tiny_model, toy_targets, folder, tmp_path):
    assert sorted(p.name for p in folder.iterdir()) == ["toy.json", "toy.npz"]  # no .part is left
    model, card = weights.load_model(folder / "toy.json")
    assert model.config == tiny_model.config and card["name"] == "toy"
    for old, new in zip(tiny_model.weights, model.weights, strict=True):
        assert old.path == new.path  # float16 keeps 11 bits
        np.testing.assert_allclose(new, old, rtol=2**-11, atol=1e-7, err_msg=old.path)
    images = toy_targets.images
    old, new = (m(images) for m in (tiny_model, model))
    assert np.max(old.scores) > 0.5
    for name in ("objectness_logits", "anchor_deltas"):
        # Logits reach -50 here: a share of that, and a little beside 0.
        np.testing.assert_allclose(getattr(new, name), getattr(old, name), rtol=0.01, atol=0.05)

    weights.save_model(model, card, tmp_path)  # what is float16 already stays as it is
    again, card_again = weights.load_model(tmp_path / "toy.json")
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


# --- from one model to another -----------------------------------------------------------------


def blank(config, **changes):
    """A network with random weights."""
    keras.utils.set_random_seed(5)
    model = MaskRCNN(dataclasses.replace(config, **changes))
    model(np.zeros((1, *model.config.image_size, 3), np.uint8))
    return model


def test_all_but_the_classes_goes_over(tiny_model, tiny_config):
    model = blank(tiny_config, num_classes=3, image_size=(64, 128))
    fresh = {v.path: np.array(v) for v in model.weights}
    left = weights.transfer(tiny_model, model)
    assert sorted(left) == ["mask_rcnn/box_head/class/bias", "mask_rcnn/box_head/class/kernel"]
    old = {v.path: np.array(v) for v in tiny_model.weights}
    for v in model.weights:
        if v.path in left:
            np.testing.assert_array_equal(v, fresh[v.path])
        elif "mask_head/logits" in v.path:  # the mean of both old masks, three times
            np.testing.assert_allclose(v, np.stack([old[v.path].mean(-1)] * 3, -1), rtol=1e-6)
        else:
            np.testing.assert_array_equal(v, old[v.path])


def test_other_classes_of_the_same_number_are_new_too(tiny_model, tiny_config):
    model = blank(tiny_config)
    assert len(weights.transfer(tiny_model, model)) == 2
    assert weights.transfer(tiny_model, model, same_classes=True) == []
    for one, other in zip(tiny_model.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_has_another_shape_stays(tiny_model, tiny_config):
    model = blank(tiny_config, box_units=48)
    left = weights.transfer(tiny_model, model)
    assert all("/box_head/" in path for path in left) and len(left) > 5
    assert "mask_rcnn/box_head/dense1/kernel" in left


# --- files that do not fit ---------------------------------------------------------------------

LOGITS = "mask_rcnn/mask_head/logits/kernel"


def test_a_missing_weight_is_named(copy):
    with pytest.raises(InputError, match=f"{LOGITS} is missing"):
        weights.load_model(copy(lambda w: w.pop(LOGITS)))


def test_a_weight_too_many_is_named(copy):
    with pytest.raises(InputError, match="mask_rcnn/extra/kernel is not part of this network"):
        weights.load_model(copy(lambda w: w.update({"mask_rcnn/extra/kernel": np.ones(2)})))


def test_a_misshapen_weight_is_named(copy):
    with pytest.raises(InputError, match=rf"{LOGITS} must be \(1, 1, 16, 2\), is \(1, 1, 16, 3\)"):
        weights.load_model(copy(lambda w: w.update({LOGITS: np.ones((1, 1, 16, 3))})))


class Bomb:
    """What a pickle may do to whoever opens it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


def test_a_pickle_is_never_opened(copy, tmp_path):
    trap = tmp_path / "opened"
    card = copy(lambda w: w.update({LOGITS: np.array([Bomb(trap)], object)}))
    with pytest.raises(InputError, match="no readable model"):
        weights.load_model(card)
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
        weights.load_model(card)
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
        lambda card: "[" * 100_000,
        lambda card: "{ not JSON",
        lambda card: [card],
        changed(config=None),
        changed(config={"no_such_field": 1}),
        changed(config=[1, 2]),
        changed(categories=None),
        changed(categories={"1": "square"}),  # a name for two classes
        changed(name=None),
        changed(network="YOLO"),
    ],
)
def test_a_broken_card_is_named(copy, change):
    path = copy()
    card = change(json.loads(path.read_text()))
    path.write_text(card if isinstance(card, str) else json.dumps(card))
    with pytest.raises(InputError, match=r"toy\.json") as caught:
        weights.load_model(path)
    assert "\n" not in str(caught.value)


# --- another backend ---------------------------------------------------------------------------

OTHER_BACKEND = """
import sys
import jax, keras, numpy as np
from helpers.models import weights
from helpers.mask_rcnn.model import MaskRCNN
model, _ = weights.load_model(sys.argv[1])
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
    arrays = np.load(files[2])
    assert arrays["backend"] == "jax"
    stages = weights.load_model(files[0])[0](images)
    assert np.max(stages.scores) > 0.5
    for name in arrays.files:
        if name != "backend":
            np.testing.assert_allclose(
                arrays[name], getattr(stages, name), atol=1e-3, rtol=1e-3, err_msg=name
            )
