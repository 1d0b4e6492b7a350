"""Graphs of the Object Detection API: toys with a pencil, and one in its full form."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from helpers.models import graphs
from helpers.models.label_maps import find_label_map, read_label_map
from helpers.models.loading import load_detector
from helpers.models.sources import find_graph, find_source
from helpers.structures import InputError
from tests import api_graph

DATA = pathlib.Path(__file__).parents[1] / "data"
PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
NAMES = (*graphs.OUTPUTS, graphs.MASKS)
FROZEN, SAVED = "frozen_inference_graph.pb", "saved_model/saved_model.pb"

# --- label maps --------------------------------------------------------------------------------


def test_coco_has_80_names_and_ids_to_90():
    names = read_label_map(DATA / "coco_labels.pbtxt")
    missing = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    assert set(names) == set(range(1, 91)) - missing and len(set(names.values())) == 80
    assert [names[i] for i in (1, 3, 13, 18, 90)] == [
        "person", "car", "stop sign", "dog", "toothbrush",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text, names",
    [
        ("item { id: 1 name: 'cat' }", {1: "cat"}),
        ('item {\n  name: "/m/01g317"\n  id: 1\n  display_name: "person"\n}\n', {1: "person"}),
        ('item: { name: "NA", id: 12, display_name: "street sign" }', {12: "street sign"}),
        ('# cats\nitem { id: 7 name: "a # b" }  # 7th\nitem{name:"x"id:2}', {2: "x", 7: "a # b"}),
    ],
)  # fmt: skip
def test_label_maps_are_read(tmp_path, text, names):
    path = tmp_path / "toy_label_map.pbtxt"
    path.write_text(text)
    assert read_label_map(path) == names
    assert list(read_label_map(path)) == sorted(names)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "no item"),
        ("<html>not found</html>", "cannot be read as a label map .1:1"),
        ("item { name: 'cat' }", "item 1 needs an id"),
        ("item { id: 1 name: 'cat' } item { id: 2 }", "item 2 needs an id .* and a name"),
        ("item { id: -1 name: 'cat' }", "item 1 needs an id"),
        ("item { id: 3 name: 'cat' } item { id: 3 name: 'dog' }", "the id 3 stands there twice"),
    ],
)
def test_what_is_no_label_map_is_named(tmp_path, text, problem):
    path = tmp_path / "bad.pbtxt"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"bad\.pbtxt: .*{problem}"):
        read_label_map(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_label_map(tmp_path / "none.pbtxt")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_label_map(path)


# --- what a folder holds -----------------------------------------------------------------------


def test_graph_and_label_map_are_found(tmp_path):
    assert find_graph(tmp_path) is None and find_graph(tmp_path / "none") is None
    (tmp_path / "saved_model").mkdir()
    for name in ("other.pb", SAVED, FROZEN):  # each counts more than those before it
        (tmp_path / name).touch()
        assert find_graph(tmp_path) == tmp_path / name
    assert find_graph(tmp_path / "saved_model") == tmp_path / SAVED
    assert find_graph(tmp_path / "other.pb") == tmp_path / "other.pb"
    (tmp_path / "graph.pbtxt").write_text("node { }")
    assert find_label_map(tmp_path / SAVED) is None
    version = tmp_path / "1/saved_model.pb"  # as a server keeps it
    for name in ("names.pbtxt", "toy_label_map.pbtxt"):
        (tmp_path / name).write_text("item { id: 1 name: 'cat' }")
        assert find_label_map(tmp_path / SAVED) == tmp_path / name
        assert find_label_map(tmp_path / FROZEN) == tmp_path / name
        assert find_label_map(version) == tmp_path / name
    other = tmp_path / "other_model/saved_model.pb"
    assert find_label_map(other) is None and find_label_map(tmp_path / "v/1/a/x.pb") is None


@pytest.mark.parametrize("name", [".", FROZEN, "saved_model", "..", "../1"])
def test_names_hold_from_inside_a_folder(tmp_path, monkeypatch, name):
    """Whatever the folder one stands in, the model is called by its own, and finds its names."""
    home = tmp_path / "nuts"
    for part in ("saved_model", "1", "sub"):
        (home / part).mkdir(parents=True)
    for part in (FROZEN, SAVED, "1/saved_model.pb"):
        (home / part).touch()
    (home / "label_map.pbtxt").write_text("item { id: 1 name: 'nut' }")
    monkeypatch.chdir(home / "sub" if name.startswith("..") else home)
    card = find_source(name).card
    assert card == {"name": "nuts", "categories": {1: "nut"}}
    monkeypatch.chdir(home / "saved_model")
    assert find_source(".").card == find_source("saved_model.pb").card == card


@pytest.mark.parametrize(
    "name, knows_coco",
    [
        ("mask_rcnn_coco_nuts", False),
        ("my_mask_rcnn_inception_v2_coco", False),
        ("mask_rcnn_inception_v2_coco", True),
        ("mask_rcnn_inception_v2_coco_2018_01_28", True),
        ("mask-rcnn-inception-resnet-v2/tensorFlow2/1024x1024/1", True),
    ],
)
def test_only_the_zoos_own_models_get_the_names_of_coco(tmp_path, name, knows_coco):
    (tmp_path / name).mkdir(parents=True)
    (tmp_path / name / "saved_model.pb").touch()
    assert len(find_source(str(tmp_path / name)).card["categories"]) == (80 if knows_coco else 0)


@pytest.mark.parametrize("labels, num", [("mscoco_label_map.pbtxt", 80), ("nuts.pbtxt", 0)])
def test_a_models_own_settings_tell_its_names(tmp_path, labels, num):
    (tmp_path / FROZEN).touch()
    config = f'train_input_reader {{ label_map_path: "PATH_TO_BE_CONFIGURED/{labels}" }}'
    (tmp_path / "pipeline.config").write_text(config)
    assert len(find_source(str(tmp_path)).card["categories"]) == num


# --- with a pencil -----------------------------------------------------------------------------

# In a picture of 40 x 60 px: a box 12..30 x 10..20 whose right half is the object, and one 0..6 x
# 0..4 that is all object.
BOXES, CLASSES, SCORES = [[0.25, 0.2, 0.5, 0.5], [0, 0, 0.1, 0.1]], [3, 90], [0.9, 0.4]
HALVES = np.stack([np.tile([0.0] * 7 + [1.0] * 8, (15, 1)), np.ones((15, 15))])
LABELS = "item { id: 3 name: 'car' } item { id: 90 name: 'brush' }"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A folder with a frozen graph, a SavedModel of TF1 and a label map; always the same answer."""
    folder = tmp_path_factory.mktemp("toys") / "toy"
    api_graph.toy(folder, BOXES, CLASSES, SCORES, HALVES)
    (folder / "label_map.pbtxt").write_text(LABELS)
    graph_def = tf.compat.v1.GraphDef.FromString((folder / FROZEN).read_bytes())
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        tf.import_graph_def(graph_def, name="")
        outputs = {name: graph.get_tensor_by_name(f"{name}:0") for name in NAMES}
        image = {"inputs": graph.get_tensor_by_name("image_tensor:0")}
        tf.compat.v1.saved_model.simple_save(session, str(folder / "saved_model"), image, outputs)
    return folder


