"""Matching and sampling against pencil and paper."""

import numpy as np

from helpers.mask_rcnn.matching import match, sample

# --- matching ----------------------------------------------------------------------------------

OVERLAPS = np.array([[[0.9, 0.1], [0.5, 0.2], [0.1, 0.25], [0.0, 0.0], [0.2, 0.7]]], "float32")


def test_match_has_three_outcomes():
    matched, foreground, background = (np.asarray(x) for x in match(OVERLAPS, 0.6, 0.3))
    np.testing.assert_array_equal(foreground, [[True, False, False, False, True]])
    np.testing.assert_array_equal(background, [[False, False, True, True, False]])  # .5: neither
    np.testing.assert_array_equal(matched, [[0, 0, 1, 0, 1]])
    assert matched.dtype == np.int32


def test_match_at_the_limits():
    _, foreground, background = match([[[0.5], [0.25], [0.2499]]], 0.5, 0.25)
    np.testing.assert_array_equal(foreground, [[True, False, False]])  # from .5 on
    np.testing.assert_array_equal(background, [[False, False, True]])  # below .25


def test_no_object_is_left_without_a_box():
    # Object 0 has boxes enough. The best of object 1 has .25, and more of object 0 (.5).
    overlaps = np.array([[[0.9, 0.1], [0.5, 0.25], [0.1, 0.2]]], "float32")
    matched, foreground, background = match(overlaps, 0.6, 0.3, low_quality_iou=0.2)
    np.testing.assert_array_equal(foreground, [[True, True, False]])
    np.testing.assert_array_equal(background, [[False, False, True]])
    np.testing.assert_array_equal(np.asarray(matched)[:, :2], [[0, 1]])
    _, foreground, _ = match(overlaps, 0.6, 0.3, low_quality_iou=0.3)  # .25 is too little
    np.testing.assert_array_equal(foreground, [[True, False, False]])


def test_padding_has_no_match():
    _, foreground, background = match(np.zeros((2, 4, 3), "float32"), 0.5, 0.3, 0.0)
    assert not np.asarray(foreground).any() and np.asarray(background).all()


# --- sampling ----------------------------------------------------------------------------------


def test_sample_takes_all_candidates_when_they_are_few():
    candidates = np.array([[False, True, False, True, False], [False] * 5])
    noise = np.array([[0.99, 0.0, 0.5, 0.7, 0.9999999], [0.1, 0.2, 0.3, 0.4, 0.5]], "float32")
    indices, chosen = (np.asarray(x) for x in sample(candidates, 3, noise))
    np.testing.assert_array_equal(chosen, [[True, True, False], [False] * 3])
    assert set(indices[0, :2]) == {1, 3} and indices.dtype == np.int32
    assert len(set(indices[0])) == len(set(indices[1])) == 3  # no index twice


def test_sample_is_fair_and_keeps_to_the_candidates():
    rng = np.random.default_rng(5)
    candidates = np.tile(np.arange(12) % 3 != 0, (6000, 1))  # 8 of 12
    noise = rng.random((6000, 12), dtype="float32")
    indices, chosen = (np.asarray(x) for x in sample(candidates, 4, noise))
    assert chosen.all() and (indices % 3 != 0).all()
    assert all(len(set(row)) == 4 for row in indices)
    # Each of the 8 is in half of the samples: 3000, standard deviation sqrt(6000 / 4) = 39.
    counts = np.bincount(indices.ravel(), minlength=12)[np.arange(12) % 3 != 0]
    assert abs(counts - 3000).max() < 5 * 39
