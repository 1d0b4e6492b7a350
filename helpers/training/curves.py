"""Learning curves: a row after each epoch, in a file, in a figure, for TensorBoard."""

import contextlib
import csv
import pathlib

from helpers.pictures import replacing

CURVES = (("mask", "AP50"), ("mask", "AP"), ("box", "AP50"), ("box", "AP"))
MEANING = {  # a question that the loss answers, and what to see in it
    "rpn_class": "Is there an object at this anchor? Stays up if objects fit no anchor in size.",
    "rpn_box": "How far is the anchor from its object? Never near 0: anchors are coarse.",
    "class": "What is in the proposal? At 0 while AP stalls, pictures are learnt by heart.",
    "box": "How far is the proposal from its object? May rise first: more proposals count.",
    "mask": "Which pixels of the box are object? 0.69 is guessing; thin shapes keep it up.",
    "AP": "How good is it on pictures it does not learn from? If it falls, stop or add pictures.",
}


def read_curve(folder):
    """The rows of `curve.csv` as dicts of str; none if there is no such file yet."""
    path = pathlib.Path(folder) / "curve.csv"
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write_row(folder, row):
    """Add an epoch's row to `curve.csv`, in place of rows that saw as many images or more.

    Args:
        folder: where the file is or shall be; TensorBoard's log goes to `log/` beside it.
        row: {"images": seen so far, loss names and names of `CURVES`: number or None}.

    Returns:
        All rows, as `read_curve` gives them.
    """
    rows = [old for old in read_curve(folder) if int(old["images"]) < row["images"]]
    rows.append({key: "" if value is None else str(value) for key, value in row.items()})
    path = pathlib.Path(folder) / "curve.csv"
    with replacing(path) as part, open(part, "w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerows(rows)
    with contextlib.suppress(ImportError):
        from tensorboard.summary import Writer

        writer = Writer(str(path.with_name("log")))
        for name, value in row.items():
            if value is not None:
                writer.add_scalar(name, value, row["images"])
        writer.close()
    return rows


def losses_in(rows):
    """The names of the losses in rows of `read_curve`, in the order of `MEANING`."""
    return [name for name in MEANING if name in rows[0]]


def best(rows):
    """Index of the row with the highest mask AP, the last of them; rows as of `read_curve`."""
    return max(range(len(rows)), key=lambda k: (float(rows[k]["mask_AP"] or 0), k))


def plot_curve(rows, path=None):
    """Draw the learning curve.

    Args:
        rows: of `read_curve`, one or more.
        path: of a PNG to write, or None.

    Returns:
        matplotlib Figure.
    """
    import matplotlib.pyplot as plt

    images = [int(row["images"]) for row in rows]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), dpi=100, layout="constrained")
    for name in losses_in(rows):
        label = f"{name}: {MEANING[name].split('?')[0]}?"
        left.plot(images, [float(row[name]) for row in rows], ".-", label=label)
    for kind, name in CURVES:
        values = [float(row[f"{kind}_{name}"] or 0) for row in rows]
        right.plot(images, values, ".--" if kind == "box" else ".-", label=f"{kind} {name}")
    left.set(title="The losses should fall", yscale="log")
    right.set(title="Average precision should rise", ylim=(0, 1))
    for axes in (left, right):
        axes.set_xlabel("pictures seen")
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.2))
        axes.grid(alpha=0.3)
    plt.close(figure)
    if path:
        figure.savefig(path)
    return figure
