"""The figures of the notebooks: each takes numbers, returns a Figure, and its title is the claim.

pyplot does not know the figures, so a cell whose last line is such a call shows it once.
"""

import numpy as np

from helpers.drawing import PALETTE, show
from helpers.structures import require

COLORS = np.array(PALETTE) / 255  # what matplotlib wants: 0..1
ORANGE, BLUE, VERMILION, GREEN = COLORS[[0, 2, 5, 6]]
GREY = np.array((200, 200, 200)) / 255
HIGHEST = 3  # times the loss at the start, of a curve of losses


def _axes(width, height, columns=1, **options):
    """A figure of so many inches, and its axes: one, or an array of them."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, columns, figsize=(width, height), dpi=100, layout="constrained", **options
    )
    plt.close(figure)
    return figure, axes


# 01: boxes and masks


def name_colors(axis, names):
    """A legend for a picture of `draw_detections` without labels: the name of each colour.

    Args:
        axis: matplotlib axis that shows the picture.
        names: N names, in the order of the detections; N may be 0.

    Raises:
        ValueError: more names than colours.
    """
    from matplotlib.patches import Patch

    require(len(names) <= len(COLORS), f"{len(COLORS)} names at most, got {len(names)}")
    patches = [Patch(color=color, label=name) for color, name in zip(COLORS, names, strict=False)]
    axis.legend(handles=patches, loc="upper right", fontsize=8, framealpha=0.9)


def plot_box_shares(names, shares):
    """Of each box, the share that is the object itself, other objects, or no object.

    Args:
        names: N class names.
        shares: (N, 3) float, rows that add up to 1. N is at least 1.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: not three shares for each name.
    """
    shares = np.asarray(shares)
    require(
        shares.shape == (len(names), 3) and len(names) > 0,
        f"shares must have shape ({len(names)}, 3) with one row or more, got {shares.shape}",
    )
    figure, axis = _axes(7, 3)
    rows = np.arange(len(names))
    start = np.zeros(len(names))
    kinds = {"itself": BLUE, "other objects": ORANGE, "no object": COLORS[7]}
    for (label, color), share in zip(kinds.items(), shares.T, strict=True):
        axis.barh(rows, share, left=start, label=label, color=color)
        start = start + share
    axis.set_yticks(rows, names)
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xlabel="share of the box")
    axis.set_title(f"Of one box only {shares[:, 0].min():.0%} is the object itself")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def plot_costs(num_bytes, ious):
    """Ways to write a mask down: a bar as long as their bytes, blue if every pixel is kept.

    Args:
        num_bytes: {way: bytes}; one of the ways is "packed RLE".
        ious: {way: IoU of what comes back with the mask}, the same ways.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the two do not name the same ways.
    """
    require(
        set(num_bytes) == set(ious),
        f"both must name the same ways, got {list(num_bytes)} and {list(ious)}",
    )
    figure, axis = _axes(7, 2.8)
    colors = [BLUE if ious[way] == 1 else ORANGE for way in num_bytes]
    bars = axis.barh(list(num_bytes), list(num_bytes.values()), color=colors)
    axis.bar_label(
        bars, [f" {size:,} bytes, IoU {ious[way]:.2f}" for way, size in num_bytes.items()]
    )
    axis.invert_yaxis()
    axis.set(xscale="log", xlim=(10, 3e8), xlabel="bytes")
    axis.set_title(f"Every pixel is kept in {num_bytes['packed RLE']} bytes, by packed RLE")
    return figure


def plot_dataset(classes, sizes, per_picture):
    """A data set at a glance: how many objects per class, per size and per picture.

    Args:
        classes: [(name, number of objects), ...], the most common first; two or more.
        sizes: the numbers of small, medium and large objects.
        per_picture: (P,) int, the number of objects in each picture.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: there are not three sizes, or fewer than two classes.
    """
    require(len(sizes) == 3, f"sizes must be small, medium and large, got {len(sizes)} numbers")
    require(len(classes) >= 2, f"classes must be two or more, got {len(classes)}")
    figure, (left, middle, right) = _axes(11, 2.8, columns=3)
    names, counts = zip(*classes, strict=True)
    left.barh(names, counts, color=BLUE)
    left.invert_yaxis()
    left.set(title=f"Most common: {names[0]} and {names[1]}", xlabel="objects")

    middle.bar(("small", "medium", "large"), sizes, color=ORANGE)
    share = sizes[0] / max(sum(sizes), 1)
    middle.set(title=f"{share:.0%} of the objects are small", ylabel="objects")

    right.hist(per_picture, np.arange(np.max(per_picture) + 2) - 0.5, color=BLUE)
    right.set(title=f"Half the pictures hold {np.median(per_picture):g} or fewer")
    right.set(xlabel="objects per picture", ylabel="pictures")
    right.xaxis.get_major_locator().set_params(integer=True)
    return figure


# 02: Faster R-CNN


def outline(axis, boxes, color, style="-", width=1.2):
    """Draws boxes (N, 4) [x1, y1, x2, y2] on a matplotlib axis, whose limits stay. N may be 0."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    frames = [Rectangle((x1, y1), x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes]
    lines = PatchCollection(frames, fc="none", ec=color, ls=style, lw=width)
    axis.add_collection(lines, autolim=False)


