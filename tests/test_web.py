"""The page that runs the model in a browser: its arithmetic, its graphs, and the page itself.

The arithmetic is asked through Node.js, and held to what helpers/ says. The page runs in Chromium,
slow: python3 run.py test --all; see browsing.py for what that needs. Screenshots go to
outputs/launch.
"""

import importlib
import json
import os
import pathlib
import shutil
import subprocess
import threading
import urllib.request

import keras
import numpy as np
import onnxruntime
import pytest
from PIL import Image

from helpers import DATA
from helpers.drawing import INK, PALETTE, PAPER, contrast
from helpers.mask_rcnn.inference import filled_size, letterbox
from helpers.mask_rcnn.mask_head import paste_masks
from helpers.mask_rcnn.model import MaskRCNN
from helpers.models import load_detector, write_onnx
from helpers.one_stage import head
from helpers.one_stage.model import OneStageConfig, OneStageMaskRCNN
from helpers.pictures import read_image
from helpers.structures import InputError, box_iou, mask_iou, percent
from tests.browsing import browsing, expect, needs_browser
from tests.test_launch import is_outside
from tests.test_site import toy

ROOT = pathlib.Path(__file__).parents[1]
SHOTS = ROOT / "outputs/launch"
NODE = shutil.which("node")
PHOTOGRAPHS = sorted((DATA / "photographs").glob("*.jpg"))
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node.js")


@pytest.fixture
def load(monkeypatch):
    """A function that imports a script of .ci."""
    monkeypatch.syspath_prepend(ROOT / ".ci")
    return importlib.import_module


def ask(*questions):
    """What the scripts answer to (function, arguments) of tests/web_maths.mjs."""
    script = pathlib.Path(__file__).with_name("web_maths.mjs")
    done = subprocess.run(
        [NODE, script], input=json.dumps(questions), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


# --- arithmetic --------------------------------------------------------------------------------


@needs_node
def test_pictures_are_fitted_as_in_python():
    """Shrunk, as it is, and stretched; sides that end in a half; a single row.

    What is left of the input, below or to the right, is grey alone.
    """
    rng = np.random.default_rng(0)
    pictures = []
    for size in ((90, 61), (32, 40), (11, 16), (7, 5), (64, 33), (1, 100)):
        pictures.append(rng.integers(0, 256, (*size, 3), dtype=np.uint8))
    questions = []
    for picture in pictures:
        height, width, _ = picture.shape
        opaque = np.full((height, width, 1), 255, np.uint8)
        pixels = np.concatenate([picture, opaque], 2).ravel().tolist()
        values = {"pixels": pixels, "width": width, "height": height, "limits": [32, 40]}
        questions.append(("letterbox", {**values, "step": 8}))
    for picture, answer in zip(pictures, ask(*questions), strict=True):
        canvas, scale = letterbox(picture, (32, 40))
        height, width = filled_size(picture.shape[:2], (32, 40), 8)
        assert answer["size"] == [height, width] and answer["scale"] == pytest.approx(scale)
        found = np.reshape(answer["input"], (height, width, 3))
        assert np.abs(found - canvas[:height, :width].astype(int)).max() <= 1, picture.shape
        assert (canvas[height:] == 127).all() and (canvas[:, width:] == 127).all()


@needs_node
def test_masks_are_pasted_as_in_python():
    """Inside, beyond each border, smaller than a pixel, and empty."""
    rng = np.random.default_rng(1)
    corners = rng.uniform(-20, 60, (40, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0.1, 50, (40, 2))], 1).astype("float32")
    boxes[0] = [3, 3, 3, 9]
    scores = rng.uniform(0, 1, (40, 5, 5)).astype("float32")
    scores[1] = 1
    questions = []
    for grid, box in zip(scores.tolist(), boxes.tolist(), strict=True):
        values = {"scores": sum(grid, []), "side": 5, "box": box, "width": 56, "height": 48}
        questions.append(("paste", values))
    expected = paste_masks(scores, boxes, (48, 56))
    assert 0 < expected.any((1, 2)).sum() < 40
    for mask, answer in zip(expected, ask(*questions), strict=True):
        np.testing.assert_array_equal(whole(answer, (48, 56)), mask)


def whole(mask, size):
    """A mask of the scripts as (height, width) bool."""
    result = np.zeros(size, bool)
    bottom, right = mask["top"] + mask["height"], mask["left"] + mask["width"]
    inside = np.reshape(mask["inside"], (mask["height"], mask["width"]))
    result[mask["top"] : bottom, mask["left"] : right] = inside
    return result


