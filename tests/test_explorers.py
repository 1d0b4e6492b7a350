"""Explorers: what their views say, by pencil; that controls redraw; that errors are seen."""

import base64
import html
import inspect
import json
import re
import types

import matplotlib.pyplot as plt  # before `kernel`, whom it would ask for more
import numpy as np
import pytest

from helpers import ROOT
from helpers.job.xray import can_xray, make_xrays
from helpers.lessons import (
    explore_anchors,
    explore_choices,
    explore_roi_align,
    explore_stages,
    explore_thresholds,
    explore_upload,
    explore_xray,
    walk_back,
)
from helpers.lessons.explorer import Explorer, can_slide
from helpers.lessons.roi_align import roi_pool
from helpers.mask_rcnn.boxes import make_anchors
from helpers.mask_rcnn.roi_align import roi_align
from helpers.mask_rcnn.rpn import rpn_targets
from helpers.mask_rcnn.trace import place_of_anchor, trace_back
from helpers.structures import Detections, box_iou

NAMES = {1: "person", 3: "car"}
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def kernel(monkeypatch):
    """As if in a notebook kernel."""
    pytest.importorskip("ipywidgets")
    monkeypatch.delenv("PIXELWISE_STATIC", raising=False)
    monkeypatch.setattr("IPython.get_ipython", lambda: types.SimpleNamespace(kernel=True))


def detections(boxes, size, scores=None):
    labels = [1 + 2 * (i % 2) for i in range(len(boxes))]
    scores = np.linspace(0.9, 0.5, len(boxes)) if scores is None else scores
    return Detections(np.reshape(boxes, (-1, 4)), labels, scores, size, NAMES)


def words_of(explorer):
    return html.unescape(re.sub("<[^>]*>", "", explorer.widget.children[2].value))


def picture_of(explorer):
    """The picture under the controls: its bytes, and the text for who cannot see it."""
    alt, data = re.search(
        'alt="([^"]*)" src="data:image/jpeg;base64,([^"]*)"', explorer.widget.children[1].value
    ).groups()
    return base64.b64decode(data), html.unescape(alt)


SQUARE = np.full((64, 64, 3), 90, np.uint8), detections([(8, 8, 32, 32)], (64, 64), [1.0])


# Every explorer -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forward(tiny_config, toy_pictures):
    """A picture, the stages of an untrained network for it, and that network."""
    import keras

    from helpers.mask_rcnn.model import MaskRCNN

    keras.utils.set_random_seed(0)
    model, (image, _) = MaskRCNN(tiny_config), toy_pictures[0]
    return image, model(image[None]), model


def raw_outputs():
    """Four boxes, best last: two cars that overlap (IoU 1/3), a person there too, a car apart."""
    boxes = [[60, 60, 90, 90], [0, 0, 30, 30], [15, 0, 45, 30], [0, 0, 30, 30]]
    y, x = np.mgrid[:8, :8] - 3.5
    cone = np.clip(1 - np.hypot(x, y) / 4, 0, 1).astype(np.float32)
    picture = np.full((100, 120, 3), 90, np.uint8)
    return picture, boxes, [3, 1, 3, 3], [0.2, 0.6, 0.7, 0.9], np.stack([cone] * 4), NAMES


@pytest.fixture
def makers(forward, tiny_config):
    """Each explorer, and settings that must change its picture."""
    return [
        (lambda: explore_anchors(*SQUARE, tiny_config), {"level": 5}),
        (lambda: explore_choices(), {"choice": "14 x 14 cells"}),
        (lambda: explore_roi_align(), {"x": 0.4}),
        (lambda: explore_stages(*forward), {"stage": 2}),
        (lambda: explore_thresholds(*raw_outputs()), {"nms_iou": 0.0}),
        (lambda: explore_xray(*forward), {"step": 3}),
    ]