def show_boxes(claim, panels, colors, picture, truth=(), width=1.2):
    """The same picture several times, each time with other boxes; the true ones green and dashed.

    Args:
        claim: the title above all.
        panels: {title: (N, 4) boxes in pixels of the picture}; N may be 0.
        colors: a colour per panel, or an array of them with a colour per box.
        picture: (H, W, 3) uint8.
        truth: (G, 4), the true boxes.
        width: of the lines, points.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: not as many colours as panels.
    """
    require(
        len(panels) == len(colors), f"{len(panels)} panels need as many colors, got {len(colors)}"
    )
    height = 4.5 if len(panels) == 1 else 3
    figure = show([picture] * len(panels), list(panels), height=height)
    figure.suptitle(claim)
    for axis, boxes, color in zip(figure.axes, panels.values(), colors, strict=True):
        outline(axis, boxes, color, width=width)
        outline(axis, truth, GREEN, "--", 1.8)
    return figure


def show_centres(claim, kinds, boxes, picture, truth=()):
    """A picture with a dot at the centre of each box: kind by kind, the last one on top.

    Args:
        claim: the title.
        kinds: {name: (N,) bool, which boxes are of this kind}, two at most; grey, then orange.
        boxes: (N, 4), pixels of the picture.
        picture: (H, W, 3) uint8.
        truth: (G, 4), the true boxes, green and dashed.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a kind does not have an entry per box.
    """
    boxes = np.reshape(boxes, (-1, 4))
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    figure = show(picture, claim, height=4.5)
    (axis,) = figure.axes
    outline(axis, truth, GREEN, "--", 1.8)
    for (name, which), color, size in zip(kinds.items(), (GREY, ORANGE), (3, 6), strict=False):
        require(len(which) == len(boxes), f"'{name}' needs {len(boxes)} entries, got {len(which)}")
        x, y = (
            centres[np.asarray(which, bool)].T - 0.5
        )  # matplotlib counts from the middle of the first pixel
        axis.plot(x, y, "o", color=color, ms=size, mec="black", mew=0.3, label=name)
    axis.legend(loc="lower right", fontsize=9)
    return figure


def plot_anchors(anchors, image_size, stride, cell):
    """A grid of anchors, those of one cell in blue, a dot in the middle of each cell.

    Args:
        anchors: (A, 4) boxes, cell by cell, as many for each.
        image_size: (height, width), pixels, multiples of the stride.
        stride: pixels from one cell to the next.
        cell: the number of the cell to point out, row by row.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the anchors do not share out evenly among the cells.
    """
    height, width = image_size
    y, x = np.mgrid[0:height:stride, 0:width:stride] + stride / 2
    require(
        len(anchors) % x.size == 0, f"{len(anchors)} anchors do not share out to {x.size} cells"
    )
    shapes = len(anchors) // x.size
    figure, axis = _axes(4.2, 4.2)
    outline(axis, anchors, "0.7", width=0.8)
    outline(axis, anchors[cell * shapes : (cell + 1) * shapes], BLUE, width=2.5)
    axis.plot(x.ravel(), y.ravel(), "k.")
    around = 1.25 * stride
    axis.set(xlim=(-around, width + around), ylim=(height + around, -around))
    axis.set(xticks=range(0, width + 1, stride), yticks=range(0, height + 1, stride))
    axis.set(aspect="equal", title=f"{x.size} cells, {shapes} shapes each: {len(anchors)} anchors")
    return figure


