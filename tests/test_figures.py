"""The figures of the notebooks, on numbers small enough to count what is drawn."""

import numpy as np
import pytest

from helpers.lessons import figures
from helpers.structures import Detections


def titles(figure):
    return [axis.get_title() for axis in figure.axes]


def boxes_in(axis):
    """How many boxes each call of `outline` has drawn on an axis."""
    return [len(drawn.get_paths()) for drawn in axis.collections]


def labels_of(axis):
    return axis.get_legend_handles_labels()[1]


def test_pyplot_knows_none_of_them():
    """Else a cell would show a figure twice."""
    import matplotlib.pyplot as plt

    figures.plot_box_shares(["bus"], [[0.5, 0.3, 0.2]])
    figures.show_boxes("claim", {"": []}, ["red"], np.zeros((4, 4, 3), np.uint8))
    assert plt.get_fignums() == []


def test_box_shares():
    figure = figures.plot_box_shares(["bus", "dog"], [[0.8, 0.1, 0.1], [0.25, 0.25, 0.5]])
    assert titles(figure) == ["Of one box only 25% is the object itself"]
    (axis,) = figure.axes
    assert labels_of(axis) == ["itself", "other objects", "no object"]
    ends = [bar.get_x() + bar.get_width() for bar in axis.containers[-1]]
    assert ends == pytest.approx([1, 1])
    with pytest.raises(ValueError, match=r"shape \(1, 3\) .* got \(2, 3\)"):
        figures.plot_box_shares(["bus"], np.ones((2, 3)) / 3)


def test_names_of_colors():
    (axis,) = figures.show_boxes("claim", {"": []}, ["red"], np.zeros((4, 4, 3), np.uint8)).axes
    figures.name_colors(axis, ["bus", "dog"])
    entries = axis.get_legend().legend_handles
    assert [entry.get_label() for entry in entries] == ["bus", "dog"]
    assert entries[1].get_facecolor()[:3] == pytest.approx(figures.COLORS[1])
    with pytest.raises(ValueError, match="names at most, got 99"):
        figures.name_colors(axis, ["bus"] * 99)


def test_costs():
    figure = figures.plot_costs({"box": 20, "packed RLE": 1234}, {"box": 0.5, "packed RLE": 1})
    assert titles(figure) == ["Every pixel is kept in 1234 bytes, by packed RLE"]
    (axis,) = figure.axes
    assert axis.get_xscale() == "log" and axis.get_xlabel() == "bytes"
    colors = [bar.get_facecolor()[:3] for bar in axis.patches]
    assert colors == [pytest.approx(figures.ORANGE), pytest.approx(figures.BLUE)]
    with pytest.raises(ValueError, match="the same ways"):
        figures.plot_costs({"box": 20}, {"polygon": 1})


def test_dataset():
    figure = figures.plot_dataset([("car", 5), ("dog", 3)], [2, 3, 3], np.array([0, 1, 2, 5]))
    assert titles(figure) == [
        "Most common: car and dog",
        "25% of the objects are small",
        "Half the pictures hold 1.5 or fewer",
    ]
    assert [bar.get_height() for bar in figure.axes[2].patches] == [1, 1, 1, 0, 0, 1]
    with pytest.raises(ValueError, match="small, medium and large, got 2"):
        figures.plot_dataset([("car", 5), ("dog", 3)], [2, 3], [1])
    with pytest.raises(ValueError, match="two or more, got 1"):
        figures.plot_dataset([("car", 5)], [2, 3, 0], [1])


def test_boxes_on_a_picture():
    picture, truth = np.zeros((20, 30, 3), np.uint8), [[1, 1, 5, 5]]
    panels = {"none": np.zeros((0, 4)), "two": [[0, 0, 9, 9], [2, 2, 4, 4]]}
    figure = figures.show_boxes("Two panels", panels, ["red", figures.GREY], picture, truth)
    assert figure.get_suptitle() == "Two panels" and titles(figure) == ["none", "two"]
    assert [boxes_in(axis) for axis in figure.axes] == [[0, 1], [2, 1]]
    with pytest.raises(ValueError, match="2 panels need as many colors, got 1"):
        figures.show_boxes("", panels, ["red"], picture)


def test_anchors():
    anchors = np.tile([[0, 0, 8, 8]], (2 * 6, 1))  # 2 x 3 cells, two shapes each
    figure = figures.plot_anchors(anchors, (16, 24), stride=8, cell=5)
    assert titles(figure) == ["6 cells, 2 shapes each: 12 anchors"]
    (axis,) = figure.axes
    assert boxes_in(axis) == [12, 2] and axis.get_xlim() == (-10, 34)
    x, y = axis.lines[0].get_data()
    assert (x[0], y[0]) == (4, 4) and (x[-1], y[-1]) == (20, 12)
    with pytest.raises(ValueError, match="11 anchors do not share out to 6 cells"):
        figures.plot_anchors(anchors[:11], (16, 24), 8, 0)