def test_without_a_kernel_there_is_a_still_figure(makers):
    for make, _ in makers:
        explorer = make()
        data, more = explorer._repr_mimebundle_()
        assert set(data) == {"text/plain", "image/jpeg"} and explorer.widget is None
        assert more == {"image/jpeg": {"alt": "; ".join(explorer.texts)}}
        assert explorer.controls == {} and data["text/plain"].splitlines() == list(explorer.texts)
        titles = [axis.get_title().replace("\n", " ") for axis in explorer.figure.axes]
        assert [title for title in titles if title] == list(explorer.texts)
        assert len(set(explorer.texts)) == len(explorer.texts) > 1
    assert not plt.get_fignums()


def test_a_control_changes_picture_and_words(makers, kernel):
    for make, settings in makers:
        explorer = make()
        (picture, alt), words = picture_of(explorer), words_of(explorer)
        values = {name: control.value for name, control in explorer.controls.items()}
        assert alt == words == explorer.view(**values)[1] and picture.startswith(
            b"\xff\xd8"
        )  # JPEG
        ((name, new),) = settings.items()
        explorer.controls[name].value = new
        assert picture_of(explorer)[0] != picture and picture_of(explorer)[1] == words_of(explorer)
        assert words_of(explorer) != words
        assert not explorer.widget.children[3].outputs
        for control in explorer.controls.values():
            assert control.description  # read out
            kind = type(control).__name__  # JupyterLab takes a Dropdown's arrow keys
            assert "Slider" in kind or kind == "ToggleButtons"


# What ipywidgets 7.7.1, Colab's, and 8.1 both have. In 7 an unknown setting has no effect, and
# nothing says so.
SLIDER = {"value", "min", "max", "step", "description", "layout", "style"}
SHARED = {
    "FloatSlider": SLIDER,
    "IntSlider": SLIDER,
    "ToggleButtons": {"options", "index", "description", "layout", "style"},
    "FileUpload": {"value", "accept", "multiple", "description", "layout", "style"},
    "HTML": {"value", "layout", "style"},
    "Output": {"outputs", "layout"},
    "HBox": {"children", "layout"},
    "VBox": {"children", "layout"},
    "Layout": {"width", "max_width", "flex_flow"},
    "SliderStyle": {"description_width"},
    "DescriptionStyle": {"description_width"},
    "ToggleButtonsStyle": {"description_width", "button_width"},
}


def parts_of(widget):
    """A widget, and all that it is made of."""
    yield widget
    held = [getattr(widget, name, None) for name in ("layout", "style")]
    for part in [*getattr(widget, "children", ()), *held]:
        if part is not None:
            yield from parts_of(part)


def test_widgets_are_those_that_old_and_new_notebooks_share(makers, kernel):
    made = [make() for make, _ in makers]
    made.append(explore_upload(lambda image: (image, "grey"), SQUARE[0]))
    inner = {"keys", "comm", "_counter", "_options_labels"}
    for part in (part for explorer in made for part in parts_of(explorer.widget)):
        kind, needed = type(part), {"options": [1]} if hasattr(part, "options") else {}
        plain = kind(**needed)
        used = {name for name in part.keys if getattr(part, name) != getattr(plain, name)} - inner
        assert used <= SHARED.get(kind.__name__, set()), (kind.__name__, used)


def test_the_widget_travels_with_its_still(makers, kernel):
    data, _ = makers[0][0]()._repr_mimebundle_()
    assert set(data) == {"text/plain", "image/jpeg", WIDGET}


def test_stills_can_be_asked_for(makers, kernel, monkeypatch):
    assert can_slide()
    monkeypatch.setenv("PIXELWISE_STATIC", "1")
    explorer = makers[0][0]()
    assert explorer.widget is None and WIDGET not in explorer._repr_mimebundle_()[0]
    monkeypatch.setenv("PIXELWISE_STATIC", "0")
    assert can_slide()
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    assert not can_slide()