def show_objectness(maps, boxes, image_size):
    """The best objectness at each cell of each level, the true boxes in white over it.

    Args:
        maps: {level: (rows, columns) float, 0..1}.
        boxes: (G, 4), pixels of the image.
        image_size: (height, width), pixels.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a map has not two axes.
    """
    import matplotlib.pyplot as plt

    for level, values in maps.items():
        shape = np.shape(values)
        require(len(shape) == 2, f"the map of {level} must be (rows, columns), got {shape}")
    figure = show([plt.cm.viridis(values) for values in maps.values()], list(maps), height=2.6)
    figure.suptitle("Objectness: where something is, level by level", fontsize=12)
    height, width = image_size
    for axis, values in zip(figure.axes, maps.values(), strict=True):
        rows, columns = values.shape
        to_cells = np.array([columns / width, rows / height] * 2)
        outline(axis, np.asarray(boxes) * to_cells - 0.5, "white", "--")
    return figure


def plot_recall_of_steps(recalls):
    """Bars: what share of the true objects each step still covers, at IoU 0.5 and 0.75.

    Args:
        recalls: {step: {0.5: recall, 0.75: recall}}.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: there is no step.
    """
    require(len(recalls) > 0, "recalls must hold a step or more, got none")
    figure, axis = _axes(8, 3.2)
    places = np.arange(len(recalls))
    for iou, shift, color in ((0.5, -0.2, BLUE), (0.75, 0.2, ORANGE)):
        shares = [recall[iou] for recall in recalls.values()]
        bars = axis.bar(places + shift, shares, 0.38, color=color, label=f"at IoU {iou}")
        axis.bar_label(bars, fmt="%.2f", fontsize=9)
    axis.set_xticks(places, list(recalls))
    axis.set(ylim=(0, 1.35), yticks=[0, 0.5, 1], ylabel="recall")
    axis.set_title("The deltas find the objects; the selection hardly loses any")
    axis.legend(loc="upper left", ncols=2)
    return figure


def plot_recall_of_places(num_proposals, curves):
    """Lines: recall against the number of proposals, for several thresholds of NMS.

    Args:
        num_proposals: P numbers, each twice the one before.
        curves: {NMS IoU: P recalls}; 1 stands for no NMS.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a curve is not as long as num_proposals.
    """
    figure, axis = _axes(7, 3.2)
    for (nms_iou, recalls), style in zip(curves.items(), ("s:", "o-", "^--"), strict=False):
        require(
            len(recalls) == len(num_proposals),
            f"the curve of {nms_iou} must hold {len(num_proposals)} recalls, got {len(recalls)}",
        )
        label = f"NMS at {nms_iou}" if nms_iou < 1 else "no NMS"
        axis.plot(num_proposals, recalls, style, label=label)
    axis.set_xscale("log", base=2)
    axis.set_xticks(num_proposals, num_proposals)
    axis.set(xlabel="num_proposals", ylabel="recall at IoU 0.5")
    axis.set_title("Without NMS, copies take the places of other objects")
    axis.legend()
    return figure


# 03: FCN

HEADS = {32: VERMILION, 16: ORANGE, 8: BLUE}  # FCN-32s, 16s, 8s


def plot_fcn_losses(history):
    """The loss of each head of an FCN, epoch by epoch; dotted in training, solid in the test.

    A training loss is the mean over an epoch, so it stands in its middle; a test comes at its end.

    Args:
        history: what Keras kept: {"fcn32s_loss": [...], "val_fcn32s_loss": [...], ...}.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a head is missing.
    """
    figure, axis = _axes(6, 3.2)
    for factor, color in HEADS.items():
        name = f"fcn{factor}s_loss"
        require(
            name in history and f"val_{name}" in history,
            f"history must hold {name} and val_{name}, got {sorted(history)}",
        )
        epochs = np.arange(1, len(history[name]) + 1)
        axis.plot(epochs - 0.5, history[name], ":", color=color)
        axis.plot(epochs, history[f"val_{name}"], "o-", color=color, label=f"FCN-{factor}s")
    axis.set(xlabel="epoch", ylabel="loss", xticks=epochs)
    axis.set_title("Finer heads have the lower loss (dotted: in training)")
    axis.legend()
    return figure