@pytest.mark.parametrize("name", ["", FROZEN, "saved_model", SAVED])
def test_a_toy_is_found_where_the_pencil_says(toy, name):
    lines = []
    detector = load_detector(str(toy / name), score_threshold=0.4, say=lines.append)
    assert detector.name == "toy" and detector.categories == {3: "car", 90: "brush"}
    assert len(lines) == 2 and "warm up" in lines[0] and "ready after" in lines[1]
    detections = detector(PICTURE)
    assert detections.names == ["car", "brush"] and detections.image_size == (40, 60)
    np.testing.assert_allclose(detections.scores, SCORES)
    np.testing.assert_allclose(detections.boxes, [[12, 10, 30, 20], [0, 0, 6, 4]], atol=1e-5)
    # Pixels of x stand at i * 60 / 59. The mask rises from 0 to 1 between cells 6 and 7 of 0..14,
    # so the object begins at 6.5 / 14 of the box: 12 + 18 * 6.5 / 14 = 20.36, pixel 21 (21.36).
    # It ends with the box: pixel 29 stands at 29.49. In y, i * 40 / 39: 10..19 (10.26..19.49).
    rows, columns = np.nonzero(detections.masks[0])
    assert (columns.min(), columns.max()) == (21, 29) and (rows.min(), rows.max()) == (10, 19)
    assert detections.masks[0].sum() == 9 * 10
    assert detections.masks[1].sum() == 4 * 6  # pixels 0..3 stand at 0..3.08; 0..5 at 0..5.08
    assert len(detector.with_threshold(0.5)(PICTURE)) == 1