@needs_node
def test_objects_are_chosen_as_in_python():
    """By class, the surest first, copies away; and none where nothing scores enough."""
    rng = np.random.default_rng(2)
    centres = head.make_centres((64, 64), (8, 16, 32))
    num_cells, num_classes = len(centres), 3
    logits = rng.normal(-1, 2, (1, num_cells, num_classes)).astype("float32")
    distances = rng.normal(0, 3, (1, num_cells, 4, head.NUM_BINS)).astype("float32")
    options = {"num_candidates": 120, "min_score": 0.3, "nms_iou": 0.4}
    wanted = head.select_boxes(logits, distances, centres, (64, 64), num_boxes=20, **options)
    settings = options | {"num_classes": num_classes, "num_detections": 20}
    values = {
        "logits": logits.ravel().tolist(), "distances": distances.ravel().tolist(),
        "size": [64, 64],
    }  # fmt: skip
    quiet = {**values, "logits": (logits - 50).ravel().tolist()}
    found, nothing = ask(
        ("select", {**values, "options": settings}), ("select", {**quiet, "options": settings})
    )
    boxes, labels, scores = (np.asarray(part)[0] for part in wanted)
    assert len(found) == np.count_nonzero(scores) > 5 and nothing == []
    for row, object_found in enumerate(found):
        assert object_found["label"] + 1 == labels[row]
        assert object_found["score"] == pytest.approx(scores[row], abs=1e-5)
        np.testing.assert_allclose(object_found["box"], boxes[row], atol=1e-3)


@needs_node
def test_an_object_keeps_its_number_from_frame_to_frame():
    cat = {"label": 3, "box": [0, 0, 10, 10]}
    moved = {"label": 3, "box": [2, 0, 12, 10]}  # 80 of 120 pixels in common
    dog = {"label": 4, "box": [2, 0, 12, 10]}  # of another class
    far = {"label": 3, "box": [50, 50, 60, 60]}
    (numbers,) = ask(("number", {"frames": [[cat, far], [dog, moved], [far, moved], []]}))
    assert numbers == [[0, 1], [1, 0], [1, 0], []]


@needs_node
def test_scores_are_told_as_in_python():
    scores = [0, 0.004, 0.29, 0.5, 0.995, 0.99999, float(np.float32(0.29))]
    (texts,) = ask(("percent", {"scores": scores}))
    assert texts == [percent(score) for score in scores]


@needs_node
def test_letters_stand_out_from_every_colour():
    (letters,) = ask(("letters", {"palette": PALETTE}))
    for color, tone in zip(PALETTE, letters, strict=True):
        assert tuple(tone) in (INK, PAPER) and contrast(color, tone) >= 4.5


# --- the graphs --------------------------------------------------------------------------------


def test_the_graphs_say_what_keras_says(tmp_path):
    """Every weight is random, normalisation included."""
    config = OneStageConfig(
        num_classes=2, image_size=(64, 96), num_candidates=20, num_detections=6, mask_channels=8,
        fine_channels=8,
    )  # fmt: skip
    keras.utils.set_random_seed(0)
    model = OneStageMaskRCNN(config)
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), dtype=np.uint8)
    model(image)
    rng = np.random.default_rng(1)
    for variable in model.variables:
        if "seed" not in variable.path:
            values = keras.ops.convert_to_numpy(variable) + rng.uniform(-0.1, 0.1, variable.shape)
            variable.assign(np.float16(values))
    result = model(image)
    write_onnx(model, tmp_path)
    detect, masks = (
        onnxruntime.InferenceSession(tmp_path / name, providers=["CPUExecutionProvider"])
        for name in ("detect.onnx", "masks.onnx")
    )
    logits, distances, *maps = detect.run(None, {"image": image})
    for found, expected in (
        (logits, result.class_logits[0]), (distances, result.distance_logits[0]),
    ):  # fmt: skip
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=1e-3 * scale)
    boxes = np.float32([[3, 4, 20, 30], [0, 0, 96, 64], [40, 1, 40.5, 1.5]])
    names = [one.name for one in masks.get_inputs()]
    (scores,) = masks.run(None, dict(zip(names, [boxes, *maps], strict=True)))
    coarse, fine = model.mask_branch.maps([*result.levels.values()], [*result.features.values()])
    (expected,) = model.cut_out(boxes[None], *coarse, *fine)
    np.testing.assert_allclose(scores, expected[0], atol=0.01)
    assert np.ptp(scores) > 0.1