def plot_class_ious(ious, classes):
    """Bars: the IoU of each class, head by head.

    Args:
        ious: {32: [...], 16: [...], 8: [...]}, an IoU per class.
        classes: their names.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a head has not an IoU per class.
    """
    figure, axis = _axes(7, 3.2)
    places = np.arange(len(classes))
    for k, (factor, color) in enumerate(HEADS.items()):
        require(
            len(ious[factor]) == len(classes),
            f"FCN-{factor}s needs {len(classes)} IoUs, got {len(ious[factor])}",
        )
        shift = 0.27 * (k - 1)
        bars = axis.bar(places + shift, ious[factor], 0.25, color=color, label=f"FCN-{factor}s")
        axis.bar_label(bars, fmt="%.2f", fontsize=8)
    axis.set_xticks(places, classes)
    axis.set(ylabel="IoU", ylim=(0, 1.1), title="Thin objects are nearly lost at 1/32")
    axis.legend(loc="upper right", ncols=3, bbox_to_anchor=(1, 0.9))
    return figure


# 04: Mask R-CNN


def plot_iou_by_size(sizes, panels):
    """Lines side by side: the mean mask IoU of small to large objects, a line per mistake.

    Args:
        sizes: S names of sizes, the smallest first.
        panels: {title: {mistake: S values, 0..1}}, up to four mistakes each.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: a line has not a value per size.
    """
    figure, axes = _axes(4.5 * len(panels), 3.2, columns=len(panels), sharey=True)
    axes = np.atleast_1d(axes)
    looks = (("o-", BLUE), ("s--", ORANGE), ("^-.", GREEN), ("v:", VERMILION))
    for axis, (title, lines) in zip(axes, panels.items(), strict=True):
        for (name, values), (style, color) in zip(lines.items(), looks, strict=False):
            require(
                len(values) == len(sizes), f"{name} needs {len(sizes)} values, got {len(values)}"
            )
            axis.plot(sizes, values, style, label=name, color=color)
        axis.set(title=title, xlabel="side of the box, pixels", ylim=(0, 1.03))
        axis.legend()
    axes[0].set_ylabel("mean mask IoU")
    return figure


def plot_loss_ratios(ratios, losses, lies):
    """A table of colours: how many times its honest value each loss has, for each kind of lie.

    Args:
        ratios: (number of lies, number of losses), above 0.
        losses, lies: their names.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the shape of ratios does not fit the names.
    """
    ratios = np.asarray(ratios)
    wanted = (len(lies), len(losses))
    require(ratios.shape == wanted, f"ratios must have shape {wanted}, got {ratios.shape}")
    figure, axis = _axes(7, 2.8)
    axis.imshow(np.log2(ratios), cmap="cividis", vmin=-1, vmax=5, aspect="auto")
    axis.set_xticks(range(len(losses)), losses)
    axis.set_yticks(range(len(lies)), lies)
    for (row, column), value in np.ndenumerate(ratios):
        ink = "black" if value > 4 else "white"
        axis.text(column, row, f"{value:.1f}", ha="center", va="center", color=ink)
    axis.set_title("Each lie has its own pattern: times the honest loss")
    return figure


# 04b: build and train


