"""The bootstrap against COCO's code run on the pictures that it drew; calibration by hand."""

import numpy as np
import pytest

from helpers.evaluation import bootstrap, calibration, evaluate, interval, match
from helpers.evaluation.matching import METRICS
from helpers.structures import Detections
from tests.test_evaluation import image, pictures

ONE = image((1, 1, 0, 0, 10, 10))


# --- bootstrap ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mask", "box"])
@pytest.mark.parametrize("metric", METRICS[:4])  # no toy object is medium or large
def test_each_value_is_what_coco_says_of_those_pictures(kind, metric):
    truth, found = pictures()
    values = bootstrap(match(truth, found), kind, metric, num=5, seed=4)
    sets = np.random.default_rng(4).integers(0, len(truth), (5, len(truth)))
    assert len({tuple(images) for images in sets}) == 5
    for images, value in zip(np.sort(sets), values, strict=True):
        again = evaluate([truth[i] for i in images], [found[i] for i in images])
        assert value == pytest.approx(again[kind][metric], abs=1e-12)


def test_sizes_come_from_those_of_coco():
    # One small object (100 px) that is found and one medium one (1,200 px) that is not.
    masks = np.zeros((2, 60, 60), bool)
    masks[0, :10, :10] = masks[1, 20:60, :30] = True
    boxes = [[0, 0, 10, 10], [0, 20, 30, 60]]
    truth = [Detections(boxes, [1, 1], [1, 1], (60, 60), {1: "person"}, masks)]
    matched = match(truth, [truth[0][:1]])
    sizes = [bootstrap(matched, "box", f"AP_{size}", 3) for size in ("small", "medium", "large")]
    np.testing.assert_allclose(sizes, [[1] * 3, [0] * 3, [np.nan] * 3])


def test_the_same_seed_draws_the_same_pictures():
    truth, found = pictures()
    worse = [one[1:] for one in found]
    best, same, other = (bootstrap(match(truth, found), seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(best, same)
    assert not np.array_equal(best, other)
    # So two detectors can be compared in pairs: that scatters less than either alone.
    less = bootstrap(match(truth, worse))
    assert np.std(best - less) < min(np.std(best), np.std(less))


def test_pictures_that_are_all_alike_leave_nothing_to_chance():
    found = image((1, 0.9, 0, 0, 10, 10), (1, 0.8, 15, 0, 25, 10))
    values = bootstrap(match([ONE] * 8, [found] * 8), num=10)
    np.testing.assert_allclose(values, 1)
    assert interval(values) == pytest.approx((1, 1))


def test_it_scatters_as_the_formula_says():
    """One object a picture, found or not: AP is close to the share that is found, and that share
    scatters by the root of p (1 - p) / n."""
    truth, found = [ONE] * 100, [ONE] * 80 + [image()] * 20
    values = bootstrap(match(truth, found), num=400)
    assert np.mean(values) == pytest.approx(0.8, abs=0.02)
    assert np.std(values) == pytest.approx(np.sqrt(0.8 * 0.2 / 100), rel=0.15)
    low, high = interval(values)
    assert low == pytest.approx(0.72, abs=0.03) and high == pytest.approx(0.88, abs=0.03)


def test_where_nothing_can_be_said():
    for truth, found in (([image()], [ONE]), ([], []), ([ONE.replace(masks=None)], [ONE])):
        values = bootstrap(match(truth, found), num=6)
        assert values.shape == (6,) and np.isnan(values).all() and interval(values) is None
    assert not bootstrap(match([ONE], [image()]), num=6).any()  # nothing found: AP 0
    # Half of the pictures have nothing in them: a set may consist of these alone.
    values = bootstrap(match([ONE, image()], [ONE, image()]), num=40)
    assert 0 < np.isnan(values).sum() < 30 and interval(values) == pytest.approx((1, 1))
    with pytest.raises(ValueError, match="metric must be one of .*, got 'AP60'"):
        bootstrap(match([ONE], [ONE]), metric="AP60")


def test_interval_with_a_pencil():
    assert interval(range(101)) == pytest.approx((2.5, 97.5))
    assert interval([*range(101), np.nan], 0.8) == pytest.approx((10, 90))
    assert interval([0.3]) == (0.3, 0.3) and interval([]) is None


# --- calibration -------------------------------------------------------------------------------


def test_calibration_with_a_pencil():
    truth = [image((1, 1, 0, 0, 10, 10), (3, 1, 10, 10, 20, 20))]
    found = [
        image(
            (1, 0.95, 0, 0, 10, 10),  # right
            (3, 0.91, 20, 0, 30, 10),  # wrong
            (3, 0.25, 10, 10, 20, 20),  # right
            (1, 1.0, 0, 0, 10, 9),  # fits as well and scores more: this one is right, .95 is not
        )
    ]
    bins = calibration(match(truth, found))
    assert bins["num"].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 3]
    np.testing.assert_allclose(bins["score"][[2, 9]], [0.25, (0.95 + 0.91 + 1) / 3])
    np.testing.assert_allclose(bins["right"][[2, 9]], [1, 1 / 3])
    assert np.isnan(bins["score"]).sum() == np.isnan(bins["right"]).sum() == 8
    assert bins["error"] == pytest.approx((abs(1 - 0.25) + abs(1 - (0.95 + 0.91 + 1))) / 4)
    assert calibration(match(truth, found), num_bins=2)["num"].tolist() == [1, 3]
    # Stricter about the outline: IoU .9 is not enough for .95.
    assert calibration(match(truth, found), iou=0.95)["right"][9] == pytest.approx(1 / 3)


def test_calibration_against_a_loop():
    truth, found = pictures(seed=5)
    bins = calibration(match(truth, found), "box", num_bins=4)
    records = []
    for true, some in zip(truth, found, strict=True):
        taken = set()
        for j in np.argsort(-some.scores, kind="stable"):
            overlaps = [
                (np.sum(some.masks[j] & m) / np.sum(some.masks[j] | m), k)
                for k, m in enumerate(true.masks)
                if k not in taken and true.labels[k] == some.labels[j]
            ]
            best, k = max(overlaps, default=(0, None))
            taken |= {k} if best >= 0.5 else set()
            records.append((float(some.scores[j]), best >= 0.5))
    assert 0.2 < np.mean([right for _, right in records]) < 0.9
    gaps = 0
    for i in range(4):
        inside = [r for r in records if i / 4 <= r[0] < (i + 1) / 4 or i == 3 and r[0] == 1]
        assert bins["num"][i] == len(inside) > 0
        score, right = np.mean(inside, axis=0)
        assert bins["score"][i] == pytest.approx(score) and bins["right"][i] == pytest.approx(right)
        gaps += len(inside) * abs(score - right)
    assert bins["error"] == pytest.approx(gaps / len(records))


def test_calibration_where_nothing_can_be_said():
    for truth, found in (([ONE], [image()]), ([], []), ([ONE.replace(masks=None)], [ONE])):
        bins = calibration(match(truth, found))
        assert bins["error"] is None and bins["num"].tolist() == [0] * 10
        assert np.isnan(bins["score"]).all() and np.isnan(bins["right"]).all()
    assert calibration(match([image()], [ONE]))["error"] == 1  # sure, and nothing there
    with pytest.raises(ValueError, match="iou must be one of"):
        calibration(match([ONE], [ONE]), iou=0.3)
