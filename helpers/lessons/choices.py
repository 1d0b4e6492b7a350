"""A breakable Mask R-CNN: what each of its choices is worth, measured and seen."""

import functools
import json

import numpy as np

from helpers import DATA
from helpers.drawing import draw_detections
from helpers.lessons.explorer import Explorer, slider, switches
from helpers.lessons.recorded import pick, read_recorded, side_by_side, street
from helpers.structures import require

GROUPS = {  # of the measurements, in words
    "masks": "mask head trained",
    "whole": "all but the backbone trained",
    "exchanged": "exchanged in streets, nothing trained",
}


@functools.cache
def read_choices():
    """What `benchmarks/ablations.py` measured.

    Returns:
        dict: "groups" holds {group: {variant: row}}; the first variant of a group is what the
        others are compared with. A row has its "text", the "mask_AP" of each seed, the "difference"
        of their mean from the first's, and its 95 % "interval". "command", "pictures", "steps" and
        "batch" say how it was done.
    """
    return json.loads((DATA / "ablations.json").read_text(encoding="utf-8"))


def explore_choices() -> Explorer:
    """Break one choice of Mask R-CNN at a time, and compare with what stands.

    Nothing is computed by a network: `benchmarks/ablations.py` trained the variants, and recorded
    what the first seed of each says of three pictures.

    Returns:
        An Explorer: `view(choice="RoIPool", picture=0)`. A choice goes by its name, or its number
        from 0 on, in the order of `read_choices`, without those that the others are compared with.
        Left the variant, right what it is compared with. The still figure shows those that were
        trained.

    Raises:
        ValueError: in `view`: there is no such choice or picture.
    """
    groups = read_choices()["groups"]
    with np.load(DATA / "ablations.npz") as archive:
        recorded = {name: archive[name] for name in archive.files}
    seeds = sorted({name.split("/")[1] for name in recorded})
    broken = {}  # name on the switch: (group, variant)
    for group, rows in groups.items():
        ending = " (not trained)" if group == "exchanged" else ""
        for name, row in list(rows.items())[1:]:
            broken[row["text"] + ending] = group, name

    def view(choice, picture):
        if not isinstance(choice, str):
            choice = pick(list(broken), choice, "choice")
        require(choice in broken, f"choice must be one of {', '.join(broken)}, got '{choice}'")
        group, name = broken[choice]
        seed = pick(seeds, picture, "picture")
        base = next(iter(groups[group]))
        drawn = side_by_side(_draw(recorded, name, seed), _draw(recorded, base, seed))
        return drawn, _tell(groups[group][name], groups[group][base], group)

    controls = {
        "choice": switches(broken, "choice"),
        "picture": slider(1, "picture", 0, len(seeds) - 1, 1, "IntSlider"),
    }
    trained = [choice for choice, (group, _) in broken.items() if group != "exchanged"]
    cases = [{"choice": choice, "picture": 1} for choice in trained]
    return Explorer(view, cases, controls)


def _draw(recorded, name, seed):
    """A street with what one variant found in it."""
    image, _ = street(int(seed))
    return draw_detections(image, read_recorded(recorded, f"{name}/{seed}"), labels=False)


def _tell(row, base, group):
    """What was measured, in words."""
    low, high = row["interval"]
    return (
        f"Left: {row['text']}; {GROUPS[group]}. Right: {base['text']}. Mask AP "
        f"{np.mean(row['mask_AP']):.3f}, {row['difference']:+.3f} ({low:+.3f} to {high:+.3f})."
    )