def test_centres():
    boxes, dark = [[0, 0, 4, 4], [2, 2, 6, 10], [1, 1, 1, 1]], np.zeros((12, 12, 3), np.uint8)
    kinds = {"grey": np.array([True, False, True]), "orange": np.array([False, True, False])}
    (axis,) = figures.show_centres("claim", kinds, boxes, dark, [[0, 0, 2, 2]]).axes
    assert labels_of(axis) == ["grey", "orange"] and boxes_in(axis) == [1]
    assert [line.get_xydata().tolist() for line in axis.lines] == [
        [[1.5, 1.5], [0.5, 0.5]], [[3.5, 5.5]]
    ]  # fmt: skip
    with pytest.raises(ValueError, match="'grey' needs 3 entries, got 1"):
        figures.show_centres("claim", {"grey": [True]}, boxes, dark)


def test_objectness():
    maps = {"P3": np.zeros((4, 5)), "P4": np.zeros((2, 3))}
    figure = figures.show_objectness(maps, [[0, 0, 10, 8]], (8, 10))
    assert "level by level" in figure.get_suptitle() and titles(figure) == ["P3", "P4"]
    corners = figure.axes[0].collections[0].get_paths()[0].get_extents()
    assert corners.bounds == pytest.approx((-0.5, -0.5, 5, 4))  # the whole map
    with pytest.raises(ValueError, match=r"map of P3 must be \(rows, columns\), got \(4, 5, 1\)"):
        figures.show_objectness({"P3": np.zeros((4, 5, 1))}, [], (8, 10))


def test_recall():
    recalls = {"anchors": {0.5: 0.9, 0.75: 0.3}, "proposals": {0.5: 0.8, 0.75: 0.6}}
    (axis,) = figures.plot_recall_of_steps(recalls).axes
    assert [bar.get_height() for bar in axis.patches] == [0.9, 0.8, 0.3, 0.6]
    assert labels_of(axis) == ["at IoU 0.5", "at IoU 0.75"] and axis.get_ylabel() == "recall"
    with pytest.raises(ValueError, match="got none"):
        figures.plot_recall_of_steps({})

    (axis,) = figures.plot_recall_of_places([2, 4], {0.7: [0.5, 0.9], 1: [0.4, 0.6]}).axes
    assert labels_of(axis) == ["NMS at 0.7", "no NMS"]
    assert axis.get_xscale() == "log" and axis.get_xlabel() == "num_proposals"
    with pytest.raises(ValueError, match="curve of 0.7 must hold 2 recalls, got 1"):
        figures.plot_recall_of_places([2, 4], {0.7: [0.5]})


def test_fcn():
    history = {f"{kind}fcn{n}s_loss": [2, 1] for kind in ("", "val_") for n in (32, 16, 8)}
    (axis,) = figures.plot_fcn_losses(history).axes
    assert labels_of(axis) == ["FCN-32s", "FCN-16s", "FCN-8s"] and len(axis.lines) == 6
    assert list(axis.get_xticks()) == [1, 2]
    with pytest.raises(ValueError, match="fcn16s_loss"):
        figures.plot_fcn_losses({k: v for k, v in history.items() if "16" not in k})

    (axis,) = figures.plot_class_ious({32: [0.1, 0.2], 16: [0.3, 0.4], 8: [0.5, 0.6]}, "ab").axes
    assert [bar.get_height() for bar in axis.patches] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    with pytest.raises(ValueError, match="FCN-32s needs 2 IoUs, got 1"):
        figures.plot_class_ious({32: [0.1], 16: [0.3, 0.4], 8: [0.5, 0.6]}, "ab")


def test_iou_by_size():
    panels = {"Shifted": {"0 px": [1, 1], "1 px": [0.5, 0.9]}, "Rounded": {"stride 4": [0.8, 0.9]}}
    figure = figures.plot_iou_by_size(["small", "large"], panels)
    assert titles(figure) == ["Shifted", "Rounded"]
    assert labels_of(figure.axes[0]) == ["0 px", "1 px"]
    assert figure.axes[0].get_ylabel() == "mean mask IoU"
    with pytest.raises(ValueError, match="1 px needs 2 values, got 1"):
        figures.plot_iou_by_size(["small", "large"], {"Shifted": {"1 px": [0.5]}})


def test_loss_ratios():
    figure = figures.plot_loss_ratios([[1, 8.04]], ["class", "mask"], ["wrong names"])
    assert titles(figure) == ["Each lie has its own pattern: times the honest loss"]
    texts = figure.axes[0].texts
    assert [text.get_text() for text in texts] == ["1.0", "8.0"]
    assert [text.get_color() for text in texts] == ["white", "black"]
    with pytest.raises(ValueError, match=r"shape \(2, 1\), got \(1, 2\)"):
        figures.plot_loss_ratios([[1, 2]], ["class"], ["one", "two"])


