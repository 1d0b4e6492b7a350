"""Throws damaged and hostile files at everything that reads one, and valid ones of known truth.

    python3 run.py harden [--inputs 300] [--seed 0] [--only KIND ...]

A reader may read what it is given, or refuse it in one line (InputError, ValueError). It fails if
anything else is raised, if it takes longer than SECONDS, if it kills its process, if it writes
outside its folder, or if code in the file is run. Valid files, of kinds named valid_…, must be read
and give what was written: see `valid_files.py`. Each kind works in processes of its own: one that
dies is counted, and the next goes on behind it. The same seed gives the same inputs. The table goes
to benchmarks/HARDENED.md.
"""

import argparse
import base64
import copy
import datetime
import gzip
import importlib
import io
import json
import os
import pathlib
import pickle
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter

import valid_files

ROOT = pathlib.Path(__file__).resolve().parents[1]
SECONDS, LONGEST = 20, 900  # for one input; characters of a refusal
ODD = (
    None, True, -1, 0, 2**31, 10**30, 1e308, -1e-308, float("nan"), float("inf"), "", "x", "\x00",
    "é" * 300, "../../x", [], {}, [[]], [None], {"a": []}, [1] * 2000, "9" * 5000,
)  # fmt: skip


class Slow(BaseException):
    """An input took too long."""


# Damage ------------------------------------------------------------------------------------------


def damaged(data, rng):
    """Bytes that are cut, flipped, spliced, repeated or replaced in a few places."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at, kind = rng.randrange(len(data) + 1), rng.randrange(6)
        if kind == 0:
            del data[at:]
        elif kind == 1 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.choice((1, 4, 100)))
        elif kind == 3:
            del data[at : at + rng.choice((1, 4, 100))]
        elif kind == 4:
            data[at : at + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        else:
            other = rng.randrange(len(data) + 1)
            data[at : at + 50] = data[other : other + 50]
    return bytes(data)


def bent(tree, rng):
    """A copy of a JSON tree with something odd at a few places."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place, key = None, None
        node = tree
        while isinstance(node, dict | list) and node and (place is None or rng.random() < 0.8):
            place = node
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            node = node[key]
        if place is None:
            return rng.choice(ODD)
        kind = rng.randrange(4)
        if kind == 0:
            del place[key]
        elif kind == 1 and isinstance(place, list):
            place.append(copy.deepcopy(place[key]))
        else:
            place[key] = copy.deepcopy(rng.choice(ODD))
    return tree


def written(path, tree, rng):
    """Write a JSON tree, bent, or its text, damaged; sometimes nested far too deep."""
    if rng.random() < 0.02:
        return path.write_text("[" * 100_000)
    text = json.dumps(bent(tree, rng) if rng.random() < 0.7 else tree).encode()
    path.write_bytes(text if rng.random() < 0.7 else damaged(text, rng))


# Kinds: each takes an rng and an empty folder, and reads what it made -----------------------------


def _photo(path, size=(30, 40)):
    import numpy as np

    from helpers.pictures import save_image

    y, x = np.mgrid[: size[0], : size[1]]
    save_image(path, np.stack([6 * x, 8 * y, 255 - 3 * x], 2).astype(np.uint8))


