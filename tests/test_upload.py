"""The button that takes a reader's photo."""

import datetime
import io

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from helpers.lessons import explore_upload

GREY = np.full((30, 40, 3), 90, np.uint8)


def look(image):
    return image, f"{image.shape[1]} x {image.shape[0]} pixels"


def upload(name, content):
    changed = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    facts = {"name": name, "type": "image/png", "size": len(content), "last_modified": changed}
    return ({**facts, "content": content},)


@pytest.fixture
def photo():
    content = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 10, 10)).save(content, "PNG")
    return content.getvalue()


def test_before_and_after_a_photo(photo):
    explorer = explore_upload(look, GREY)
    assert explorer.widget is None and explorer.texts == ("40 x 30 pixels",)  # no kernel: a still
    picture, text = explorer.view(upload=upload("red.png", photo))
    assert text == "red.png: 8 x 6 pixels" and (picture == (200, 10, 10)).all()


def test_a_photo_as_ipywidgets_7_hands_it_over(photo):
    explorer = explore_upload(look, GREY)
    file = {"metadata": {"name": "red.png", "type": "image/png", "size": 9}, "content": photo}
    assert explorer.view(upload={"red.png": file})[1] == "red.png: 8 x 6 pixels"
    assert explorer.view(upload={})[1] == "40 x 30 pixels"


def test_the_button(photo, monkeypatch):
    monkeypatch.setattr("helpers.lessons.explorer.can_slide", lambda: True)
    explorer = explore_upload(look, GREY)
    button, words = explorer.controls["upload"], explorer._words
    assert isinstance(button, ipywidgets.FileUpload) and "40 x 30" in words.value
    before = explorer._picture.value
    button.value = upload("../../red.png", memoryview(photo))  # a name is never a path
    assert "red.png: 8 x 6 pixels" in words.value and explorer._picture.value != before
    button.value = upload("notes.jpg", b"Buy milk.")
    assert "This did not work. InputError: notes.jpg: " in words.value
    assert explorer._errors.outputs[0]["output_type"] == "error"
