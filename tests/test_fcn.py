"""The FCN of notebook 03 as a function: its parts with a pencil, its labels, its weights."""

import numpy as np

from helpers.lessons import fcn


def test_a_tent_with_a_pencil():
    kernel = fcn.tent_kernel((4, 4, 2, 2))
    row = np.array([1, 3, 3, 1]) / 4
    np.testing.assert_allclose(kernel[:, :, 0, 0], np.outer(row, row))
    assert not kernel[:, :, 0, 1].any()  # each class only into itself


def test_before_training_the_skips_say_nothing():
    """16s and 8s are then 32s, doubled once and twice: a constant stays one, inside."""
    heads = fcn.build_heads((2, 3, 4), hidden=2)
    for variable in heads.weights:
        if variable.path == "scores32/kernel":
            variable.assign(0 * variable)
        if variable.path == "scores32/bias":
            variable.assign([1, 2, 3])
    shapes = ((1, 8, 12, 2), (1, 4, 6, 3), (1, 2, 3, 4))
    maps = [np.asarray(one) for one in heads([np.ones(shape, np.float32) for shape in shapes])]
    assert [one.shape for one in maps] == [(1, 64, 96, 3)] * 3
    np.testing.assert_allclose(maps[0], np.broadcast_to([1, 2, 3], maps[0].shape), rtol=1e-6)
    for one in maps:  # a transposed convolution fades at the edges
        np.testing.assert_allclose(one[0, 32, 48], [1, 2, 3], rtol=1e-5)


def test_labels_are_the_masks_of_the_groups():
    _, labels, truth = fcn.draw_labels(700_001, (64, 80))
    assert labels.shape == (64, 80) and labels.dtype == np.uint8
    groups = [fcn.GROUPS.get(category, 0) for category in truth.labels.tolist()]
    wanted = np.zeros((64, 80), int)
    for group, mask in zip(groups, truth.masks, strict=True):
        wanted[mask] = group
    np.testing.assert_array_equal(labels, wanted)


def test_the_weights_that_are_shipped_fit():
    """Those of the heads alone: the skips, which begin with zeros, have learnt."""
    assert fcn.WEIGHTS.stat().st_size <= 1e6
    network = fcn.load_fcn()
    image, labels, _ = fcn.draw_labels(700_001)
    scores = [np.asarray(one)[0] for one in network(image[None])]
    accuracies = [(one.argmax(axis=-1) == labels).mean() for one in scores]
    assert accuracies[2] > accuracies[0] > (labels == 0).mean()
    skips = [v for v in network.weights if v.path in ("scores16/kernel", "scores8/kernel")]
    assert len(skips) == 2 and all(np.any(v) for v in skips)