def test_long_axes():
    masks = np.zeros((1, 20, 30), bool)
    masks[0, 5:9, 2:22] = True  # lies flat: centre (12, 7), area 80
    rod = Detections([[2, 5, 22, 9]], [1], [1], (20, 30), {1: "rod"}, masks)
    image = np.zeros((20, 30, 3), np.uint8)
    figure = figures.show_long_axes(image, rod)
    assert titles(figure) == ["The middle of the box need not lie on the object"]
    _, bright, dot, cross = figure.axes[0].lines
    assert bright.get_xdata() == pytest.approx(12 + 80**0.5 / 2 * np.array([-1, 1]))
    assert dot.get_xydata().tolist() == cross.get_xydata().tolist() == [[12, 7]]
    assert figures.show_long_axes(image, rod[:0]).axes[0].lines[:] == []
    with pytest.raises(ValueError, match="must have masks"):
        figures.show_long_axes(image, rod.replace(masks=None))


def test_calls_of_a_model():
    (axis,) = figures.plot_calls(np.array([400.0, 40, 40, 40])).axes
    assert axis.get_title() == "The first call takes as long as 10 others"
    assert axis.get_yscale() == "log" and "median 40 ms" in labels_of(axis)
    with pytest.raises(ValueError, match="two calls or more are needed, got 1"):
        figures.plot_calls([1.0])


def test_intervals_and_the_front():
    aps = {"a": np.array([0.5, 0.6]), "b": np.array([0.4, 0.5])}
    figure = figures.plot_intervals(aps, {"b": aps["b"] - aps["a"]}, "a")
    assert titles(figure) == ["Alone, nearly all overlap", "On the same sets, the bars shrink"]
    assert figure.axes[1].get_xlabel() == "mask AP minus that of a"
    with pytest.raises(ValueError, match="base must be one of"):
        figures.plot_intervals(aps, {}, "c")

    models = {
        "a": {"cpu": 10, "mask": 0.5, "mask_span": (0.4, 0.6)},
        "b": {"cpu": 20, "mask": 0.4, "mask_span": (0.3, 0.5)},
    }
    (axis,) = figures.plot_front(models, ["a"]).axes
    assert axis.get_title() == "1 of 2 is worth discussing"
    assert labels_of(axis) == ["a", "b"]
    with pytest.raises(ValueError, match="the front must be among"):
        figures.plot_front(models, ["c"])


def test_the_staircase_by_pencil():
    """Right, wrong, wrong, right, wrong of two: 51 points at 1 and 50 at 1/2."""
    recall, precision = [0.5, 0.5, 0.5, 1, 1], [1, 0.5, 1 / 3, 0.5, 0.4]
    (axis,) = figures.plot_staircase(recall, precision).axes
    assert axis.get_title().endswith(f"{76 / 101:.4f}")
    counted, stairs = axis.lines
    assert counted.get_ydata().tolist() == precision
    assert stairs.get_ydata().tolist() == [1] * 51 + [0.5] * 50
    assert figures.plot_staircase([], []).axes[0].get_title().endswith("0.0000")
    with pytest.raises(ValueError, match="must be as long"):
        figures.plot_staircase([1], [])


def test_rates():
    (axis,) = figures.plot_rates({0.01: [3, 2], 0.1: [3, 5]}, first=4).axes
    slow, fast, start = axis.lines
    assert slow.get_xydata().tolist() == [[1, 3], [2, 2]] and fast.get_ydata().tolist() == [3, 5]
    assert labels_of(axis) == ["rate 0.01", "rate 0.1", "nothing learnt"]
    assert list(start.get_ydata()) == [4, 4]
    assert figures.plot_rates({}).axes[0].lines[:] == []
    (axis,) = figures.plot_rates({1: [2, 90]}).axes
    assert axis.get_ylim()[1] == pytest.approx(3 * 2 * 1.05)


def test_steps():
    curve = {name: [2.0, 1.0 + i / 4] for i, name in enumerate("abcde")}
    figure = figures.plot_steps(curve, 10)
    assert titles(figure) == ["50% of a is left, and 100% of e"]
    (axis,) = figure.axes
    assert labels_of(axis) == list("abcde")
    assert axis.lines[0].get_xdata().tolist() == [5, 15]  # the middle of ten steps


def test_choices():
    rows = {
        "first": {"text": "as it is", "mask_AP": [0.5, 0.52], "interval": [0, 0]},
        "other": {"text": "broken", "mask_AP": [0.4, 0.45], "interval": [-0.1, -0.06]},
    }
    figure = figures.plot_choices({"Masks": rows})
    assert titles(figure) == ["Masks: mask AP 0.510 at 0"]
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["as it is", "broken"]
    bar, seeds = axis.lines[2:4]
    assert list(bar.get_xdata()) == [-0.1, -0.06]
    assert seeds.get_xdata() == pytest.approx([-0.1, -0.07])  # each less its own seed's first