CORNERS = [[5, 5], [20, 6], [18, 22], [6, 20]]
FLAT = [value for corner in CORNERS for value in corner]
X, Y = ([corner[k] for corner in CORNERS] for k in (0, 1))
TREES = {
    "coco": {
        "images": [{"id": 1, "file_name": "a.png", "height": 30, "width": 40}],
        "categories": [{"id": 3, "name": "nut"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "segmentation": [FLAT], "iscrowd": 0,
             "bbox": [5, 5, 15, 17], "area": 200},
            {"id": 2, "image_id": 1, "category_id": 3, "bbox": [0, 0, 9, 9], "iscrowd": 1,
             "segmentation": {"size": [30, 40], "counts": [100, 20, 1080]}},
        ],
    },
    "via": {"a.png123": {"filename": "a.png", "size": 123, "file_attributes": {}, "regions": [
        {"shape_attributes": {"name": "polygon", "all_points_x": X, "all_points_y": Y},
         "region_attributes": {"name": "nut"}}]}},
    "labelme": {"imagePath": "a.png", "imageHeight": 30, "imageWidth": 40, "shapes": [
        {"label": "nut", "points": CORNERS, "shape_type": "polygon"},
        {"label": "nut", "points": CORNERS[:2], "shape_type": "circle"}]},
}  # fmt: skip
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAB4AAAAUCAAAAAC/wNIYAAAAFklEQVR4nGP8z4APMOGVHZUelSZBGgCbjwEn5TWqQAAA"
    "AABJRU5ErkJggg=="
)  # 30 x 20 pixels, all 255
PACKED = base64.b64encode(zlib.compress(base64.b64decode(PNG))).decode()
TREES |= {
    "labelme_mask": {"imagePath": "b.png", "imageHeight": 30, "imageWidth": 40, "imageData": PNG,
        "shapes": [{"label": "nut", "points": [[2, 3], [31, 22]], "shape_type": "mask",
                    "mask": PNG}]},
    "via3": {"project": {}, "file": {"1": {"fname": "a.png"}}, "view": {"1": {"fid_list": ["1"]}},
        "attribute": {"1": {"aname": "class", "options": {"0": "nut"}}},
        "metadata": {"x": {"vid": "1", "xy": [7, *FLAT], "av": {"1": "0"}},
                     "y": {"vid": "1", "xy": [4, 9, 9, 8, 6], "av": {"1": "0"}}}},
    "panoptic": {"images": [{"id": 1, "file_name": "a.png", "height": 30, "width": 40}],
        "categories": [{"id": 3, "name": "nut", "isthing": 1}],
        "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": [
            {"id": 7, "category_id": 3, "area": 100, "bbox": [5, 5, 10, 10], "iscrowd": 0}]}]},
    "label_studio": [{"data": {"image": "/data/upload/1/a.png"}, "annotations": [{"result": [
        {"type": "polygonlabels", "original_width": 40, "original_height": 30, "id": "p",
         "value": {"points": CORNERS, "polygonlabels": ["nut"]}},
        {"type": "brushlabels", "original_width": 40, "original_height": 30, "id": "b",
         "value": {"rle": [0, 0, 18, 192, 59, 30, 255, 128], "brushlabels": ["nut"]}},
        {"type": "ellipselabels", "original_width": 40, "original_height": 30, "id": "e",
         "value": {"x": 40, "y": 50, "radiusX": 20, "radiusY": 9, "ellipselabels": ["nut"]}}]}]}],
    "supervisely": {"size": {"height": 30, "width": 40}, "objects": [
        {"classTitle": "nut", "geometryType": "polygon",
         "points": {"exterior": CORNERS, "interior": [[[9, 9], [14, 9], [14, 14]]]}},
        {"classTitle": "nut", "geometryType": "bitmap",
         "bitmap": {"origin": [2, 3], "data": PACKED}}]},
}  # fmt: skip
FILES = {"supervisely": "a.png.json"}  # what a file must be called, if not a.json
BOX = "<xmin>5</xmin><ymin>5</ymin><xmax>20</xmax><ymax>22</ymax>"
POINTS = ";".join(f"{x},{y}" for x, y in CORNERS)
TEXTS = {
    "a.xml": f"""<annotation><filename>a.png</filename><size><width>40</width><height>30</height>
</size><object><name>nut</name><bndbox>{BOX}</bndbox></object></annotation>""",
    "annotations.xml": f"""<annotations><image id="0" name="a.png" width="40" height="30">
<polygon label="nut" points="{POINTS}"/><mask label="nut" rle="0,90" left="3" top="3" width="9"
height="10"/><box label="nut" xtl="1" ytl="2" xbr="9" ybr="9" rotation="9"/></image><track id="0"
label="nut"><polygon frame="0" outside="0" points="{POINTS}"/></track></annotations>""",
    "b.xml": "<annotation><filename>a.png</filename><object><name>nut</name><polygon>"
    + "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in CORNERS)
    + "</polygon></object></annotation>",
    "a.txt": "0 .1 .1 .6 .1 .6 .7 .1 .7\n1 .5 .5 .2 .2\n0 .2 .3 .9 .3 .5 .9\n",
    "data.yaml": "nc: 2\nnames: [nut, fig]\n",
}