def fragile():
    """An explorer whose view fails from 7 on, and when it is asked nothing it says <b>."""

    def view(number):
        if number >= 7:
            raise KeyError("seven & more")
        return np.full((20, 30, 3), 20 * number, np.uint8), f"<b>{number}</b>"

    control = {"value": 1, "min": 0, "max": 9, "description": "number"}
    return Explorer(view, [{"number": 1}], {"number": ("IntSlider", control)})


def test_an_error_is_said_and_kept(kernel):
    explorer = fragile()
    assert "<b>1</b>" in words_of(explorer)  # text, not markup
    before = picture_of(explorer)
    explorer.controls["number"].value = 8
    assert words_of(explorer) == "This did not work. KeyError: 'seven & more'"
    (output,) = explorer.widget.children[3].outputs
    assert output["output_type"] == "error" and output["ename"] == "KeyError"
    assert picture_of(explorer) == before
    explorer.controls["number"].value = 2
    assert picture_of(explorer) != before and explorer.widget.children[3].outputs


@pytest.mark.slow
def test_an_error_in_a_notebook_fails_its_test(tmp_path):
    """Papermill reports success when a callback raised; our test of notebooks does not."""
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("papermill")
    from tests.test_notebooks import ROOT, run

    parameters = nbformat.v4.new_code_cell(
        "OUT = ''\nNUMBER = 2", metadata={"tags": ["parameters"]}
    )
    code = [
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nimport numpy as np",
        "from helpers.lessons.explorer import Explorer\n" + inspect.getsource(fragile),
        "explorer = fragile()\nexplorer.controls['number'].value = NUMBER\nexplorer",
        "print('{}')",
    ]
    cells = [parameters, *map(nbformat.v4.new_code_cell, code)]
    path, out = tmp_path / "toy.ipynb", tmp_path / "run"
    out.mkdir()
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    with pytest.raises(AssertionError, match="seven"):
        run(path, out, NUMBER=8)
    book = json.loads((out / "toy.ipynb").read_text())
    assert WIDGET in book["cells"][-2]["outputs"][0]["data"]


# Anchors ------------------------------------------------------------------------------------------


def test_pencil_anchor(tiny_config):
    # P4 has anchors of side 24. That of row 1, column 1 has its centre at 24: 12 to 36. With the
    # object, 8 to 32, it shares 20 x 20 of 2 x 576 - 400.
    explorer = explore_anchors(*SQUARE, tiny_config)
    settings = dict(level=4, scale=0, ratio=1.0, row=1, column=1)
    picture, text = explorer.view(**settings)
    assert text == (
        f"P4, row 1, column 1: an anchor 24 px wide and 24 high. IoU: person {400 / 752:.2f}. "
        "Training calls it foreground, though below 0.6: no anchor fits this object better."
    )
    assert picture.dtype == np.uint8 and picture.shape == (750, 750, 3)
    nearest = explorer.view(**settings | {"ratio": 1.4})[1]
    assert nearest == text and "17 px wide" in explorer.view(**settings | {"ratio": 1.5})[1]
    text = explorer.view(**settings | {"row": 3})[1]  # 44 to 68
    assert "partly outside the picture. IoU: 0 with every object. Training calls it back" in text
    assert explorer.view(**settings | {"row": 99})[1] == text  # the last row is meant


