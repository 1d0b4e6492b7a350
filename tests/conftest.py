"""What the files of tests share: which tests run, and in which order; a tiny network."""

import collections
import hashlib
import json
import os
import shutil
import tarfile

import filelock
import matplotlib
import numpy as np
import pytest

from helpers.structures import Detections
from tests.zoo_server import serve

matplotlib.use("Agg")  # no test opens a window; a variable would change notebooks, too

SHAPES = {1: "square", 7: "disc"}  # ids with a gap: classes 1 and 2 of the network


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="run the tests marked slow, too")


def pytest_collection_modifyitems(config, items):
    """Leave the slow tests out unless --all is given; those that take longest come first.

    A test of minutes that came last would keep one core at work and the others idle.
    """
    if not config.getoption("--all"):
        slow = [item for item in items if is_slow(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not is_slow(item)]
    items.sort(key=place)


def is_slow(item):
    """Whether it is marked so, or wants the exported model, which takes 40 s to make."""
    return item.get_closest_marker("slow") is not None or "exported" in item.fixturenames


def place(item):
    """0 for a test that takes minutes, 1 for a slow one or a whole notebook, 2 for the others."""
    marker = item.get_closest_marker("slow")
    if marker is not None and marker.kwargs.get("minutes"):
        return 0
    if item.name.startswith("test_run[") or is_slow(item):
        return 1
    return 2


def pytest_terminal_summary(terminalreporter, config):
    """With --durations, which `run.py test` gives: the seconds of each file, most first."""
    if config.getoption("durations") is None:
        return
    seconds = collections.Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                path, _, _ = report.location
                seconds[path] += report.duration
    terminalreporter.section("seconds of each file")
    for path, duration in seconds.most_common():
        terminalreporter.write_line(f"{duration:7.1f}  {path}")


@pytest.fixture(scope="session")
def toy_pictures():
    """A yellow square and a blue disc on grey, 64 x 64, and the truth; and all that mirrored."""
    y, x = np.mgrid[:64, :64] + 0.5
    square = (x > 8) & (x < 28) & (y > 30) & (y < 50)
    disc = (x - 44) ** 2 + (y - 22) ** 2 < 14**2
    image = np.full((64, 64, 3), 120, np.uint8)
    image[square], image[disc] = (240, 220, 60), (40, 60, 220)
    masks = np.stack([square, disc])
    boxes = np.array([[8, 30, 28, 50], [30, 8, 58, 36]])
    truth = Detections(boxes, [1, 7], [1, 1], (64, 64), SHAPES, masks)
    mirrored = truth.replace(
        boxes=np.stack([64 - boxes[:, 2], boxes[:, 1], 64 - boxes[:, 0], boxes[:, 3]], 1),
        masks=masks[:, :, ::-1],
    )
    return [(image, truth), (image[:, ::-1].copy(), mirrored)]


@pytest.fixture(scope="session")
def toy_targets(toy_pictures):
    """The two toy pictures as a training batch with three slots for objects."""
    from helpers.mask_rcnn.model import Targets

    def with_a_free_slot(values):
        return np.concatenate([values, np.zeros_like(values[:1])])

    return Targets(
        np.stack([image for image, _ in toy_pictures]),
        np.stack([with_a_free_slot(truth.boxes) for _, truth in toy_pictures]),
        np.array([[1, 2, 0], [1, 2, 0]], np.int32),
        np.stack([with_a_free_slot(truth.masks.astype(np.uint8)) for _, truth in toy_pictures]),
    )


@pytest.fixture(scope="session")
def toy_partial_targets(toy_targets):
    """The same batch as partial truth that happens to be whole: both classes were looked for."""
    from helpers.mask_rcnn.partial_labels import PartialTargets

    return PartialTargets(
        *toy_targets,
        ignored_boxes=np.zeros((2, 1, 4), np.float32),
        labelled=np.ones((2, 2), np.uint8),
    )


@pytest.fixture(scope="session")
def tiny_config():
    """A Mask R-CNN for 64 x 64 pictures that runs in milliseconds.

    Its widths are multiples of 16: TensorFlow 2.21 on a CPU breaks the heap in the gradient of a
    1 x 1 convolution of stride 2 on one picture with 8 channels.
    """
    from helpers.mask_rcnn.config import Config

    return Config(
        num_classes=2, image_size=(64, 64), widths=(16, 16, 32, 32), depths=(1, 1, 1, 1),
        fpn_channels=16, anchor_sides=((12,), (24,), (40,), (60,)), num_candidates=48,
        num_proposals=12, box_units=32, num_detections=6, num_training_proposals=24, num_rois=16,
        num_foreground=6,
    )  # fmt: skip


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """`made_once(name, make)` is the folder that `make(folder)` filled, once for all workers.

    The first worker that wants it makes it; the others wait, and take it as it is.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # of all workers of this run

    def function(name, make):
        with filelock.FileLock(base / f"{name}.lock"):
            if not (base / name).exists():
                part = base / f"{name}.part"
                shutil.rmtree(part, ignore_errors=True)  # of a worker in whose hands it failed
                part.mkdir()
                make(part)
                part.rename(base / name)
        return base / name

    return function


@pytest.fixture(scope="session")
def tiny_model(tiny_config, toy_targets, made_once):
    """The tiny network after 160 steps on the two toy pictures. Shared: look, do not train."""
    import keras

    from helpers.mask_rcnn.model import MaskRCNN

    def train(folder):
        keras.utils.set_random_seed(0)
        model = MaskRCNN(tiny_config)
        model(toy_targets.images)
        rate = keras.optimizers.schedules.CosineDecay(5e-3, 160)
        optimizer = keras.optimizers.AdamW(rate, clipnorm=5.0)
        optimizer.build(model.trainable_variables)  # or TensorFlow traces the step twice
        model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
        for _ in range(160):
            model.train_on_batch(toy_targets)
        model.save_weights(folder / "tiny.weights.h5")

    folder = made_once("tiny_model", train)
    model = MaskRCNN(tiny_config)
    model(toy_targets.images)
    model.load_weights(folder / "tiny.weights.h5")
    return model


@pytest.fixture(scope="session")
def folder(tiny_model, tmp_path_factory):
    """The tiny network, saved as training saves one."""
    from helpers.models import weights

    folder = tmp_path_factory.mktemp("toy")
    weights.save_model(tiny_model, {"name": "toy", "categories": SHAPES}, folder)
    return folder


@pytest.fixture(scope="session")
def streets_detector():
    """The bundled model, loaded once."""
    from helpers.models import load_detector

    return load_detector("streets", say=None)


@pytest.fixture(scope="session")
def exported(made_once):
    """The bundled model as graphs: frozen_inference_graph.pb, saved_model/, model.tflite."""
    from helpers import DATA
    from helpers.models import export_model, load_model

    def export(folder):
        export_model(*load_model(DATA / "streets.json"), folder / "streets")

    return made_once("exported", export) / "streets"


@pytest.fixture(scope="session")
def archive(exported, tmp_path_factory):
    """A folder for a server: the exported graph, packed and named like the zoo's, and its card."""
    folder, name = tmp_path_factory.mktemp("served"), "mask_rcnn_inception_v2_coco"
    path = folder / f"{name}_2018_01_28.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        tar.add(
            exported / "frozen_inference_graph.pb", f"{path.stem[:-4]}/frozen_inference_graph.pb"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    card = {
        "name": name, "url": path.name, "bytes": path.stat().st_size, "digest": f"sha256:{digest}",
        "mask_size": 55, "categories": "coco", "format": "TF1 frozen graph",
    }  # fmt: skip
    (folder / "zoo.json").write_text(json.dumps([card]))
    return folder


@pytest.fixture
def served(archive, tmp_path, monkeypatch):
    """A local zoo with that model, and an empty cache; gives the server."""
    with serve(archive) as server:
        monkeypatch.setenv("PIXELWISE_ZOO_URL", server.url)
        monkeypatch.setenv("PIXELWISE_CACHE", str(tmp_path / "cache"))
        yield server