def annotations(rng, folder):
    from helpers.annotations import read_dataset, statistics

    _photo(folder / "a.png")
    kind = rng.choice([*TREES, *TEXTS])
    if kind in TREES:
        written(folder / FILES.get(kind, "a.json"), TREES[kind], rng)
    elif kind in ("a.txt", "data.yaml"):
        for name in ("a.txt", "data.yaml"):
            (folder / name).write_text(TEXTS[name])
    if kind == "panoptic":
        _photo(folder / "a/a.png")  # the segments
    if kind in TEXTS:
        (folder / kind).write_bytes(damaged(TEXTS[kind].encode(), rng))
    data = read_dataset(folder, fix=rng.random() < 0.5)
    statistics(data)
    for index in range(min(len(data), 3)):
        data[index]


def masks(rng, folder):
    """Mask pictures of every kind of pixel."""
    import numpy as np
    from PIL import Image

    from helpers.annotations import read_dataset

    _photo(folder / "images/a.jpg")
    path = folder / f"masks/a{rng.choice(('.png', '.tif', '.webp', '.gif', '.bmp'))}"
    path.parent.mkdir()
    values = np.kron(np.arange(12).reshape(3, 4), np.ones((10, 10), int))
    if path.suffix == ".tif":
        Image.fromarray(values.astype(rng.choice(("<u2", "<i4", "<f4", "u1")))).save(path)
    else:
        Image.fromarray(values.astype("u1")).convert(rng.choice(("L", "RGB"))).save(path)
    path.write_bytes(damaged(path.read_bytes(), rng))
    read_dataset(folder)


def label_maps(rng, folder):
    from helpers.models.label_maps import read_label_map

    items = [
        f'item {{\n  name: "n{i}"\n  id: {i}\n  display_name: "person"\n}}\n' for i in (1, 2, 3)
    ]
    (folder / "map.pbtxt").write_bytes(damaged("".join(items).encode(), rng))
    read_label_map(folder / "map.pbtxt")


def pictures(rng, folder):
    from helpers.pictures import read_image

    ending = rng.choice((".png", ".jpg", ".webp", ".bmp", ".tif", ".gif", ".avif", ".heic"))
    _photo(folder / "good.png")
    from PIL import Image

    with Image.open(folder / "good.png") as good:
        good.save(folder / f"a{ending}")
    path = folder / f"a{ending}"
    path.write_bytes(damaged(path.read_bytes(), rng))
    image = read_image(path)
    assert image.dtype == "uint8" and image.ndim == 3 and image.shape[2] == 3


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __reduce__(self):
        return open, ("ran", "w")


def weights(rng, folder):
    import dataclasses

    import numpy as np

    from helpers.mask_rcnn import Config
    from helpers.models.weights import BROKEN, load_model, read_card, read_weights

    kind, path = rng.randrange(4), folder / "a.json"
    card = {"name": "a", "categories": {"1": "nut"}, "config": dataclasses.asdict(Config(1))}
    arrays = {"mask_rcnn/x": np.zeros((2, 3), np.float16)}
    if kind == 0:
        arrays["mask_rcnn/y"] = np.array([Bomb()], object)
    np.savez(folder / "a.npz", **arrays)
    if kind == 1:
        with zipfile.ZipFile(folder / "a.npz", "w") as archive:
            archive.writestr("mask_rcnn/x.npy", pickle.dumps(Bomb()))
    if kind == 2:
        (folder / "a.npz").write_bytes(damaged((folder / "a.npz").read_bytes(), rng))
    if kind == 3:
        (folder / "a.npz").write_bytes(pickle.dumps(Bomb()))
    try:
        read_weights(folder / "a.npz")
    except BROKEN:  # `load_model` turns these into one line
        pass
    written(path, card, rng)
    read_card(path)
    if rng.random() < 0.1:
        load_model(path)  # builds a network: takes a second