def test_verdicts_are_those_of_training():
    """Each case of the still figure, and a dozen others, against `rpn_targets` and its limits."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 200, (5, 2))
    truth = detections(np.hstack([corners, corners + rng.uniform(20, 110, (5, 2))]), (256, 320))
    explorer = explore_anchors(np.zeros((256, 320, 3), np.uint8), truth)
    said = [re.search(r"calls it (\w+)", text)[1] for text in explorer.texts]
    assert said[:3] == ["foreground", "neither", "background"] and "outside" in explorer.texts[3]
    limits = inspect.signature(rpn_targets).parameters
    low, high = limits["bg_iou"].default, limits["fg_iou"].default
    for _ in range(12):
        level = int(rng.choice([4, 5]))
        row, column, scale = rng.integers(0, 8), rng.integers(0, 10), rng.integers(0, 2)
        text = explorer.view(level, scale, 1.0, row, column)[1]
        best = max(map(float, re.findall(r"(?:person|car) ([\d.]+\d)", text)), default=0)
        if "though below" not in text and abs(best - low) > 0.01 < abs(best - high):
            verdict = re.search(r"calls it (\w+)", text)[1]
            assert verdict == (
                "background" if best < low else "foreground" if best > high else "neither"
            )


def test_anchors_stay_in_place_when_the_level_changes(kernel, tiny_config):
    explorer = explore_anchors(*SQUARE, tiny_config)
    controls = explorer.controls
    controls["level"].value = 3
    controls["row"].value, controls["column"].value = 6, 1  # of 8
    controls["level"].value = 5  # 2 rows
    assert (controls["row"].max, controls["row"].value, controls["column"].value) == (1, 1, 0)
    assert words_of(explorer).startswith("P5, row 1, column 0")
    controls["level"].value = 6  # 1 row
    assert controls["row"].max == 0 and words_of(explorer).startswith("P6, row 0, column 0")


def test_anchors_without_objects_and_refusals(tiny_config):
    image = SQUARE[0]
    explorer = explore_anchors(image, Detections.empty((64, 64), NAMES), tiny_config)
    assert len(explorer.texts) == 2
    assert all("IoU: there is no object. Training calls it background" in t for t in explorer.texts)
    small = explore_anchors(image[:32], Detections.empty((32, 64), NAMES), tiny_config)
    assert small.view(3, 0, 1.0, 0, 0)[0].shape == (750, 750, 3)  # letterboxed
    with pytest.raises(ValueError, match=r"truth must be of a picture of \(32, 64\)"):
        explore_anchors(image[:32], SQUARE[1], tiny_config)
    for settings, message in (
        ((2, 0, 1.0, 0, 0), r"level must be one of \[3, 4, 5, 6\], got 2"),
        ((3, 1, 1.0, 0, 0), "scale must be below 1, got 1"),
        ((3, 0, 0, 0, 0), "ratio must be above 0, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            explorer.view(*settings)


# RoIAlign -----------------------------------------------------------------------------------------


def test_pencil_roi_align_of_a_ramp():
    # On a ramp 10 y + x, every mean of points is the value in the middle: of the cell from x 1.3 to
    # 3.5, y 0.8 to 2.85 that is 10 * (1.825 - 0.5) + (2.4 - 0.5) = 15.15.
    explorer = explore_roi_align()
    assert explorer.texts[0] == (
        "Box from x 1.3, y 0.8 to x 5.7, y 4.9. RoIAlign reads 15.15 17.35 / 35.65 37.85. "
        "RoIPool takes the cells from x 1, y 1 to x 6, y 5 and of each part the largest: "
        "33 36 / 53 56."
    )


def test_half_a_cell():
    """RoIPool says the same at 0.6 and 1.1, then jumps; RoIAlign moves by half a cell each time."""
    _, *texts = explore_roi_align().texts
    said = [re.findall(r"(?:reads|largest:) ([^A-Z]*?)\.(?: |$)", text) for text in texts]
    aligned, pooled = zip(*said, strict=True)
    first = [float(text.split()[0]) for text in aligned]
    np.testing.assert_allclose(np.diff(first), 0.5, atol=0.01)
    assert pooled[0] == pooled[1] != pooled[2]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_points_make_what_roi_align_returns(size):
    rng = np.random.default_rng(size)
    features = rng.integers(0, 90, (6, 8)).astype(np.float32)
    box = np.array([[[1.5, 0.5, 5.25, 4.75]]], np.float32)
    right = np.asarray(roi_align([features[None, ..., None]], box, (1,), size))[0, 0, ..., 0]
    text = explore_roi_align(features, box[0, 0].tolist(), size).texts[0]
    said = re.search(r"reads ([\d. /]*)\.", text)[1].replace("/", "").split()
    np.testing.assert_allclose(np.float32(said), right[:3].ravel(), atol=0.0051)


def test_pencil_roi_pool():
    """The rule of Fast R-CNN's code and of torchvision's operator: the last cell counts."""
    features = np.arange(16.0).reshape(4, 4)
    pooled, cells = roi_pool(features, (0.5, 0.4, 3.6, 2.6), 2)
    assert cells == (1, 0, 4, 3)  # columns 1, 2 and 3 (4 is outside); rows 0, 1 and 2, 3
    np.testing.assert_array_equal(pooled, [[6, 7], [14, 15]])
    pooled, cells = roi_pool(-features, (3.1, 3.2, 3.3, 3.3), 1)
    assert cells == (3, 3, 3, 3) and pooled == -15  # never less than a cell
    pooled, _ = roi_pool(-features, (3, 3, 7, 7), 2)
    np.testing.assert_array_equal(pooled, [[-15, 0], [0, 0]])  # beyond the map: nothing
    # Three columns in two parts, rounded outward, share the middle one: 0, 1 and 1, 2.
    pooled, _ = roi_pool(features, (0, 0, 2, 0), 2)
    np.testing.assert_array_equal(pooled, [[1, 2], [1, 2]])


def test_roi_align_on_other_maps_and_refusals():
    explorer = explore_roi_align([[1, 2], [3, 4]], (0, 0, 2, 2), 1)
    assert "RoIAlign reads 2.50. RoIPool" in explorer.texts[0] and explorer.texts[0].endswith("4.")
    assert explorer.view(0, 0, 0.1, 0.1)[1].endswith("largest: 1.")
    for box in ((2, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1)):
        with pytest.raises(ValueError, match="must begin on the map and have an inside"):
            explorer.view(*box)
    for features in ([1, 2, 3], [[1, 2]]):
        with pytest.raises(ValueError, match=r"features must be \(H, W\), 2 x 2 or more"):
            explore_roi_align(features)


# Stages -------------------------------------------------------------------------------------------


def test_stages_are_all_there_and_counted(forward):
    image, stages, model = forward
    explorer = explore_stages(image, stages, model, {1: "square", 7: "disc"})

    def text(stage):
        return explorer.view(stage=stage)[1]

    levels = ["P2", "P3", "P4", "P5", "P6"]
    sizes = ["16 x 16", "8 x 8", "4 x 4", "2 x 2", "1 x 1"]
    for level, size in zip(levels, sizes, strict=True):
        assert text(level).startswith(f"{level}: {size} cells of 16 numbers; their mean, dark ")
    assert text("input") == "The input: 64 x 64 pixels, the picture's sides times 1"
    for level, count in zip(levels[1:], (64, 16, 4, 1), strict=True):
        wanted = rf"Objectness on {level}: \d+ of {count} cells hold .*"
        assert re.fullmatch(wanted, text(f"objectness {level}"))
    real = int((np.asarray(stages.proposal_scores) > 0).sum())
    assert text("best proposals").startswith(f"{min(real, 10)} of {real} proposals")
    assert text("all proposals").startswith(f"{real} of {real} proposals")
    final = np.asarray(stages.scores)
    counts = f"{(final > 0).sum()} final boxes; {(final >= 0.5).sum()} have"
    assert text("boxes").startswith(counts)
    assert len(explorer.texts) == 6  # the still figure is a selection


def test_objectness_map_by_hand(forward):
    """Only the last anchor of P4's row 2, column 1 is sure: one cell is bright, at its place."""
    image, stages, model = forward
    logits = np.full(stages.objectness_logits.shape, -9.0, np.float32)
    logits[0, 64 * 3 + (2 * 4 + 1) * 3 + 2] = 9
    explorer = explore_stages(image, stages._replace(objectness_logits=logits), model)
    assert explorer.view(stage="objectness P3")[1].startswith("Objectness on P3: 0 of 64")
    picture, text = explorer.view(stage="objectness P4")
    assert text.startswith("Objectness on P4: 1 of 16")
    green = picture[:748, :748, 1].reshape(4, 187, 4, 187).mean(axis=(1, 3))  # of 750
    assert np.unravel_index(green.argmax(), (4, 4)) == (2, 1)


