"""A button that takes a reader's photo."""

import os
import pathlib
import tempfile

from helpers.lessons.explorer import Explorer
from helpers.pictures import read_image
from helpers.structures import InputError


def explore_upload(look, image) -> Explorer:
    """A button that takes a photo from the reader's computer; before that, and in stills, `image`.

    Args:
        look: image (H, W, 3) uint8 RGB -> picture (H, W, 3) uint8 RGB, and a sentence about it.
        image: (H, W, 3) uint8 RGB, to begin with.

    Returns:
        An Explorer: `view(upload=())`. A file that is no picture is named in the line below.
    """

    def view(upload):
        if not upload:
            return look(image)
        name, content = _first_file(upload)
        picture, text = look(_read(name, content))
        return picture, f"{name}: {text}"

    button = {
        "accept": "image/*",
        "multiple": False,
        "description": "A photo of yours",
        "layout": {"width": "auto"},
    }
    return Explorer(view, [{"upload": ()}], {"upload": ("FileUpload", button)}, columns=1)


def _first_file(upload):
    """Name and bytes of the first file of a FileUpload's value."""
    if isinstance(upload, dict):  # ipywidgets 7: {name: {"metadata": ..., "content": ...}}
        file = next(iter(upload.values()))
        name = file["metadata"]["name"]
    else:
        file = upload[0]
        name = file["name"]
    return pathlib.PurePath(name).name, file["content"]


def _read(name, content):
    """A picture from the bytes of a file; errors name the file and no folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        path.write_bytes(content)
        try:
            return read_image(path)
        except InputError as error:
            message = str(error).removeprefix(f"{folder}{os.sep}")
            raise InputError(message) from None
