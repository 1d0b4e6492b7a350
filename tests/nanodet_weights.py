"""Puts the weights of `everyday` into the file of the original graph, for nanodet_reference.mjs.

python tests/nanodet_weights.py package/models/nanodet.json nanodet.bin

Body, neck and head of `everyday` were taught further than the package's weights, which stand beside
the graph.
"""

import json
import pathlib
import sys

import numpy as np

from helpers import DATA
from helpers.models import load_model
from helpers.one_stage import convert


def main():
    graph = pathlib.Path(sys.argv[1])
    manifest = json.loads(graph.read_text())["weightsManifest"]
    binary = bytearray(graph.with_suffix(".bin").read_bytes())
    model, _ = load_model(DATA / "everyday.json")
    places = convert.convolutions_in(manifest, binary)  # they lie in the binary itself
    for layer, (kernel, bias) in zip(convert.layers_of(model), places, strict=True):
        kernel[...] = np.asarray(layer.kernel)
        bias[...] = np.asarray(layer.bias)
    pathlib.Path(sys.argv[2]).write_bytes(binary)


if __name__ == "__main__":
    main()
