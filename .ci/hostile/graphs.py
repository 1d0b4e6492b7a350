"""Graphs of the Object Detection API, and of torchvision in ONNX's format, damaged."""

import pathlib

import numpy as np

from hostile.damage import damaged


def check(rng, folder):
    from helpers.models import load_detector
    from tests import api_graph
    from tests.test_whole_masks import write_onnx

    if rng.random() < 0.5:
        path = pathlib.Path(write_onnx(folder / "a.onnx"))
    else:
        api_graph.toy(folder, [[0.1, 0.1, 0.5, 0.5]], [1], [0.9], np.ones((1, 15, 15)))
        path = folder / "frozen_inference_graph.pb"
    path.write_bytes(damaged(path.read_bytes(), rng))
    load_detector(str(path), say=None)(np.zeros((40, 60, 3), np.uint8))
