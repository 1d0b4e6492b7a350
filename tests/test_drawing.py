"""Overlays and figures, by pencil, against a slow reference, and where there is nothing to draw."""

import itertools

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from helpers import drawing
from helpers.drawing import PALETTE, LabelMemory, color_of, contrast, draw_detections, show
from helpers.structures import Detections

NAMES = {1: "person", 3: "car"}


def detections(boxes, size, masks=None, scores=None, track_ids=None):
    labels = [1 + 2 * (i % 2) for i in range(len(boxes))]
    scores = np.linspace(0.9, 0.5, len(boxes)) if scores is None else scores
    return Detections(np.reshape(boxes, (-1, 4)), labels, scores, size, NAMES, masks, track_ids)


def rectangle(size, x1, y1, x2, y2):
    mask = np.zeros(size, bool)
    mask[y1:y2, x1:x2] = True
    return mask


# --- colours ----------------------------------------------------------------------------------


def test_a_key_has_one_colour_for_ever():
    assert color_of(0) == (230, 159, 0) and color_of(np.int32(3)) == PALETTE[3]
    assert color_of(len(PALETTE) + 2) == PALETTE[2] and len(set(PALETTE)) == len(PALETTE) >= 8


def test_pencil_contrast():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((9, 9, 9), (9, 9, 9)) == 1
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)  # #777


def test_the_palette_for_all_kinds_of_colour_vision():
    """Lab distance after Machado et al. 2009, severity 1: protan, deutan, tritan, and none."""
    protan = [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]
    deutan = [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ]
    tritan = [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ]
    sight = [protan, deutan, tritan, np.eye(3)]
    share = np.array(PALETTE) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.stack([np.clip(linear @ np.transpose(m), 0, 1) for m in sight])
    lab = cv2.cvtColor(seen.astype(np.float32), cv2.COLOR_LRGB2Lab)
    apart = {
        (i, j): np.linalg.norm(lab[:, i] - lab[:, j], axis=1).min()
        for i, j in itertools.combinations(range(len(PALETTE)), 2)
    }
    assert min(apart.values()) > 15.9
    assert min(d for (i, j), d in apart.items() if j - i in (1, len(PALETTE) - 1)) > 24


def test_letters_have_contrast_on_every_colour():
    for color in PALETTE:  # 4.5 is what WCAG asks of small text
        assert max(contrast(color, drawing.INK), contrast(color, drawing.PAPER)) > 4.5


# --- overlays ---------------------------------------------------------------------------------


def test_pencil_one_mask():
    # A mask of 5x5 in the middle of 11x11, line 1: 3x3 tinted, a dark edge, a light edge, the rest.
    image = np.full((11, 11, 3), 100, np.uint8)
    objects = detections([(3, 3, 8, 8)], (11, 11), rectangle((11, 11), 3, 3, 8, 8)[None])
    drawn = draw_detections(image, objects, labels=False, boxes=False, alpha=0.5)
    assert drawn[5, 5].tolist() == [165, 130, 50]  # half of 100 and half of (230, 159, 0), rounded
    assert drawn[3, 5].tolist() == drawn[7, 3].tolist() == [76, 53, 0]  # a third of the colour
    assert drawn[2, 5].tolist() == drawn[5, 8].tolist() == [255] * 3
    assert drawn[1, 5].tolist() == drawn[0, 0].tolist() == [100] * 3


def test_pencil_one_box():
    image = np.zeros((9, 9, 3), np.uint8)
    drawn = draw_detections(image, detections([(2, 3, 7, 6)], (9, 9)), labels=False)
    frame = rectangle((9, 9), 2, 3, 7, 6) & ~rectangle((9, 9), 3, 4, 6, 5)
    np.testing.assert_array_equal((drawn == color_of(0)).all(2), frame)


def test_tint_agrees_with_a_plain_loop():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (60, 80, 3), np.uint8)
    masks = np.stack([rectangle((60, 80), *b) for b in ((5, 5, 40, 30), (20, 10, 75, 55))])
    boxes = [(5, 5, 40, 30), (20, 10, 75, 55)]
    drawn = draw_detections(image, detections(boxes, (60, 80), masks), labels=False, boxes=False)
    slow = image.copy()
    for i in (1, 0):  # the larger one first
        color, old = np.array(color_of(i)), slow.copy()
        for y, x in itertools.product(range(60), range(80)):
            near = masks[i][max(0, y - 1) : y + 2, x], masks[i][y, max(0, x - 1) : x + 2]
            some, every = np.concatenate(near).any(), np.concatenate(near).all()
            if masks[i, y, x]:
                slow[y, x] = np.rint(0.55 * old[y, x] + 0.45 * color) if every else color // 3
            elif some:
                slow[y, x] = 255
    assert np.abs(drawn.astype(int) - slow).max() <= 1


