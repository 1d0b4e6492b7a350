"""`everyday` on photographs, beside version 1's and beside what a package index offers instead.

    python benchmarks/photographs.py [--calls 20] [--images 96] [--data ../shared/data]
    python benchmarks/photographs.py --ways fast compiled

Each way runs in a process of its own (photo_ways.py, photo_page.mjs). All are asked about the same
photograph in turn, so that whatever else the machine does hits all of them alike: read the ratios.
The photographs are those of COCO among the data's held-out ones, whose eleven labelled classes AP
is about; where there are no data, the bundled ones, without AP. What a way needs and this machine
lacks (npm and a network for the peers, the project's history for version 1) is said.
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
from measure import spread, table
from photo_peers import STEMS, browser_page, fetch_package, unpack, write_for_openvino
from pycocotools import mask as rle

from helpers import DATA
from helpers.evaluation import evaluate
from helpers.pictures import find_images, read_image
from helpers.structures import Detections, InputError
from helpers.training.photo_scores import counted
from helpers.training.photos import Photos

ROOT = pathlib.Path(__file__).parents[1]
CLASSES = (
    "person", "bicycle", "car", "motorcycle", "bus", "truck", "cat", "dog", "horse", "sheep", "cow",
)  # fmt: skip
LAST_OF_VERSION_1 = "e44751e"
WAYS = {
    "fast": "everyday as it comes (ONNX Runtime)",
    "compiled": "everyday in Keras, compiled",
    "page": "everyday, the page's scripts",
    "version_1": "version 1's everyday",
    "nanodet": "NanoDet, graph of a package",
    "openvino": "NanoDet, the same graph in OpenVINO",
    "centernet": "CenterNet, graph of that package",
}
ELSEWHERE = """
Not here, since no package of an index carries their weights: the detectors of Ultralytics,
torchvision, effdet, MediaPipe and TensorFlow.js (each fetches them from a server of its own when it
is first used), and YOLOX-nano."""


class Way:
    """A way to find objects, in a process of its own.

    Attributes:
        megabytes: of the model's files on the disk.
        ready: seconds from its start until it can be asked.
        loaded: seconds of these for the model itself; the rest is Python, or Node.js, and imports.
    """

    def __init__(self, command):
        self.megabytes = 0.0
        self.errors = tempfile.TemporaryFile()
        begun = time.perf_counter()
        self.child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            encoding="utf-8",
        )  # fmt: skip
        self.loaded = self._hear()["loaded"]
        self.ready = time.perf_counter() - begun

    def ask(self, question):
        """The answer, see photo_ways.py."""
        self.child.stdin.write(json.dumps(question) + "\n")
        self.child.stdin.flush()
        return self._hear()

    def _hear(self):
        line = self.child.stdout.readline()
        if line:
            return json.loads(line)
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").split("\n")
        raise InputError(" ".join(said[-3:]).strip())

    def memory(self):
        """What the process holds, MB."""
        return psutil.Process(self.child.pid).memory_info().rss / 1e6

    def close(self):
        """End the process."""
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()
        self.errors.close()


def begin(key, folder):
    """A way, started; its files lie in an empty folder, unless they are the project's.

    Raises:
        InputError: what it lacks.
    """
    if key == "page":
        return in_node(folder)
    if key == "version_1":
        write_version_1(folder)
    if key in (*STEMS, "openvino"):
        unpack(fetch_package(), folder)
    if key == "openvino":
        write_for_openvino(folder)
    script = ROOT / "benchmarks/photo_ways.py"
    way = Way([sys.executable, str(script), key, str(folder)])
    if key in ("compiled", "fast"):
        files = [DATA / "everyday.npz"]
    elif key == "version_1":
        files = folder.glob("*")
    else:
        stem = "centernet" if key == "centernet" else "nanodet"
        files = [folder / f"{stem}.json", folder / f"{stem}.bin"]
    way.megabytes = sum(path.stat().st_size for path in files) / 1e6
    return way


def in_node(folder):
    """The scripts of the site's page."""
    node = shutil.which("node")
    if node is None:
        raise InputError("there is no Node.js")
    browser_page().write_assets(folder)
    web = folder / "web"
    way = Way([node, str(ROOT / "benchmarks/photo_page.mjs"), str(web)])
    way.megabytes = sum(path.stat().st_size for path in (web / "model").glob("*.onnx")) / 1e6
    return way


