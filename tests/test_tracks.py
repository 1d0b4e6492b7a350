"""Identities through crossings, gaps and slips; objects carried along; counts from paths."""

import csv
import json
import pathlib
import runpy

import numpy as np
import pytest

from helpers.drawing import color_of
from helpers.streets import draw_clip
from helpers.structures import Detections, mask_iou
from helpers.video import History, Tracker, carry, shift_mask

BENCHMARK = pathlib.Path(__file__).parents[1] / "benchmarks/tracks.py"
SIZE, CATEGORIES = (60, 200), {1: "person", 3: "car", 8: "truck"}


def frame_of(boxes, labels=None, scores=None, masks=True):
    """Detections of filled boxes, cars of score .9 unless said otherwise."""
    n = len(boxes)
    pixels = np.zeros((n, *SIZE), bool)
    for pixel, (x1, y1, x2, y2) in zip(pixels, boxes, strict=True):
        pixel[max(y1, 0) : y2, max(x1, 0) : x2] = True
    labels, scores = labels or [3] * n, scores or [0.9] * n
    return Detections(boxes, labels, scores, SIZE, CATEGORIES, pixels if masks else None)


def ids(tracker, *args, **kwargs):
    return tracker.update(frame_of(*args, **kwargs)).track_ids.tolist()


@pytest.mark.parametrize("masks", [True, False])
def test_two_that_cross_keep_their_numbers(masks):
    """One goes right, one left, on tracks 5 pixels apart; the order of detections changes."""
    tracker, middle = Tracker(), []
    for t in range(21):
        right, left = [8 * t, 20, 8 * t + 30, 40], [160 - 8 * t, 25, 190 - 8 * t, 45]
        order = [right, left] if t % 2 else [left, right]
        found = dict(zip(map(tuple, order), ids(tracker, order, masks=masks), strict=True))
        middle.append((found[tuple(right)], found[tuple(left)]))
    assert set(middle) == {middle[0]} and sorted(middle[0]) == [1, 2]


@pytest.mark.parametrize("gap", [1, 5, 12])
def test_hidden_for_some_frames(gap):
    tracker, box = Tracker(), lambda t: [5 * t, 20, 5 * t + 20, 40]
    for t in range(12):
        assert ids(tracker, [box(t)]) == [1]
    for _ in range(gap):
        assert ids(tracker, []) == []
    assert ids(tracker, [box(12 + gap)]) == [1]


def test_one_that_enters_is_not_the_one_that_left():
    """A car is last seen at the border, moving out by 4 a frame; 8 frames later another comes in.

    The first is then expected at 192 to 232 of 200 pixels, the other one is at 184 to 200.
    """
    tracker, box = Tracker(), lambda t: [100 + 4 * t, 20, min(140 + 4 * t, 200), 40]
    for t in range(16):
        assert ids(tracker, [box(t)]) == [1]
    for _ in range(7):
        assert ids(tracker, []) == []
    assert ids(tracker, [[184, 20, 200, 40]]) == [2]


@pytest.mark.parametrize("side", [0, 1])
def test_the_edge_at_the_border_does_not_hold_an_object(side):
    """A car is cut by the border from its first frame to its last and drives out by 4 a frame.

    One of its edges never moves. Nine frames after it has gone another car comes in there.
    """

    def box(width):
        return [[0, 20, width, 40], [200 - width, 20, 200, 40]][side]

    tracker = Tracker()
    for width in range(60, 8, -4):
        assert ids(tracker, [box(width)]) == [1]
    np.testing.assert_allclose(tracker.tracks[0].velocity, [4 * (-1, 1)[side], 0], atol=0.1)
    for _ in range(9):
        assert ids(tracker, []) == []
    assert ids(tracker, [box(16)]) == [2]


def test_numbers_are_never_used_again():
    tracker = Tracker(patience=3)
    assert ids(tracker, [[0, 20, 20, 40]]) == [1]
    for _ in range(4):
        assert ids(tracker, []) == []
    assert ids(tracker, [[0, 20, 20, 40]]) == [2] and len(tracker.tracks) == 1
    assert sorted(ids(tracker, [[0, 20, 20, 40], [150, 20, 170, 40]])) == [2, 3]


def test_a_slip_of_the_class_does_not_show():
    tracker = Tracker()
    for label in (3, 3, 8, 3):
        found = tracker.update(frame_of([[50, 20, 80, 40]], [label]))
        assert found.track_ids.tolist() == [1] and found.names == ["car"]