def test_stages_with_nothing_found_and_refusals(forward):
    image, stages, model = forward
    nothing = stages._replace(
        scores=np.zeros_like(stages.scores), proposal_scores=np.zeros_like(stages.proposal_scores)
    )
    view = explore_stages(image, nothing, model).view
    for stage in ("best proposals", "all proposals"):
        assert view(stage=stage)[1] == "0 of 0 proposals, from the best on"
    assert view(stage="masks")[1] == "0 masks cover 0% of the input"
    with pytest.raises(ValueError, match="one picture, got a batch of 2"):
        explore_stages(image, stages._replace(boxes=np.zeros((2, 6, 4))), model)
    with pytest.raises(ValueError, match="stage must be one of input, P2.* got 'P7'"):
        explore_stages(image, stages, model).view("P7")


# Cuts ---------------------------------------------------------------------------------------------


def numbers(text):
    """Boxes that score enough, boxes that NMS leaves, percent of the picture."""
    found = re.search(r"^(\d+) of .* leaves (\d+)\. .* cover ([\d.]+)%", text)
    return int(found[1]), int(found[2]), float(found[3])


def test_pencil_thresholds():
    explorer = explore_thresholds(*raw_outputs())

    def say(*thresholds):
        return numbers(explorer.view(*thresholds)[1])

    assert say(0.1, 1.0, 0.5)[:2] == (4, 4)  # at 1 nothing goes
    assert say(0.1, 0.5, 0.5)[:2] == (4, 4)  # two cars overlap by a third
    assert say(0.1, 0.3, 0.5)[:2] == (4, 3)
    assert say(0.1, 0.0, 0.5)[:2] == (4, 3)  # one car, the person there too, and the car apart
    assert say(0.65, 0.0, 0.5)[:2] == (2, 1)
    assert say(1.0, 0.5, 0.5) == (0, 0, 0)
    areas = [say(0.1, 1.0, cut)[2] for cut in np.linspace(0, 1, 11)]
    assert areas == sorted(areas, reverse=True) and areas[0] > areas[5] > areas[10] == 0