def test_only_one_stage_networks_are_written(tmp_path, tiny_config):
    with pytest.raises(ValueError, match="only a OneStageMaskRCNN .* not a MaskRCNN"):
        write_onnx(MaskRCNN(tiny_config), tmp_path)


# --- the runtime -------------------------------------------------------------------------------


def test_another_runtime_is_refused_and_none_is_a_line(load, tmp_path, monkeypatch):
    page = load("browser_page")
    monkeypatch.setenv("PIXELWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(page, "pack", lambda package, file: file.write_bytes(b"another"))
    with pytest.raises(InputError, match="is not the one wanted: its digest is sha512-"):
        page.fetch_runtime()
    assert not list(tmp_path.rglob("*.tgz"))
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="npm is not installed"):
        page.pack("onnxruntime-web@1", tmp_path / "a.tgz")


def test_a_runtime_in_the_cache_is_taken(load, tmp_path, monkeypatch):
    page = load("browser_page")
    monkeypatch.setenv("PIXELWISE_CACHE", str(tmp_path))
    (tmp_path / "some-1.tgz").write_bytes(b"")
    wanted = {"package": "some", "version": "1", "integrity": page.digest(tmp_path / "some-1.tgz")}
    monkeypatch.setattr(page, "runtime", lambda: wanted)
    assert page.fetch_runtime() == tmp_path / "some-1.tgz"
    # echo -n | openssl dgst -sha512 -binary | base64
    assert wanted["integrity"].startswith("sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8")