def test_a_track_keeps_its_colour_whatever_its_rank():
    image = np.zeros((9, 9, 3), np.uint8)
    for key in (0, 7, 123):
        objects = detections([(2, 2, 7, 7)], (9, 9), track_ids=[key])
        assert (draw_detections(image, objects, labels=False) == color_of(key)).all(2).sum() == 16


def test_a_class_has_one_colour_if_asked_for():
    objects = detections([(2, 2, 7, 7)] * 2, (9, 9))  # a person and a car: first and second class
    for i in (0, 1):
        drawn = draw_detections(
            np.zeros((9, 9, 3), np.uint8), objects[i], labels=False, by_class=True
        )
        assert (drawn == color_of(i)).all(2).sum() == 16
    tracked = objects[1].replace(track_ids=np.array([5]))
    drawn = draw_detections(np.zeros((9, 9, 3), np.uint8), tracked, labels=False, by_class=True)
    assert (drawn == color_of(5)).all(2).sum() == 16


def test_what_the_chips_say():
    objects = detections([(0, 0, 9, 9)] * 3, (9, 9), scores=[1, 0.9996, 0.5])
    assert drawing._texts(objects) == ["person", "car · 99 %", "person · 50 %"]
    objects = objects.replace(track_ids=np.array([4, 5, 6]))
    assert drawing._texts(objects) == ["person #4", "car #5 · 99 %", "person #6 · 50 %"]


@pytest.mark.parametrize("size", [(256, 320), (720, 1280), (2160, 3840)])
def test_chips_stay_inside_and_apart(size):
    height, width = size
    rng = np.random.default_rng(1)
    corners = rng.uniform(-0.1, 1, (12, 2)) * (width, height)
    boxes = np.hstack([corners, corners + (width / 9, height / 9)]).astype(int)
    chips = [drawing._chip(f"traffic light {i}%", color_of(i), height // 25) for i in range(12)]
    places = list(drawing._places(chips, boxes, (height, width, 3)))
    taken = np.zeros(size, int)
    for chip, (x, y) in zip(chips, places, strict=True):
        assert 0 <= x <= width - chip.shape[1] and 0 <= y <= height - chip.shape[0]
        taken[y : y + chip.shape[0], x : x + chip.shape[1]] += 1
    assert taken.max() == 1


def test_a_small_object_gets_no_label_that_would_hide_another():
    """A label of 30 x 10 at an object of 8 x 8: alone, it has one; inside another object, none."""
    chips = [np.zeros((10, 30, 3), np.uint8)] * 2
    small = (100, 50, 108, 58)
    apart = drawing._places(chips, np.array([small, (5, 5, 65, 45)]), (100, 200, 3))
    assert apart == [[100, 40], [5, 45]]
    around = drawing._places(chips, np.array([small, (20, 12, 199, 99)]), (100, 200, 3))
    assert around == [None, [20, 2]]
    memory = LabelMemory()
    corners = np.array([small, (20, 12, 199, 99)])
    drawing._places(chips, corners, (100, 200, 3), np.array([3, 4]), memory)
    assert set(memory.choices) == {4}


def test_labels_of_a_video_stay_where_they_were():
    """Two boxes side by side: the right one's label stands clear of the left one, or stays put."""

    def place(x, memory):
        """Where the label of box 2 begins, which is x pixels right of box 1's left edge."""
        left_top = np.array([(20, 40), (20 + x, 40)])
        corners = np.hstack([left_top, left_top + 30])
        chips = [np.zeros((10, 30, 3), np.uint8)] * 2
        keys = np.array([2, 1])  # the label of box 2 is placed first, that of box 1 must give way
        return drawing._places(chips, corners, (100, 200, 3), keys, memory)

    assert place(100, LabelMemory()) == [[20, 30], [120, 30]]
    assert place(10, LabelMemory())[1] == [30, 30]
    memory = LabelMemory()
    first, then = place(20, memory), place(35, memory)
    assert first == place(20, LabelMemory()) and then[0] != place(35, LabelMemory())[0]
    assert then[0] == first[0]  # its box has not moved
    assert set(memory.choices) == {1, 2} and place(35, None) == place(35, LabelMemory())


def test_the_argument_is_not_touched_and_may_be_a_read_only_view():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (90, 120, 3), np.uint8)
    masks = np.stack([rectangle((90, 120), 10, 10, 60, 50), rectangle((90, 120), 50, 20, 110, 80)])
    objects = detections([(10, 10, 60, 50), (50, 20, 110, 80)], (90, 120), masks)
    right, old = draw_detections(image, objects), image.copy()
    np.testing.assert_array_equal(image, old)
    strided = np.asfortranarray(image)[::-1][::-1]
    slow = objects.replace(masks=np.asfortranarray(objects.masks))
    for array in (strided, slow.masks, slow.boxes):
        array.flags.writeable = False
    np.testing.assert_array_equal(draw_detections(strided, slow), right)
    assert right.flags.c_contiguous and right.flags.writeable and right.base is None


def test_nothing_to_draw():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    for with_masks in (True, False):
        drawn = draw_detections(image, Detections.empty((40, 50), NAMES, with_masks))
        np.testing.assert_array_equal(drawn, image)
        assert drawn is not image
    objects = detections(
        [(5, 5, 5, 5)], (40, 50), np.zeros((1, 40, 50), bool)
    )  # empty box and mask
    assert draw_detections(image, objects).shape == image.shape


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (20, 30)])
def test_tiny_and_thin_pictures(size):
    box = [(0, 0, size[1], size[0])]
    objects = detections(box, size, np.ones((1, *size), bool))
    drawn = draw_detections(np.zeros((*size, 3), np.uint8), objects)
    assert drawn.shape == (*size, 3) and drawn.any()