def test_a_large_view_outweighs_small_ones():
    """A head at the lower border is called a truck twice; then half the person is there, once."""
    tracker, found = Tracker(), []
    for box, label in (([90, 50, 100, 60], 8), ([90, 46, 102, 60], 8), ([84, 30, 108, 60], 1)):
        found.append(tracker.update(frame_of([box], [label], [0.8])))
    assert [one.track_ids.tolist() for one in found] == [[1]] * 3
    assert [one.names for one in found] == [["truck"], ["truck"], ["person"]]


def test_class_decides_between_two_that_are_equally_near():
    """Both moved half way to each other's place: only the class tells who is who."""
    tracker = Tracker()
    assert ids(tracker, [[40, 20, 60, 40], [50, 20, 70, 40]], [1, 3]) == [1, 2]
    assert ids(tracker, [[45, 20, 65, 40], [45, 20, 65, 40]], [3, 1]) == [2, 1]


def test_weak_ones_continue_but_do_not_begin():
    tracker, box = Tracker(birth_score=0.6), [50, 20, 80, 40]
    assert ids(tracker, [box], scores=[0.5]) == []
    assert ids(tracker, [box], scores=[0.7]) == [1]
    assert ids(tracker, [box], scores=[0.1]) == [1]


def test_a_weak_find_of_another_class_continues_nothing():
    tracker, box = Tracker(), [[0, 20, 20, 40]]
    assert ids(tracker, box) == [1]
    assert ids(tracker, box, labels=[1], scores=[0.4]) == []
    assert ids(tracker, box, labels=[1], scores=[0.9]) == [1]  # a strong one does
    assert ids(tracker, box, labels=[1], scores=[0.4]) == [1]  # and now it was of that class


def test_a_second_find_of_the_same_object_is_left_out():
    tracker = Tracker()
    found = tracker.update(frame_of([[50, 20, 80, 40], [51, 20, 80, 40]], [3, 8], [0.9, 0.8]))
    assert found.names == ["car"] and found.track_ids.tolist() == [1]


def test_empty_and_refused():
    tracker, empty = Tracker(), Detections.empty(SIZE, CATEGORIES)
    found = tracker.update(empty)
    assert len(found) == 0 and found.track_ids.shape == (0,) and found.masks.shape == (0, *SIZE)
    with pytest.raises(ValueError, match=r"one size, \(60, 200\).*got \(60, 100\)"):
        tracker.update(Detections.empty((60, 100), CATEGORIES))


def test_arguments_stay_and_runs_are_equal():
    clip = [truth.replace(track_ids=None) for _, truth in draw_clip(3, 6)]
    before = [truth.boxes.copy() for truth in clip]
    one, two = ([t.update(d).track_ids.tolist() for d in clip] for t in (Tracker(), Tracker()))
    assert one == two and all((a == d.boxes).all() for a, d in zip(before, clip, strict=True))


def test_truth_of_a_clip_keeps_its_numbers():
    """Of exact detections of a drawn street hardly any identity may be lost."""
    tracker, last, switches, num = Tracker(), {}, 0, 0
    for _, truth in draw_clip(1, 48):
        found = tracker.update(truth.replace(track_ids=None))
        where = np.abs(found.boxes[:, None] - truth.boxes).sum(2).argmin(1)
        for true, ours in zip(
            truth.track_ids[where].tolist(), found.track_ids.tolist(), strict=True
        ):
            switches += last.get(true, ours) != ours
            last[true], num = ours, num + 1
    assert num > 200 and switches <= 2


def test_shifted_by_hand():
    mask = np.array([[1, 0, 0], [0, 1, 0]], bool)
    assert shift_mask(mask, (1, 0)).tolist() == [[False, True, False], [False, False, True]]
    assert shift_mask(mask, (0, -1)).tolist() == [[False, True, False], [False] * 3]
    assert not shift_mask(mask, (3, 0)).any() and not shift_mask(mask, (0, 5)).any()


# Between detections -------------------------------------------------------------------------------


def textured(x, y):
    """A grey picture with a square of noise, 20 x 20 pixels, at (x, y)."""
    image = np.full((*SIZE, 3), 90, np.uint8)
    noise = (
        np.random.default_rng(0).integers(0, 255, (10, 10, 1), np.uint8).repeat(2, 0).repeat(2, 1)
    )
    image[y : y + 20, x : x + 20] = noise
    return image