def test_thresholds_take_another_way_to_paste():
    seen = []

    def paste(mask_scores, boxes, image_size, threshold):
        seen.append((len(mask_scores), boxes.shape, image_size, threshold))
        return np.ones((len(boxes), *image_size), bool)

    explorer = explore_thresholds(*raw_outputs(), nms_iou=0.3, paste=paste)
    assert numbers(explorer.texts[0]) == (3, 2, 100.0)
    assert seen[0] == (2, (2, 4), (100, 120), 0.5)
    assert explorer.texts == explore_thresholds(*raw_outputs(), nms_iou=0.3, paste=paste).texts
    assert explorer.texts != explore_thresholds(*raw_outputs()).texts


def test_thresholds_of_nothing_and_refusals():
    image, boxes, labels, scores, masks, _ = raw_outputs()
    none = explore_thresholds(image, np.zeros((0, 4)), [], [], np.zeros((0, 8, 8)), NAMES)
    assert numbers(none.texts[0]) == (0, 0, 0)
    with pytest.raises(ValueError, match="4 boxes need as many mask_scores, got 3"):
        explore_thresholds(image, boxes, labels, scores, masks[:3], NAMES)
    with pytest.raises(ValueError, match=r"labels must have shape \(4,\)"):
        explore_thresholds(image, boxes, labels[:3], scores, masks, NAMES)
    with pytest.raises(ValueError, match=r"labels \[3\] are not among"):
        explore_thresholds(image, boxes, labels, scores, masks, {1: "person"})


# A detection walked back --------------------------------------------------------------------------


