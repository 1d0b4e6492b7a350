"""The bundled weights answer as they did when they were shipped."""

import pathlib

import numpy as np
import pytest

from helpers import DATA
from helpers.models import load_detector
from helpers.pictures import read_image

STORED = pathlib.Path(__file__).parent / "kept_weights.npz"


@pytest.mark.parametrize("name", ["streets", "everyday"])
def test_detections_are_those_of_version_1(name):
    """`.ci/keep_weights.py` stored boxes, labels, scores and the mean of each mask."""
    with np.load(STORED) as archive:
        stored = {key: archive[f"{name}_{key}"] for key in ("boxes", "labels", "scores", "masks")}
    candidates = load_detector(name, fast=False, say=None).candidates(
        read_image(DATA / "pictures" / "street-3.jpg")
    )
    np.testing.assert_array_equal(candidates.labels, stored["labels"])
    np.testing.assert_allclose(candidates.scores, stored["scores"], atol=1e-5)
    np.testing.assert_allclose(candidates.boxes, stored["boxes"], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(candidates.mask_scores.mean((1, 2)), stored["masks"], atol=1e-5)
