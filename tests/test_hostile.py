"""Whatever a file holds, it is read or refused in a line; masks come back as they were."""

import json
import pathlib
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as rle

from helpers.annotations import read_dataset
from helpers.models.cards import read_card
from helpers.models.label_maps import read_label_map
from helpers.pictures import read_image
from helpers.structures import Detections, InputError

WORDS = "images annotations categories id name file_name segmentation bbox shapes points".split()
WORDS += "label imagePath regions config size counts".split()
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
KEYS = st.sampled_from(WORDS) | st.text(max_size=5)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
often = settings(max_examples=80, deadline=None, derandomize=True)


def read_or_refused(read, name, content):
    """The reader's answer for a file of this name, or None if it refused it in a line."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        path.write_bytes(content)
        try:
            return read(path)
        except InputError as error:
            assert "\n" not in str(error) and len(str(error)) < 900
            return None


@often
@given(st.binary(max_size=400))
def test_any_bytes_as_a_label_map(content):
    found = read_or_refused(read_label_map, "map.pbtxt", content)
    assert found is None or all(isinstance(key, int) for key in found)


@often
@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\0"]),
    st.binary(),
)
def test_any_bytes_as_a_picture(magic, content):
    image = read_or_refused(read_image, "a.png", magic + content)
    assert image is None or image.dtype == np.uint8


@pytest.mark.parametrize("read", [read_dataset, read_card])
@often
@given(TREES)
def test_any_tree_as_annotations_or_card(read, tree):
    read_or_refused(read, "a.json", json.dumps(tree).encode())


@often
@given(arrays(bool, st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 9))))
def test_masks_come_back_from_coco(masks):
    count, *size = masks.shape
    one = Detections(np.zeros((count, 4)), [1] * count, [0.5] * count, size, {1: "nut"}, masks)
    again = [rle.decode(row["segmentation"]) for row in one.to_coco(7)]
    np.testing.assert_array_equal(np.reshape(again, masks.shape), masks)