@pytest.mark.parametrize("masks", [True, False])
def test_carried_with_the_pixels(masks):
    found = frame_of([[50, 20, 70, 40]], masks=masks).replace(track_ids=[7])
    moved = carry(textured(50, 20), textured(55, 17), found)
    assert moved.boxes[0] == pytest.approx([55, 17, 75, 37], abs=0.5)
    assert moved.track_ids.tolist() == [7] and found.boxes[0, 0] == 50
    if masks:
        assert mask_iou(moved.masks, frame_of([[55, 17, 75, 37]]).masks)[0, 0] > 0.9


def test_nothing_to_carry_and_refused():
    image = textured(50, 20)
    assert len(carry(image, image, frame_of([]))) == 0
    still = carry(np.zeros_like(image), np.zeros_like(image), frame_of([[50, 20, 70, 40]]))
    assert still.boxes[0].tolist() == [50, 20, 70, 40]
    with pytest.raises(ValueError, match="both images must be 60 x 200"):
        carry(image, image[:30], frame_of([]))


# Counts -------------------------------------------------------------------------------------------


def history(*places, seconds=0.5):
    """A History of one car whose middle is at these places."""
    past = History()
    for t, (x, y) in enumerate(places):
        box = [[x - 10, y - 10, x + 10, y + 10]]
        past.add(t * seconds, frame_of(box).replace(track_ids=[4]))
    return past


def test_table_by_hand(tmp_path):
    past = history((20, 30), (50, 30), (80, 30))
    row = dict(id=4, name="car", frames=3, first_seconds=0.0, last_seconds=1.0, mean_area=400.0)
    assert past.table() == [row | {"speed": 60.0}]  # 60 pixels in a second
    past.write(tmp_path / "a.json")
    past.write(tmp_path / "a.csv")
    assert json.loads((tmp_path / "a.json").read_text()) == past.table()
    (read,) = csv.DictReader((tmp_path / "a.csv").open())
    assert read["name"] == "car" and float(read["speed"]) == 60
    History().write(tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == "id\n"


def test_lines_are_crossed():
    down = (100, 0), (100, 60)  # who walks down the screen has the left of the screen at the right
    assert history((80, 30), (120, 30)).crossings(*down) == {("car", "left"): 1}
    assert history((120, 30), (80, 30)).crossings(*down) == {("car", "right"): 1}
    assert history((80, 30), (120, 30), (80, 30)).crossings(*down).total() == 2
    assert not history((80, 50), (120, 50)).crossings((100, 0), (100, 40))  # passes below its end
    assert not history((99, 30), (101, 30), (99, 30)).crossings(*down)  # trembles
    with pytest.raises(ValueError, match="two different ends"):
        history((1, 1)).crossings((5, 5), (5, 5))


def test_trails_are_drawn_on_a_copy():
    image = np.zeros((*SIZE, 3), np.uint8)
    drawn = history((20, 30), (50, 30), (80, 30)).draw_trails(image, color_of, seconds=0.9)
    assert not image.any() and np.abs(np.subtract(drawn[30, 60], color_of(4), dtype=int)).max() < 30
    assert not drawn[:, :45].any()  # half a second before that is forgotten
    with pytest.raises(ValueError, match="need track_ids"):
        History().add(0, frame_of([]))


# The benchmark's measures ----------------------------------------------------------------------


def test_measures_by_hand():
    """Agrees with motmetrics 1.4 on three clips, too, as was tried when this was written."""
    score, box = runpy.run_path(str(BENCHMARK))["score"], [[0, 0, 10, 10]]
    far, none = [[50, 0, 60, 10]], ([], np.zeros((0, 4)))
    found = score([([5], box)] * 3, [([1], box), ([1], box), ([2], box)])
    assert (found["switches"], found["misses"], found["false"]) == (1, 0, 0)
    assert found["IDF1"] == pytest.approx(2 / 3) and found["MOTA"] == pytest.approx(2 / 3)
    found = score([([5], box)] * 4, [([1], box), none, ([1], far), ([1], box)])
    assert (found["switches"], found["misses"], found["false"]) == (0, 2, 1)
    assert found["MOTA"] == pytest.approx(1 / 4) and found["IDF1"] == pytest.approx(4 / 7)