def test_boxes_may_lie_outside():
    objects = detections([(-50, -20, 20, 20), (30, 30, 900, 900), (70, 70, 80, 80)], (40, 50))
    assert draw_detections(np.zeros((40, 50, 3), np.uint8), objects).any()


def test_refusals():
    objects = Detections.empty((40, 50), NAMES)
    with pytest.raises(ValueError, match="must be uint8, 0 to 255, got float64"):
        draw_detections(np.zeros((40, 50, 3)), objects)
    with pytest.raises(ValueError, match=r"must be \(40, 50, 3\) like .* got \(50, 40"):
        draw_detections(np.zeros((50, 40, 3), np.uint8), objects)
    with pytest.raises(ValueError, match="between 0 and 1, got 45"):
        draw_detections(np.zeros((40, 50, 3), np.uint8), objects, alpha=45)


# --- figures ----------------------------------------------------------------------------------


def test_show_lays_pictures_out():
    import matplotlib.pyplot as plt

    wide, tall = np.zeros((30, 60, 3), np.uint8), np.zeros((60, 30), bool)
    figure = show([wide, tall, wide, wide, tall], ["one", "two", "three", "four", "five"])
    assert len(figure.axes) == 8 and figure.axes[1].get_title() == "two" and figure.dpi == 100
    assert not any(axis.axison for axis in figure.axes) and not plt.get_fignums()
    figure = show([wide, tall], "Wide and tall", columns=1)
    assert figure.get_suptitle() == "Wide and tall" and len(figure.axes) == 2
    assert show(wide, "Alone").axes[0].get_title() == "Alone"


def test_show_keeps_large_pictures_light_and_takes_one_pixel():
    figure = show(np.zeros((3000, 9000, 3), np.uint8))
    assert figure.axes[0].images[0].get_array().shape[1] <= 2400 and figure.get_figwidth() <= 12
    figure = show(np.zeros((4000, 6000), bool))
    assert figure.axes[0].images[0].get_array().shape[1] <= 2400
    assert show(np.zeros((1, 1, 3), np.uint8)).axes[0].images


def test_show_refuses():
    with pytest.raises(ValueError, match="at least one image"):
        show([])
    with pytest.raises(ValueError, match="2 images need as many titles, got 1"):
        show([np.zeros((2, 2, 3), np.uint8)] * 2, ["one"])


def test_in_a_script_a_figure_is_not_lost(monkeypatch):
    """A window that waits, or a warning with the remedy; nothing of both in a notebook."""
    grey = np.zeros((4, 4, 3), np.uint8)
    with pytest.warns(UserWarning, match="no screen .* save_image"):
        show(grey)
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "tk")
    show(grey)
    assert len(shown) == 1 and len(shown[0]) == 1
    plt.close("all")
    monkeypatch.setattr(drawing, "_is_in_notebook", lambda: True)
    show(grey)
    assert len(shown) == 1 and not plt.get_fignums()
