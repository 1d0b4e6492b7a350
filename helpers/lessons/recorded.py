"""What networks said of some pictures, in a small file: for explorers that wait for no network."""

import functools

import numpy as np

from helpers.mask_rcnn.inference import Candidates, to_detections
from helpers.pictures import replacing
from helpers.streets import CATEGORIES, draw_scene
from helpers.structures import require

GREYS = 15  # a recorded mask score is one of 0, 1/15, … 1
MIN_SCORE = 0.3  # what scores less is not recorded
ENLARGED = 2  # times the network's input, on the page
SIZE = (512, 640)  # of the street there
SURE = 0.5  # detections that score less are not drawn


def write_recorded(path, said, **more):
    """Write what networks said, rounded.

    Args:
        path: of the file, `….npz`.
        said: {name: Candidates}; of each those of `MIN_SCORE` and more.
        **more: arrays to go into the same file.
    """
    arrays = dict(more)
    for name, candidates in said.items():
        keep = candidates.scores >= MIN_SCORE
        arrays[f"{name}/boxes"] = candidates.boxes[keep].astype(np.float16)
        arrays[f"{name}/labels"] = candidates.labels[keep].astype(np.uint8)
        arrays[f"{name}/scores"] = candidates.scores[keep].astype(np.float16)
        masks = np.round(GREYS * candidates.mask_scores[keep])
        arrays[f"{name}/masks"] = masks.astype(np.uint8)
    with replacing(path) as part:
        np.savez_compressed(part, **arrays)


def read_recorded(recorded, name, threshold=SURE):
    """The Detections of one name, on the street as it is shown.

    Args:
        recorded: the arrays of a file of `write_recorded`, by name.
        name: of the Candidates.
        threshold: lowest score to keep.
    """
    candidates = Candidates(
        ENLARGED * recorded[f"{name}/boxes"].astype(np.float32),
        recorded[f"{name}/labels"].astype(np.int32),
        recorded[f"{name}/scores"].astype(np.float32),
        recorded[f"{name}/masks"].astype(np.float32) / GREYS,
    )
    return to_detections(candidates, SIZE, CATEGORIES, threshold)


@functools.cache
def street(seed):
    """A drawn street as it is shown, and its truth."""
    return draw_scene(seed, SIZE)


def side_by_side(left, right):
    """Two pictures of one height as one, with a white gap."""
    gap = np.full((len(left), 12, 3), 255, np.uint8)
    return np.hstack([left, gap, right])


def pick(values, number, what):
    """The value of a number, counted from 0, where a slider or a caller says which.

    Raises:
        ValueError: there is none of that number; `what` names it.
    """
    last = len(values) - 1
    require(number in range(last + 1), f"{what} must be from 0 to {last}, got {number}")
    return values[number]