def plot_steps(curve, every):
    """The five losses while a network learns, on logarithmic axes.

    Args:
        curve: {loss: (P,) float}, its mean over so many steps, one after the other; five of them.
        every: steps in a point.

    Returns:
        matplotlib Figure.
    """
    figure, axis = _axes(8, 3.2)
    num = len(next(iter(curve.values())))
    steps = every * (np.arange(num) + 0.5)
    for (name, values), color in zip(curve.items(), COLORS[[0, 2, 5, 6, 4]], strict=True):
        axis.plot(steps, values, color=color, label=name, marker="." if num < 3 else None)
    left = {name: values[-1] / values[0] for name, values in curve.items()}
    first, last = min(left, key=left.get), max(left, key=left.get)
    axis.set(xscale="log", yscale="log", xlabel="steps", ylabel="loss")
    axis.set_title(f"{left[first]:.0%} of {first} is left, and {left[last]:.0%} of {last}")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def plot_choices(groups):
    """What each choice is worth: a bar per variant, its interval; a dot per seed.

    Args:
        groups: {title: {variant: row}}, rows as in `read_choices`; the first of each is 0.

    Returns:
        matplotlib Figure.
    """
    sizes = [len(rows) for rows in groups.values()]
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        len(groups), 1, figsize=(8, 0.36 * sum(sizes) + 0.9 * len(groups)), dpi=100,
        layout="constrained", sharex=True, squeeze=False, height_ratios=sizes,
    )  # fmt: skip
    plt.close(figure)
    for axis, (title, rows) in zip(axes[:, 0], groups.items(), strict=True):
        first = np.array(next(iter(rows.values()))["mask_AP"])
        for y, row in enumerate(rows.values()):
            axis.plot(row["interval"], [y, y], lw=7, color=BLUE, solid_capstyle="butt")
            seeds = np.array(row["mask_AP"])
            axis.plot(seeds - first[: len(seeds)], np.full(len(seeds), y), ".", color=ORANGE)
        axis.set_yticks(range(len(rows)), [row["text"] for row in rows.values()])
        axis.set(ylim=(len(rows) - 0.5, -0.5), title=f"{title}: mask AP {first.mean():.3f} at 0")
        axis.axvline(0, color="0.6", zorder=0)
    axes[-1, 0].set_xlabel("difference in mask AP: bar, 95 % interval; dots, seeds")
    return figure


# 05: test on images


def show_long_axes(image, detections):
    """The long axis of each object, its centroid (a dot), and the middle of its box (a cross).

    Args:
        image: (H, W, 3) uint8.
        detections: Detections with masks; may be empty.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the detections have no masks.
    """
    require(detections.masks is not None, "detections must have masks, got boxes alone")
    figure = show(image, "The middle of the box need not lie on the object", height=4)
    axis = figure.axes[0]
    for row, (x1, y1, x2, y2) in zip(detections.to_table(), detections.boxes, strict=True):
        x, y = row["centroid"]
        angle = np.radians(row["angle"])
        half = row["area"] ** 0.5 / 2
        dx, dy = half * np.cos(angle), half * np.sin(angle)
        for color, width in (("black", 5), ("gold", 3)):
            axis.plot([x - dx, x + dx], [y - dy, y + dy], color=color, lw=width)
        axis.plot(x, y, "k.", (x1 + x2) / 2, (y1 + y2) / 2, "kx", ms=11, mew=3)
    return figure


def plot_staircase(recall, precision):
    """Precision against recall as counted, and the staircase that AP averages, at 101 points.

    Args:
        recall, precision: (N,) float, after each detection, best score first; N may be 0.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the lengths differ.
    """
    require(
        len(recall) == len(precision),
        f"recall and precision must be as long, got {len(recall)} and {len(precision)}",
    )
    recall, precision = np.asarray(recall), np.asarray(precision)
    levels = np.linspace(0, 1, 101)
    best = [max(precision[recall >= level], default=0) for level in levels]
    figure, axis = _axes(6, 3.2)
    axis.plot(recall, precision, "o-", color="0.6", label="counted, detection by detection")
    axis.fill_between(levels, best, step="pre", color=BLUE, alpha=0.15)
    axis.plot(levels, best, ".", color=BLUE, ms=3, label="staircase at 101 points")
    for number, place in enumerate(zip(recall, precision, strict=True), 1):
        axis.annotate(str(number), place, (5, 5), textcoords="offset points")
    axis.set(xlim=(-0.02, 1.05), ylim=(0, 1.1), xlabel="recall", ylabel="precision")
    axis.set_title(f"AP is the mean height of the stairs: {np.mean(best):.4f}")
    axis.legend(loc="lower left")
    return figure


# 07: compare models


