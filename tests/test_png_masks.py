"""Masks in pictures of every kind of pixel, and quickly."""

import numpy as np
import pytest
from PIL import Image

from helpers.annotations.png_masks import codes_of, colour_numbers, rle_of, values_of
from tests.test_formats import SIZE, square

TWO = 1 * square() + 2 * square(24)


def saved(path, pixels, mode=None):
    Image.fromarray(pixels, mode).save(path)
    return path


def rgba(colour, alpha):
    return np.dstack([colour, alpha]).astype(np.uint8)


@pytest.mark.parametrize("kind", ["black", "photo", "colours", "grey"])
def test_what_is_transparent_is_background(tmp_path, kind):
    """A mask in the alpha channel, a photo that is cut out, objects in colours of their own."""
    rng, alpha = np.random.default_rng(0), 255 * (TWO > 0)
    colour = {
        "black": np.zeros((*SIZE, 3)),
        "photo": rng.integers(0, 255, (*SIZE, 3)),
        "colours": np.where(TWO[..., None] == 1, (220, 20, 60), (0, 99, 255)),
        "grey": np.full((*SIZE, 3), 128),
    }[kind]
    codes, note = codes_of(saved(tmp_path / "a.png", rgba(colour, alpha)))
    assert note == ""
    np.testing.assert_array_equal(codes > 0, TWO > 0)
    assert len(values_of(codes)) == (3 if kind == "colours" else 2)


def test_what_is_opaque_throughout_is_read_by_its_colours(tmp_path):
    colour = np.where(TWO[..., None] == 1, (220, 20, 60), 0) * (TWO[..., None] > 0)
    codes, _ = codes_of(saved(tmp_path / "a.png", rgba(colour, np.full(SIZE, 255))))
    np.testing.assert_array_equal(codes > 0, TWO == 1)


def grid(count):
    """A label image of `count` squares of 4 x 4 pixels, numbered from 1."""
    side = int(np.ceil(np.sqrt(count)))
    numbers = np.arange(1, side * side + 1).reshape(side, side)
    numbers[numbers > count] = 0
    return np.kron(numbers, np.pad(np.ones((4, 4), int), 1))


@pytest.mark.parametrize("kind", ["<f4", "<u2", ">u2", "<i4", "png"])
def test_label_images_of_more_than_255_objects(tmp_path, kind):
    labels = grid(400)
    if kind == "png":
        path = saved(tmp_path / "a.png", labels.astype("<u2"))
    elif kind == ">u2":
        path = tmp_path / "a.tif"
        image = Image.frombytes("I;16B", labels.shape[::-1], labels.astype(kind).tobytes())
        image.save(path)
        with Image.open(path) as again:
            assert again.mode == "I;16B"
    else:
        path = saved(tmp_path / "a.tif", labels.astype(kind))
    codes, note = codes_of(path)
    assert note == ""
    np.testing.assert_array_equal(codes, labels)


def test_a_mask_of_probabilities_is_cut_at_half(tmp_path):
    soft = np.random.default_rng(0).uniform(0, 0.3, SIZE) + 0.6 * square()
    codes, note = codes_of(saved(tmp_path / "a.tif", soft.astype(np.float32)))
    np.testing.assert_array_equal(codes > 0, square())
    assert "noisy" in note


def test_numbers_of_colours(tmp_path):
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[1, 2] = 3, 2, 1
    numbers = colour_numbers(saved(tmp_path / "a.png", pixels))
    assert numbers[1, 2] == 3 + 2 * 256 + 65536 and numbers.sum() == numbers[1, 2]


@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_numpy_and_runs_those_of_pycocotools(seed):
    from pycocotools import mask as rle

    rng = np.random.default_rng(seed)
    codes = np.kron(rng.integers(0, 5, (7, 9)), np.ones((3, 2 + seed), int)).astype(np.int32)
    np.testing.assert_array_equal(values_of(codes), np.unique(codes))
    wanted = rle.encode(np.asfortranarray(codes == 2, np.uint8))
    assert rle_of(codes == 2) == rle_of((codes == 2)[::1]) == wanted
    assert len(values_of(codes[:0])) == 0


def test_values_are_found_without_sorting_every_pixel(monkeypatch):
    """Sorting took most of the time of reading: only where a run begins is looked at."""
    sorted_sizes = []
    unique = np.unique
    monkeypatch.setattr(np, "unique", lambda v, **k: sorted_sizes.append(v.size) or unique(v, **k))
    codes = np.zeros((480, 640), np.int32)
    codes[100:200, 100:200] = 1
    assert values_of(codes).tolist() == [0, 1] and sorted_sizes == [2 * 100 + 1]
