"""Pictures that lie inside an annotation file, as labelme stores them."""

import base64
import io
import json

from helpers.annotations.texts import text_of
from helpers.pictures import read_image
from helpers.structures import InputError

KEY = "imageData"


def has_picture(content):
    """Does the parsed JSON hold a picture?"""
    return isinstance(content, dict) and isinstance(content.get(KEY), str) and len(content[KEY]) > 0


def opened(path):
    """What Pillow can open: the path of a picture, or the bytes of the one inside a JSON file.

    Raises:
        InputError: the JSON file has changed, and holds no picture any more.
    """
    if path.suffix.lower() != ".json":
        return path
    content = json.loads(text_of(path))
    if not has_picture(content):
        raise InputError(f"{path}: holds no picture any more; read the annotations again")
    return io.BytesIO(base64.b64decode(content[KEY]))


def read_picture(path):
    """A picture (H, W, 3) uint8, upright, from its file or from inside a JSON file.

    Raises:
        InputError: it is missing or damaged.
    """
    source = opened(path)
    return read_image(path, None if source is path else source)