def test_padding_is_never_found(toy):
    """Rows beyond num_detections: class 1, score 0, masks of .6."""
    detector = load_detector(str(toy), score_threshold=0.0, say=None)
    raw = detector.outputs(PICTURE)
    assert {name: value.shape for name, value in raw.items()} == {
        "num_detections": (1,), "detection_boxes": (1, 100, 4), "detection_scores": (1, 100),
        "detection_classes": (1, 100), "detection_masks": (1, 100, 15, 15),
    }  # fmt: skip
    assert (raw["detection_classes"][0, 2:] == 1).all() and raw["detection_masks"][
        0, 2:
    ].min() > 0.5
    assert len(detector(PICTURE)) == 2 and len(detector.candidates(PICTURE).boxes) == 2


def test_nothing_found(tmp_path):
    api_graph.toy(tmp_path / "none", np.zeros((0, 4)), [], [], np.zeros((0, 15, 15)))
    detections = load_detector(str(tmp_path / "none"), score_threshold=0.0, say=None)(PICTURE)
    assert len(detections) == 0 and detections.masks.shape == (0, 40, 60)


def test_an_id_without_a_name_is_called_by_its_number(toy, tmp_path):
    api_graph.toy(tmp_path / "bare", BOXES, CLASSES, SCORES, HALVES)
    detector = load_detector(str(tmp_path / "bare"), score_threshold=0.3, say=None)
    assert detector.categories == {} and detector(PICTURE).names == ["class 3", "class 90"]
    (tmp_path / "bare" / "label_map.pbtxt").write_text("item { id: 3 name: 'car' }")
    detector = load_detector(str(tmp_path / "bare"), score_threshold=0.3, say=None)
    assert detector(PICTURE).names == ["car", "class 90"] and detector.categories == {3: "car"}
    coco = tmp_path / "mask_rcnn_inception_v2_coco_2018_01_28"
    api_graph.toy(coco, BOXES, CLASSES, SCORES, HALVES)
    detector = load_detector(str(coco), say=None)
    assert detector(PICTURE).names == ["car"] and len(detector.categories) == 80
    (coco / "mine.pbtxt").write_text(LABELS)  # counts more
    assert load_detector(str(coco), say=None).categories == {3: "car", 90: "brush"}


def test_scores_are_sorted(tmp_path):
    api_graph.toy(tmp_path / "toy", BOXES, CLASSES, SCORES[::-1], HALVES)
    detections = load_detector(str(tmp_path / "toy"), score_threshold=0.3, say=None)(PICTURE)
    np.testing.assert_allclose(detections.scores, [0.9, 0.4])
    assert detections.labels.tolist() == [90, 3]


def test_a_model_of_boxes_alone_has_no_masks(toy, tmp_path):
    graph = tf.compat.v1.GraphDef.FromString((toy / FROZEN).read_bytes())
    keep = ["image_tensor", *graphs.OUTPUTS]
    graph = tf.compat.v1.graph_util.extract_sub_graph(graph, keep)
    (tmp_path / "boxes.pb").write_bytes(graph.SerializeToString())
    detections = load_detector(str(tmp_path / "boxes.pb"), say=None)(PICTURE)
    assert len(detections) == 1 and detections.masks is None


