"""Valid files whose truth is known, in each format that is read: for `harden.py`.

Pictures, classes and objects are drawn by chance (`truth.py`); a writer of ours, which shares no
code with the readers, puts them into a format as its documentation has it (`formats/`); they are
read back and compared, object by object (`reading_back.py`). Label maps and graphs are no data
sets: `label_map.py` and `api_graph.py` write, read and compare for themselves.
"""

from valid import api_graph, label_map
from valid.formats import FORMATS
from valid.reading_back import compare
from valid.truth import draw_photos, save_photos

OTHERS = {"label_map": label_map.check, "api_graph": api_graph.check}
NAMES = (*FORMATS, *OTHERS)


def check(name, rng, folder):
    """Write a format into an empty folder, read it back, compare: an AssertionError if it fails."""
    if name in OTHERS:
        return OTHERS[name](rng, folder)
    from helpers.annotations import read_dataset

    photos = write(FORMATS[name], rng, folder)
    if any(photo.objects for photo in photos):  # without any, there is nothing to know it by
        compare(photos, read_dataset(folder))


def write(form, rng, folder):
    """Draw photos that a format can tell of, write them and it; gives those to be found again."""
    photos = draw_photos(rng, form.CAN_TELL)
    save_photos(folder / form.PICTURES, photos, rng, form.CAN_TELL)
    form.write(folder, photos, rng)
    if "nothing" in form.CAN_TELL:
        return photos
    return [photo for photo in photos if photo.objects]
