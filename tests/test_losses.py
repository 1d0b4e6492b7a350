"""The three kinds of error against pencil and paper."""

import numpy as np
import pytest

from helpers.mask_rcnn.losses import binary_cross_entropy, cross_entropy, mean_of, smooth_l1


def test_binary_cross_entropy_with_a_pencil():
    logits = np.log(np.array([3, 1 / 3, 1], "float32"))  # probabilities 3/4, 1/4, 1/2
    errors = binary_cross_entropy(logits, np.array([1, 1, 0.5], "float32"))
    np.testing.assert_allclose(errors, np.log([4 / 3, 4, 2]), rtol=1e-5)


def test_cross_entropy_with_a_pencil():
    logits = np.log(np.array([[1, 6, 1], [2, 1, 1]], "float32"))  # 1/8 6/8 1/8, 1/2 1/4 1/4
    errors = cross_entropy(logits, np.array([1, 0]))
    np.testing.assert_allclose(errors, np.log([8 / 6, 2]), rtol=1e-5)


def test_smooth_l1_with_a_pencil():
    # beta .5: .1^2 / 1 = .01 and 0 inside, 1 - .25 and 2 - .25 outside; .5 - .25 = .5^2 / 1 between
    errors = smooth_l1(np.array([0.1, 0, -1, 2, 0.5, -0.5], "float32"), 0.5)
    np.testing.assert_allclose(errors, [0.01, 0, 0.75, 1.75, 0.25, 0.25], rtol=1e-5)


def test_the_mean_of_those_that_count():
    error = np.array([[1, 2, np.inf], [6, 50, 70]], "float32")
    assert float(mean_of(error, error < 7)) == 3  # 1, 2 and 6; the infinite one spoils nothing
    assert float(mean_of(error, error < 0)) == 0


@pytest.mark.parametrize("logit", [1000.0, -1000.0])
def test_sure_and_wrong_is_large_but_finite(logit):
    wrong = np.float32(logit < 0)
    assert float(binary_cross_entropy(np.float32(logit), wrong)) == 1000
    assert float(cross_entropy(np.array([logit, 0], "float32"), int(logit > 0))) == 1000


def test_nothing_has_no_error():
    assert binary_cross_entropy(np.zeros((0, 4), "float32"), 0.0).shape == (0, 4)
    assert cross_entropy(np.zeros((0, 3), "float32"), np.zeros(0, int)).shape == (0,)
    assert smooth_l1(np.zeros((0, 4), "float32"), 1.0).shape == (0, 4)