@pytest.mark.parametrize(
    "image, given",
    [
        (PICTURE / np.float32(255), r"float32 \(40, 60, 3\)"),
        (PICTURE[..., 0], r"uint8 \(40, 60\)"),
        (np.dstack([PICTURE, PICTURE[..., :1]]), r"uint8 \(40, 60, 4\)"),
        (PICTURE[None], r"uint8 \(1, 40, 60, 3\)"),
        (PICTURE[:0], r"uint8 \(0, 60, 3\)"),
    ],
)
def test_what_is_no_image_is_refused_at_the_door(toy, image, given):
    with pytest.raises(ValueError, match=f"an image must be RGB uint8 .* got {given}"):
        load_detector(str(toy), say=None)(image)


# --- beside the contract -----------------------------------------------------------------------

IN_PIXELS = [[10, 12, 20, 30], [0, 0, 4, 6]]  # BOXES in the picture of 40 x 60


def write_graph(folder, dtype=tf.uint8, name="image_tensor", shape=(1, None, None, 3), **outputs):
    """A frozen graph that gives constants, or what a function makes of the picture, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {
        "num_detections": [2.0], "detection_boxes": [BOXES], "detection_scores": [SCORES],
        "detection_classes": [CLASSES], "detection_masks": [HALVES],
    }  # fmt: skip
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(dtype, shape, name)
        for key, value in (rows | outputs).items():
            if value is not None:
                value = value(image) if callable(value) else tf.constant(np.float32(value))
                tf.identity(value, key)
    (folder / FROZEN).write_bytes(graph.as_graph_def().SerializeToString())
    return str(folder)


def test_boxes_in_pixels_of_the_picture(tmp_path):
    path = write_graph(tmp_path, detection_boxes=[IN_PIXELS])
    detections = load_detector(path, score_threshold=0.3, say=None)(PICTURE)
    np.testing.assert_allclose(detections.boxes, [[12, 10, 30, 20], [0, 0, 6, 4]])
    assert detections.masks.sum((1, 2)).tolist() == [90, 24]


@pytest.mark.parametrize("scale, offset", [((1.6, 1.6), (0, 0)), ((0.5, 2.0), (3, 1))])
def test_boxes_in_pixels_of_what_model_garden_made_of_the_picture(tmp_path, scale, offset):
    """official/vision/ops/preprocess_ops.py: sizes, desired sizes, scale and offset, each y, x."""
    info = [[[40, 60], [64, 96], scale, offset]]
    resized = np.multiply(IN_PIXELS, [*scale, *scale]) - [*offset, *offset]
    path = write_graph(tmp_path, detection_boxes=[resized], image_info=info)
    detections = load_detector(path, score_threshold=0.3, say=None)(PICTURE)
    np.testing.assert_allclose(detections.boxes, [[12, 10, 30, 20], [0, 0, 6, 4]], atol=1e-5)
    path = write_graph(tmp_path, image_info=info)  # it can also export boxes from 0 to 1
    detections = load_detector(path, score_threshold=0.3, say=None)(PICTURE)
    np.testing.assert_allclose(detections.boxes, [[12, 10, 30, 20], [0, 0, 6, 4]], atol=1e-5)


def test_masks_of_the_whole_picture(tmp_path):
    def bright(image):
        share = tf.cast(image[..., 0], tf.float32)[:, None] / 255
        return tf.tile(share, [1, 2, 1, 1])

    detector = load_detector(
        write_graph(tmp_path, detection_masks=bright), score_threshold=0.3, say=None
    )
    for picture in (PICTURE, PICTURE[:15, :15]):
        wanted = picture[..., 0] > 127
        np.testing.assert_array_equal(detector(picture).masks, [wanted] * 2)
    assert detector.candidates(PICTURE).is_whole


@pytest.mark.parametrize(
    "outputs, reason",
    [
        ({"detection_boxes": [[[0, 0, 900, 900]] * 2]}, "reach 900 pixels in a picture of 640"),
        ({"detection_masks": np.zeros((1, 2, 15, 20))}, "masks of 20 x 15 are neither of a box's"),
        ({"detection_masks": np.zeros((1, 2, 3, 15, 15))}, r"masks must be \(1, D, M, M\), it is"),
        ({"detection_boxes": BOXES}, r"detection_boxes must be \(1, D, 4\), it is \(2, 4\)"),
        ({"detection_scores": [[7.0, 2.0]]}, "scores do not lie between 0 and 1"),
        ({"dtype": tf.float32}, r"uint8: it takes image_tensor float32 .*export .*image_tensor.$"),
        ({"dtype": tf.string, "shape": [None], "name": "encoded_image_string_tensor"},
         "encoded_image_string_tensor string .*; export it with --input_type image_tensor.$"),
        ({"dtype": tf.string, "shape": [None], "name": "tf_example"}, "takes tf_example string"),
        ({"shape": (8, None, None, 3)}, "one picture of any size: .* with batch size 1"),
        ({"shape": (1, 300, 300, 3)}, r"\(1, 300, 300, 3\) and gives .* without a fixed size"),
        ({"detection_classes": None}, "no detection_classes: it takes image_tensor uint8 .*boxes"),
    ],
)  # fmt: skip
def test_other_contracts_are_refused_in_one_line(tmp_path, outputs, reason):
    with pytest.raises(InputError, match=rf"\.pb: .*{reason}") as caught:
        load_detector(write_graph(tmp_path, **outputs), say=None)
    assert "\n" not in str(caught.value)


def save(folder, names, **inputs):
    """A SavedModel of TF1 whose outputs, all zero, have these names; inputs: dtype."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tensors = {key: tf.compat.v1.placeholder(kind, [None]) for key, kind in inputs.items()}
        outputs = {name: tf.zeros([1]) for name in names}
        tf.compat.v1.saved_model.simple_save(session, str(folder), tensors, outputs)
    return str(folder)