def test_the_server_isolates_pages_and_serves_this_machine_alone(load, tmp_path):
    serve_site = load("serve_site")
    (tmp_path / "a.wasm").write_bytes(b"\0asm")
    (tmp_path / "a.mjs").write_text("1")
    with serve_site.make_server(tmp_path, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address
        types = []
        for name in ("a.wasm", "a.mjs"):
            with urllib.request.urlopen(f"http://{host}:{port}/{name}") as answer:
                types.append(answer.headers["Content-Type"])
                assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
                assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        with serve_site.make_server(tmp_path, port) as other:  # the port is taken
            assert other.server_port != port
        server.shutdown()
    assert host == "127.0.0.1" and types == ["application/wasm", "text/javascript"]


# --- the page ----------------------------------------------------------------------------------

FIND = """async (address) => {
    const { loadModel } = await import(new URL("model.mjs", location));
    const { readPicture } = await import(new URL("pictures.mjs", location));
    const picture = await readPicture(await (await fetch(address)).blob(), address);
    const { width, height } = picture;
    const { data } = picture.getContext("2d").getImageData(0, 0, width, height);
    const model = await (window.model ??= loadModel());
    const found = await model.find(data, width, height);
    await model.addMasks(found, 0.2);
    const sure = found.objects.filter((object) => object.score >= 0.2);
    return sure.map((object) => ({
        ...object, mask: { ...object.mask, inside: Array.from(object.mask.inside) } })); }"""
FLAGS_OF_CAMERA = "--use-fake-ui-for-media-stream --use-fake-device-for-media-stream"
NO_CAMERA = """() => { navigator.mediaDevices.getUserMedia =
    () => Promise.reject(new DOMException("", "NotFoundError")); }"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A toy site with the page, served as run.py site --serve does: address and folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / ".ci")
        build_site, serve_site = map(importlib.import_module, ("build_site", "serve_site"))
        patch.setattr(build_site.browser_page, "pack", refuse)
        out = tmp_path_factory.mktemp("pages") / "site"
        left_out = build_site.build(out, toy(tmp_path_factory.mktemp("toy")), with_model=True)
    if left_out and os.environ.get("CI") != "true":
        pytest.skip(left_out[0])
    assert not left_out
    shutil.copytree(DATA / "photographs", out / "web/all")
    with serve_site.make_server(out, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/web/index.html", out / "web"
        server.shutdown()


def refuse(package, file):
    raise InputError("the runtime is not in the cache: python3 run.py site fetches it")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser with a camera before which an astronaut stands, then sits a cat, and again."""
    file = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    with open(file, "wb") as camera:
        for name in ("astronaut", "chelsea"):
            picture = Image.open(DATA / f"photographs/{name}.jpg").resize((480, 360))
            for _ in range(15):
                picture.save(camera, "JPEG")
    flags = [*FLAGS_OF_CAMERA.split(), f"--use-file-for-fake-video-capture={file}"]
    with browsing(flags=flags) as context:
        yield context


@pytest.fixture
def page(site, browser):
    """The page, opened; it may ask nobody but its server."""
    address, _ = site
    page, outside = browser.new_page(), []
    page.on("request", lambda asked: outside.append(asked.url) if is_outside(asked.url) else None)
    page.goto(address)
    yield page
    page.close()
    assert not outside


def says(page, words):
    """Wait until the page says something."""
    expect(page.get_by_role("status")).to_contain_text(words)


def choose(page, path):
    page.locator("#file").set_input_files(path)


@pytest.mark.slow
@needs_browser
def test_the_browser_finds_what_python_finds(page):
    """The same objects; scores within .02, boxes a pixel, masks an IoU of .98: pixels differ by 1.

    Of those that one finds at a score of .2 to .22 the other may say a little less than .2.
    """
    detector = load_detector("everyday", score_threshold=0.2, say=None)
    total = 0
    for path in PHOTOGRAPHS:
        wanted = detector(read_image(path))
        found = page.evaluate(FIND, f"all/{path.name}")
        overlaps = box_iou(wanted.boxes, [one["box"] for one in found])
        is_same_class = np.array(wanted.names)[:, None] == [one["name"] for one in found]
        partners = np.where(is_same_class, overlaps, 0).argmax(1)
        sure = np.flatnonzero(wanted.scores >= 0.22)
        for i in sure:
            one = found[partners[i]]
            assert one["name"] == wanted.names[i]
            assert one["score"] == pytest.approx(wanted.scores[i], abs=0.02)
            np.testing.assert_allclose(one["box"], wanted.boxes[i], atol=1.0)
            mask = whole(one["mask"], wanted.image_size)
            assert mask_iou(mask[None], wanted.masks[i][None])[0, 0] >= 0.98, (path.name, i)
        assert len(set(partners[sure])) == len(sure)
        assert {j for j, one in enumerate(found) if one["score"] >= 0.22} <= set(partners.tolist())
        total += len(sure)
    assert total >= 10


@pytest.mark.slow
@needs_browser
def test_a_photograph_by_hand(page):
    """Chosen, found, told with its milliseconds; the slider asks for more; light, dark, narrow."""
    choose(page, DATA / "photographs/chelsea.jpg")
    says(page, "1 object. ")
    says(page, " ms: ")
    expect(page.locator("#objects li")).to_contain_text(["cat"])
    page.get_by_role("button", name="An astronaut").click()
    expect(page.locator("#objects li")).to_contain_text(["person"])
    says(page, " ms: ")
    before = page.locator("#objects li").count()
    page.locator("#threshold").press("Home")
    expect(page.locator("#value")).to_have_text("0.10")
    page.wait_for_function(f"document.querySelectorAll('#objects li').length > {before}")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=SHOTS / f"web-{width}-{scheme}.png", full_page=True)


@pytest.mark.slow
@needs_browser
def test_the_camera(page):
    """What stands before it is found as it comes and goes."""
    page.get_by_role("button", name="Use the camera").click()
    for name in ("person", "cat", "person"):
        expect(page.locator("#objects li")).to_contain_text([name])
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.get_by_role("button", name="Use the camera")).to_be_visible()


@pytest.mark.slow
@needs_browser
def test_what_cannot_be_looked_at_is_a_line(page, tmp_path):
    choose(page, pathlib.Path(__file__))
    says(page, "test_web.py is no picture that this browser can read: try JPEG, PNG or WebP.")
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    choose(page, tmp_path / "large.png")
    says(page, "large.png has 100 megapixels, more than the 64 that this page takes")
    page.evaluate(NO_CAMERA)
    page.get_by_role("button", name="Use the camera").click()
    says(page, "No camera was found.")
    choose(page, DATA / "photographs/chelsea.jpg")  # and the page goes on
    says(page, "1 object.")


@pytest.mark.slow
@needs_browser
def test_what_is_missing_is_a_line(page):
    page.route("**/detect.onnx", lambda route: route.fulfill(status=404))
    choose(page, DATA / "photographs/chelsea.jpg")
    says(page, "The model is missing (model/detect.onnx: 404): build the site again.")
    page.unroute_all()
    page.evaluate("WebAssembly = undefined")
    choose(page, DATA / "photographs/chelsea.jpg")
    says(page, "This browser has no WebAssembly with SIMD")