def test_the_way_back_leads_through_what_the_stages_hold(tiny_model, toy_pictures):
    image, truth = toy_pictures[0]
    stages = tiny_model(image[None])
    for index in range(2):
        way = trace_back(tiny_model, stages, index)
        dx, dy, log_width, log_height = stages.box_deltas[0][way.proposal_rank] * np.float32(
            [0.1, 0.1, 0.2, 0.2]
        )
        x1, y1, x2, y2 = way.proposal
        width, height = (x2 - x1) * np.exp(log_width), (y2 - y1) * np.exp(log_height)
        x, y = (x1 + x2) / 2 + dx * (x2 - x1), (y1 + y2) / 2 + dy * (y2 - y1)
        moved = np.clip([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 0, 64)
        np.testing.assert_allclose(way.box, moved, atol=0.01)
        row, column = way.cell
        centre = (way.anchor[:2] + way.anchor[2:]) / 2
        stride = 2**way.anchor_level
        np.testing.assert_allclose(centre, [(column + 0.5) * stride, (row + 0.5) * stride])
        assert box_iou([way.anchor], [way.proposal])[0, 0] > 0.3
        gap = way.samples_x[1] - way.samples_x[0]
        assert len(way.samples_x) == 14 and way.samples_x[0] == pytest.approx(way.box[0] + gap / 2)
        assert way.samples_y[-1] < way.box[3]
    assert {trace_back(tiny_model, stages, i).label for i in range(2)} == {1, 2}
    with pytest.raises(ValueError, match="detections, got 99"):
        trace_back(tiny_model, stages, 99)


def test_each_anchor_is_placed(tiny_config):
    anchors = make_anchors((64, 64), (8, 16, 32, 64), ((12,), (24,), (40,), (60,)), (0.5, 1, 2))
    for index in (0, 5, 191, 192, 239, 240, len(anchors) - 1):
        level, (row, column) = place_of_anchor(index, tiny_config)
        x, y = (anchors[index, :2] + anchors[index, 2:]) / 2
        assert (row, column) == (y // 2**level, x // 2**level)
    with pytest.raises(ValueError, match="none"):
        place_of_anchor(len(anchors), tiny_config)


def test_each_step_names_the_lines_that_do_it(forward):
    steps = walk_back(*forward, index=0, categories=NAMES)
    assert [step.name for step in steps] == [
        "mask grid", "RoIAlign", "proposal", "anchor", "feature level"
    ]  # fmt: skip
    for step, words in zip(steps, ("class Mask", "def roi", "def sel", "def sel", "class FPN"),
                           strict=True):  # fmt: skip
        path, first, last = re.fullmatch(r"(\S+), lines (\d+) to (\d+)", step.source).groups()
        lines = (ROOT / path).read_text().splitlines()[int(first) - 1 : int(last)]
        assert lines[0].startswith(words) and step.address.endswith(f"{path}#L{first}-L{last}")
    image, stages, model = forward
    nothing = stages._replace(scores=np.zeros_like(stages.scores))
    with pytest.raises(ValueError, match="hold none"):
        explore_xray(image, nothing, model)
    with pytest.raises(ValueError, match="step must be 1 to 5, got 6"):
        explore_xray(*forward).view(detection=1, step=6)


def test_the_page_of_results_shows_the_way_back_of_each_object(tiny_model, toy_pictures, tmp_path):
    image, truth = toy_pictures[0]
    detector = types.SimpleNamespace(model=tiny_model, categories=truth.categories)
    assert can_xray(detector) and not can_xray(types.SimpleNamespace(model=None))
    assert make_xrays(detector, image, truth[[]], tmp_path, "a.jpg", "p1") == []
    stages = tiny_model(image[None])
    found = truth.replace(boxes=stages.boxes[0][:2], scores=stages.scores[0][:2])
    made = make_xrays(detector, image, found, tmp_path, "a.jpg", "p1")
    pictures = re.findall('src="(.*?)"', "".join(made))
    assert len(made) == 2 and len(pictures) == 2 * 5
    assert all((tmp_path / name).is_file() for name in pictures)
    assert '<div popover id="p1-2">' in made[1] and made[0].count("/blob/main/helpers/mask_") == 5