def write_version_1(folder):
    """Version 1's weights and card, out of the project's history."""
    for name in ("everyday.json", "everyday.npz"):
        command = ["git", "show", f"{LAST_OF_VERSION_1}:data/{name}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True)
        if done.returncode:
            raise InputError("the project's history is not here")
        (folder / name).write_bytes(done.stdout)


def pictures(data, count):
    """Photographs and their truth: [(image, truth, known ids)]; the last two None without data."""
    if not (data / "everyday").is_dir():
        files = find_images(DATA / "photographs")
        return [(read_image(file), None, None) for file in files][:count]
    photos = Photos(data / "everyday", "val", CLASSES)
    some = [i for i, source in enumerate(photos.sources) if source == "cocoval"]
    return [(*photos[i], photos.known(i)) for i in some[:count]]


def questions(images, folder):
    """A question for each picture, whose pixels it puts into a file."""
    for number, image in enumerate(images):
        file = folder / f"{number}.rgb"
        image.tofile(file)
        yield {"file": str(file), "size": image.shape[:2], "least": 0.5}


def detections_of(answer, size, categories):
    """An answer as Detections."""
    masks = None
    if answer["masks"] is not None:
        masks = np.zeros((len(answer["masks"]), *size), bool)
        for mask, counts in zip(masks, answer["masks"], strict=True):
            runs = {"size": size, "counts": counts}
            if isinstance(counts, list):
                runs = rle.frPyObjects(runs, *size)
            mask[:] = rle.decode(runs)
    ids = {name: key for key, name in categories.items()}
    labels = [ids[name] for name in answer["names"]]
    boxes = np.reshape(answer["boxes"], (-1, 4))
    return Detections(boxes, labels, answer["scores"], size, categories, masks)


def judge(way, asked, photographs, categories):
    """What `evaluate` says of a way: every score counts."""
    truth, detections = [], []
    for question, (image, true, known) in zip(asked, photographs, strict=True):
        answer = way.ask({**question, "least": 0.0})
        found = detections_of(answer, image.shape[:2], categories)
        true, found = counted(true, found, known)
        truth.append(true)
        detections.append(found)
    return evaluate(truth, detections)


def start(keys, folder):
    """The ways that this machine can go, by title; says what the others lack."""
    started = {}
    for key in keys:
        place = folder / key
        place.mkdir()
        try:
            started[WAYS[key]] = begin(key, place)
        except InputError as error:
            print(f"{WAYS[key]}: left out: {error}", flush=True)
    return started


def show_costs(started, asked, calls):
    """Print a table: seconds, milliseconds and megabytes of each way; ratios to the first."""
    first, wall, cpu = {}, {}, {}
    for turn in range(calls + 1):
        for name, way in started.items():
            answer = way.ask(asked[turn % len(asked)])
            if turn == 0:
                first[name] = answer["wall"]
                continue
            wall.setdefault(name, []).append(1000 * answer["wall"])
            cpu.setdefault(name, []).append(1000 * answer["cpu"])
    base = statistics.median(next(iter(cpu.values())))
    rows = []
    for name, way in started.items():
        middle = statistics.median(cpu[name])
        rows.append((
            name, f"{middle:.0f}", spread(cpu[name]), f"{middle / base:.2f}",
            f"{statistics.median(wall[name]):.0f}", spread(wall[name]), f"{way.ready:.1f}",
            f"{way.loaded:.1f}", f"{first[name]:.2f}", f"{way.megabytes:.1f}",
            f"{way.memory():.0f}",
        ))  # fmt: skip
    table(
        ("way", "CPU ms", "10–90 %", "ratio", "wall ms", "10–90 %", "ready, s", "of it model",
         "first, s", "MB", "MB memory"),
        rows,
    )  # fmt: skip


def show_quality(started, asked, photographs):
    """Print a table: AP of each way."""
    card = json.loads((DATA / "everyday.json").read_text(encoding="utf-8"))
    categories = {int(key): name for key, name in card["categories"].items()}
    # Nothing is timed here, and each way is a process of its own: two may work at a time.
    with ThreadPoolExecutor(2) as pool:
        results = list(
            pool.map(lambda way: judge(way, asked, photographs, categories), started.values())
        )
    rows = []
    for name, result in zip(started, results, strict=True):
        person = result["per_class"]["person"]
        whole = [result["box"]["AP"], result["mask"]["AP"]]
        if name.startswith("version 1"):  # which knows three of the classes
            whole = [None, None]
        values = [*whole, person["box"], person["mask"]]
        rows.append([name, *("–" if value is None else f"{value:.3f}" for value in values)])
    table(("way", "box AP", "mask AP", "person, box AP", "person, mask AP"), rows)


def main():
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20, help="timed calls of each way")
    parser.add_argument("--images", type=int, default=96, help="photographs at most")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "../shared/data")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    args = parser.parse_args()
    photographs = pictures(args.data, args.images)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        folder = pathlib.Path(folder)
        asked = list(questions([image for image, _, _ in photographs], folder))
        started = start(args.ways, folder)
        for way in started.values():
            stack.callback(way.close)
        show_costs(started, asked, args.calls)
        if photographs[0][1] is None:
            print(f"{args.data} is not here: no AP")
        else:
            print(f"AP of {len(CLASSES)} classes on {len(asked)} photographs of COCO")
            show_quality(started, asked, photographs)
    print(ELSEWHERE)


if __name__ == "__main__":
    main()