def graphs(rng, folder):
    """Graphs of the Object Detection API, and of torchvision in ONNX's format."""
    import numpy as np

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


def archives(rng, folder):
    from helpers.models import zoo

    cache, outside = folder / "cache", folder / "outside"
    cache.mkdir(), outside.mkdir()
    (outside / "kept").write_text("kept")
    names = ["m/frozen_inference_graph.pb", "m/saved_model/saved_model.pb", "m/../../x", "../x",
             str(outside / "kept"), "/x", "m/frozen_inference_graph.pb/x", "m/é" * 60,
             "m/" + "d/" * 99, "m/saved_model/variables/variables.index", "..\\x", "", ".",
             "m/pipeline.config"]  # fmt: skip
    kinds = [tarfile.REGTYPE] * 4 + [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE]
    kinds += [tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for _ in range(rng.randrange(1, 6)):
            member = tarfile.TarInfo(rng.choice(names))
            member.type = rng.choice(kinds)
            member.linkname = rng.choice([*names, "../outside/kept"])
            content = rng.randbytes(rng.choice((0, 10, 3000)))
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    packed = gzip.compress(stream.getvalue())
    if rng.random() < 0.5:
        packed = gzip.compress(damaged(stream.getvalue(), rng))
    if rng.random() < 0.3:
        packed = damaged(packed, rng)
    (cache / "m.tar.gz").write_bytes(packed)
    card = {"name": "m", "archive": "m.tar.gz", "digest": None, "url": "http://nowhere.invalid/m"}
    try:
        zoo.install(card, cache, "here")
    finally:
        here = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        strange = [p for p in here if not p.startswith(("cache/m", "outside")) and p != "cache"]
        assert not strange, f"written where nothing should be: {strange}"
        assert (outside / "kept").read_text() == "kept", "a file outside was changed"
        assert not any(path.is_symlink() for path in folder.rglob("*")), "a link was made"


def clips(rng, folder):
    import numpy as np

    from helpers.video import process_video, write_video

    frames = [np.full((32, 48, 3), 20 * i, np.uint8) for i in range(6)]
    write_video(folder / "good.mp4", frames, 6)
    path = folder / f"a{rng.choice(('.mp4', '.mkv', '.avi', '.gif', '.mov'))}"
    path.write_bytes(damaged((folder / "good.mp4").read_bytes(), rng))
    try:
        process_video(path, folder / "out.mp4", lambda frame: frame, progress=False)
    finally:
        left = {other.name for other in folder.iterdir()} - {"good.mp4", path.name, "out.mp4"}
        assert not left, f"left behind: {left}"


WORDS = ["", "-", "--", "nowhere", "../..", "\x01", "é" * 90, "x" * 5000, "a*", "~nobody/x", "-1"]


def arguments(rng, folder):
    from helpers.annotations import __main__ as data
    from helpers.models import __main__ as models
    from helpers.training import __main__ as training

    os.chdir(folder)
    commands = (
        (data.main, [], ["check", "stats", "convert", "--fix"]),
        (training.main, ["everyday"], ["--score", "--start", "--epochs", "--hold", "--out"]),
        # without a folder it would train for hours
        (training.main, ["nowhere"], ["--size", "--share", "--start", "--epochs", "--out", "out"]),
        (models.main, [], ["info", "verify", "export", "list"]),
    )
    main, first, own = rng.choice(commands)
    words = [*first, *(rng.choice((*own, *WORDS)) for _ in range(rng.randrange(1, 5)))]
    try:
        code = main(words)
    except SystemExit as stop:
        code = stop.code
    assert code in (0, 1, 2), f"{main.__module__} {words}: {code}"
    if code == 2:
        raise ValueError("refused")


KINDS = {
    f.__name__: f
    for f in (
        annotations,
        masks,
        label_maps,
        pictures,
        weights,
        graphs,
        archives,
        clips,
        arguments,
    )
}
SHARE = {"clips": 0.5, "arguments": 0.5, "weights": 0.7, "graphs": 0.7}  # of --inputs


def of_valid_files(name):
    """A kind whose files are valid: a refusal is wrong, too."""

    def kind(rng, folder):
        try:
            valid_files.check(name, rng, folder)
        except ValueError as error:
            raise AssertionError(f"refused: {error}") from None

    return kind


KINDS |= {f"valid_{name}": of_valid_files(name) for name in valid_files.FORMATS}
SHARE |= {f"valid_{name}": 10 / 3 for name in valid_files.FORMATS} | {"valid_api_graph": 0.5}


# Runs --------------------------------------------------------------------------------------------


def attempt(kind, seed, number):
    """What came of one input: "read", "refused", or what went wrong."""
    rng = random.Random(f"{kind} {seed} {number}")
    home = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / "in"
        folder.mkdir()
        os.chdir(folder.parent)
        signal.alarm(SECONDS)
        try:
            KINDS[kind](rng, folder)
            outcome = "read"
        except ValueError as error:  # InputError is one
            short = len(str(error)) <= LONGEST and "Traceback" not in str(error)
            outcome = "refused" if short else f"a refusal of {len(str(error))} characters"
        except Slow:
            outcome = f"took longer than {SECONDS} s"
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"[:300]
        signal.alarm(0)
        os.chdir(home)
        if list(folder.parent.rglob("ran")):
            outcome = "code in the file was run"
    return outcome


def work(kind, seed, first, last):
    """Attempts, a line each on file 3; what readers print goes nowhere."""

    def slow(*_):
        raise Slow

    for name in ("helpers.models.loading", "helpers.training.__main__", "helpers.video.pipeline"):
        importlib.import_module(name)  # now: no input shall wait for TensorFlow
    signal.signal(signal.SIGALRM, slow)
    out = os.fdopen(3, "w", buffering=1)
    for number in range(first, last):
        print(number, attempt(kind, seed, number).replace("\n", " "), file=out)


def run(kind, seed, inputs):
    """Counter of outcomes, [(number, failure)]."""
    outcomes, failures, first = Counter(), [], 0
    while first < inputs:
        read, write = os.pipe()
        call = f"harden.work({kind!r}, {seed}, {first}, {inputs})"
        code = f"import os; os.dup2({write}, 3); import harden; {call}"
        env = {**os.environ, "PYTHONPATH": f"{ROOT / '.ci'}:{ROOT}", "TF_CPP_MIN_LOG_LEVEL": "3"}
        child = subprocess.Popen(
            [sys.executable, "-c", code], pass_fds=[write], env=env, cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as lines:
            for line in lines:
                number, _, outcome = line.rstrip("\n").partition(" ")
                first = int(number) + 1
                good = outcome in ("read", "refused")
                outcomes[outcome if good else "failed"] += 1
                failures += [] if good else [(int(number), outcome)]
        if child.wait():
            outcomes["failed"] += 1
            failures.append((first, f"its process ended with {child.returncode}"))
            first += 1
    return outcomes, failures


def main():
    """Run all kinds, print and write the table; returns 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="run.py harden", description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=300, help="of each kind (default 300)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "benchmarks/HARDENED.md")
    args = parser.parse_args()
    rows, all_failures = [], []
    for kind in args.only:
        inputs = max(1, round(args.inputs * SHARE.get(kind, 1)))
        outcomes, failures = run(kind, args.seed, inputs)
        numbers = (inputs, outcomes["read"], outcomes["refused"], outcomes["failed"])
        rows.append(f"| {kind.replace('_', ' ')} | " + " | ".join(map(str, numbers)) + " |")
        all_failures += [f"- {kind} {number}: {what}" for number, what in failures]
        print(rows[-1], *all_failures[len(all_failures) - len(failures) :], sep="\n", flush=True)
    head = "| kind | inputs | read | refused in a line | failed |\n|---|---|---|---|---|"
    today = datetime.date.today().isoformat()
    title = "# Damaged, hostile and valid files\n\n"
    title += f"`python3 run.py harden`, seed {args.seed}, {today}.\n"
    from helpers.pictures import replacing

    with replacing(args.out) as part:
        part.write_text("\n".join([title, head, *rows, "", *all_failures]).rstrip() + "\n")
    return int(bool(all_failures))


if __name__ == "__main__":
    sys.exit(main())