def plot_calls(milliseconds):
    """How long each call of a model took, on a scale of factors; the first stands out.

    Args:
        milliseconds: (N,) float, in the order of the calls; N is at least 2.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: fewer than two calls.
    """
    require(len(milliseconds) >= 2, f"two calls or more are needed, got {len(milliseconds)}")
    first, later = milliseconds[0], milliseconds[1:]
    low, middle, high = np.percentile(later, [10, 50, 90])
    figure, axis = _axes(7, 2.6)
    axis.semilogy(range(1, len(milliseconds) + 1), milliseconds, "o")
    axis.axhspan(low, high, alpha=0.3, label=f"8 of 10 lie between {low:.0f} and {high:.0f} ms")
    axis.axhline(middle, label=f"median {middle:.0f} ms")
    axis.set(xlabel="call", ylabel="ms")
    axis.set_title(f"The first call takes as long as {first / middle:.0f} others")
    axis.legend()
    return figure


def plot_intervals(aps, differences, base):
    """Bars side by side: the interval of each model's AP, and of its difference from one of them.

    Args:
        aps: {model: (S,) mask AP on S sets of pictures}.
        differences: {model: (S,) AP less that of `base`}; models may be missing.
        base: the name of the model that the others are compared with.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: base is none of the models.
    """
    from helpers.evaluation import interval

    require(base in aps, f"base must be one of {list(aps)}, got '{base}'")
    figure, (left, right) = _axes(9, 0.45 * len(aps) + 1.2, columns=2, sharey=True)
    for y, (name, values) in enumerate(aps.items()):
        color = COLORS[y % len(COLORS)]
        for axis, drawn in ((left, values), (right, differences.get(name, np.zeros(1)))):
            axis.plot(interval(drawn) or (0, 0), [y, y], lw=7, color=color)
            axis.plot(np.mean(drawn), y, "k.")
    left.set_yticks(range(len(aps)), list(aps))
    left.set(title="Alone, nearly all overlap", xlabel="mask AP", ylim=(len(aps) - 0.5, -0.5))
    right.set(title="On the same sets, the bars shrink", xlabel=f"mask AP less that of {base}")
    right.set_xlim(np.array(left.get_xlim()) - np.mean(aps[base]))  # the same scale
    right.locator_params(axis="x", nbins=5)
    right.axvline(0, color="0.6")
    return figure


def plot_front(models, front):
    """A dot per model: its cost to the right, its AP upwards; a dashed line joins the front.

    Args:
        models: {name: {"cpu": ms, "mask": AP, "mask_span": (low, high)}}.
        front: the names of those on the Pareto front, from cheap to dear.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: the front names a model that is not there.
    """
    require(set(front) <= set(models), f"the front must be among {list(models)}, got {list(front)}")
    figure, axis = _axes(8, 4)
    costs = [models[name]["cpu"] for name in front]
    aps = [models[name]["mask"] for name in front]
    axis.plot(costs, aps, "k--", lw=1)
    for i, (name, row) in enumerate(models.items()):
        reach = np.abs(np.subtract(row["mask_span"], row["mask"]))[:, None]
        axis.errorbar(
            row["cpu"], row["mask"], reach, fmt="o" if name in front else "x", capsize=4, ms=9,
            color=COLORS[i % len(COLORS)], label=name,
        )  # fmt: skip
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axis.set(xlabel="CPU time per picture (ms)", ylabel="mask AP")
    verb = "is" if len(front) == 1 else "are"
    axis.set_title(f"{len(front)} of {len(models)} {verb} worth discussing")
    return figure


# 08: train on your data


def plot_rates(curves, first=None):
    """The sum of the losses step by step, a line for each learning rate.

    What shoots up to more than three times the start leaves the figure, or nothing else is seen.

    Args:
        curves: {learning rate: (steps,) float}; may be empty.
        first: what the loss is before anything is learnt, for a dotted line; None for no line.

    Returns:
        matplotlib Figure.
    """
    figure, axis = _axes(7, 2.8)
    for i, (rate, losses) in enumerate(curves.items()):
        color = COLORS[i % len(COLORS)]
        axis.plot(range(1, len(losses) + 1), losses, ".-", color=color, label=f"rate {rate:g}")
    if first is not None:
        axis.axhline(first, color="0.5", ls=":", label="nothing learnt")
    starts = [losses[0] for losses in curves.values()]
    highest = max([max(losses) for losses in curves.values()], default=1)
    top = min(highest, HIGHEST * max(starts, default=1))
    axis.set(xlabel="step", ylabel="sum of the five losses", ylim=(0, 1.05 * top))
    axis.set_title("The same network, batches and loop: only the rate differs")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