@pytest.mark.parametrize(
    "names, inputs, reason",
    [
        (
            graphs.OUTPUTS,
            {"input": tf.string},
            r"takes input string .*--input_type image_tensor\)$",
        ),
        (
            ["probabilities"],
            {"x": tf.float32},
            r"no num_detections: it takes x float32 .* gives prob",
        ),
        (graphs.OUTPUTS, {"a": tf.uint8, "b": tf.uint8}, "must take a picture of uint8: it takes"),
    ],
)
def test_saved_models_of_other_contracts(tmp_path, names, inputs, reason):
    with pytest.raises(InputError, match=reason) as caught:
        load_detector(save(tmp_path / "saved_model", names, **inputs), say=None)
    assert "\n" not in str(caught.value)


# --- files that are no graphs ------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\0\0\0\0", "half"])
@pytest.mark.parametrize("name", [FROZEN, SAVED])
def test_damaged_graphs_are_named(toy, tmp_path, name, content):
    whole = (toy / name).read_bytes()
    (tmp_path / "saved_model").mkdir()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(InputError, match=r"\.pb: no usable Object Detection graph") as caught:
        load_detector(str(tmp_path), say=None)
    assert "\n" not in str(caught.value)


def test_a_graph_of_something_else_is_named(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.compat.v1.placeholder(tf.uint8, [None], "image_tensor")
    (tmp_path / FROZEN).write_bytes(graph.as_graph_def().SerializeToString())
    told = r"it has no num_detections: it takes image_tensor uint8 \(None,\) and gives nothing"
    with pytest.raises(InputError, match=told):
        load_detector(str(tmp_path), say=None)


def test_options_that_do_not_fit(toy):
    with pytest.raises(InputError, match="its resizer is not the zoo's"):
        load_detector(str(toy), sides=(400, 683), say=None)
    for options in ({"sides": (400, 683)}, {"bfloat16": True}):
        with pytest.raises(InputError, match="are for frozen graphs; this is a SavedModel"):
            load_detector(str(toy / "saved_model"), **options, say=None)
        with pytest.raises(ValueError, match="are for graphs; our models have fast=True"):
            load_detector("streets", **options)
    with pytest.raises(ValueError, match="fast=True is for our own models"):
        load_detector(str(toy), fast=True, say=None)


# --- in its full form --------------------------------------------------------------------------


PICTURES = [
    np.random.default_rng(5).integers(0, 256, (*size, 3), np.uint8)
    for size in ((120, 160), (64, 64), (300, 90))
]


def outputs_of_a_session(folder, images):
    """The outputs for each image, as TF1 computed them."""
    graph_def = tf.compat.v1.GraphDef.FromString((folder / FROZEN).read_bytes())
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(graph_def, name="")
        names = [f"{name}:0" for name in NAMES]
        return [session.run(names, {"image_tensor:0": image[None]}) for image in images]


def same(raw, wanted):
    for name, value in zip(NAMES, wanted, strict=True):
        np.testing.assert_array_equal(raw[name], value, err_msg=name)


@pytest.mark.slow
def test_10000_nodes_with_loops_of_tf1(tmp_path):
    """As large as the zoo's, for pictures of any size, bit by bit what a Session computes."""
    api_graph.build(tmp_path, width=0.1, num_proposals=20, sides=(96, 160))
    graph_def = tf.compat.v1.GraphDef.FromString((tmp_path / FROZEN).read_bytes())
    ops = {node.op for node in graph_def.node}
    assert len(graph_def.node) >= 10_000
    assert {"Enter", "Exit", "Switch", "Merge", "TensorArrayV3", "NextIteration"} <= ops
    detector = load_detector(str(tmp_path), score_threshold=0.0, say=None)
    for image, wanted in zip(PICTURES, outputs_of_a_session(tmp_path, PICTURES), strict=True):
        raw = detector.outputs(image)
        same(raw, wanted)
        detections, num = detector(image), int(raw["num_detections"][0])
        assert len(detections) == num > 0 and detections.masks.shape == (num, *image.shape[:2])
        assert raw["detection_masks"].shape == (1, 100, 15, 15)
        assert set(detections.labels.tolist()) <= set(range(1, 91))
    assert len(detector(np.zeros((100, 150, 3), np.uint8))) == 0


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The same with six classes, which loads sooner, and masks of 33 x 33; the outputs, too."""
    folder = tmp_path_factory.mktemp("real") / "small"
    more = dict(width=0.1, num_proposals=40, mask_size=33, formats=(FROZEN, SAVED))
    api_graph.build(folder, num_classes=6, **more)
    (wanted,) = outputs_of_a_session(folder, PICTURES[:1])
    assert wanted[0] > 0 and wanted[-1].shape == (1, 100, 33, 33)
    return folder, wanted


def outputs(path, **options):
    return load_detector(str(path), say=None, **options).outputs(PICTURES[0])


@pytest.mark.slow
def test_a_saved_model_of_tf1_gives_the_same(small):
    same(outputs(small[0] / "saved_model"), small[1])


@pytest.mark.slow
def test_smaller_inside(small):
    """Other limits, other numbers; the graph on disk stays as it was, and so do its outputs."""
    folder, wanted = small
    before = (folder / FROZEN).read_bytes()
    boxes = outputs(folder, sides=(400, 683))["detection_boxes"]
    assert np.abs(boxes - wanted[1]).max() > 0.01
    assert (folder / FROZEN).read_bytes() == before
    same(outputs(folder, sides=(800, 1365)), wanted)


@pytest.mark.slow
def test_16_bits_are_a_choice_of_one_detector(small):
    """It runs, nearly alike, and what is loaded afterwards still has 32 bits."""
    folder, wanted = small
    half = outputs(folder, bfloat16=True)
    assert abs(half["num_detections"] - wanted[0]) <= 0.3 * wanted[0]
    same(outputs(folder), wanted)


def test_a_picture_that_the_graph_refuses_is_named(tmp_path):
    """As the zoo's graphs refuse one of 20 x 2000 pixels: with an error of TensorFlow's."""
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.uint8, [None, None, None, 3], "image_tensor")
        nothing = tf.reduce_sum(tf.reshape(tf.cast(image, tf.float32), [-1, 64, 3]) * 0)
        for name, shape in zip(graphs.OUTPUTS, [(1,), (1, 9, 4), (1, 9), (1, 9)], strict=True):
            tf.add(tf.zeros(shape), nothing, name)
    (tmp_path / FROZEN).write_bytes(graph.as_graph_def().SerializeToString())
    detector = load_detector(str(tmp_path), say=None)
    assert len(detector(np.zeros((64, 2, 3), np.uint8))) == 0
    with pytest.raises(
        InputError, match=r"cannot take a picture of 5 x 3 pixels: .*shape"
    ) as caught:
        detector(np.zeros((3, 5, 3), np.uint8))
    assert "\n" not in str(caught.value)
