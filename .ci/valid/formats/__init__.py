"""A file for each format that is written, all of one form.

CAN_TELL                        what the format has words for, of the list below
PICTURES                        the folder of the pictures; "" is the data set's own
write(folder, photos, rng)      writes the annotations of `truth.Photo`s; the pictures are there

    folders     of pictures, below PICTURES
    holes       in objects
    crowds      regions with many objects
    exif        pictures that lie on their side
    nothing     pictures without objects
    words only  a class's name is a word, without blanks

Each has the name of its reader in `helpers/annotations/readers`, and is the kind valid_NAME of
harden.
"""

import importlib

from helpers.annotations.readers import FOLDERS, READERS

NAMES = [reader.__name__.rpartition(".")[2] for reader in (*READERS, *FOLDERS)]
FORMATS = {name: importlib.import_module(f"valid.formats.{name}") for name in NAMES}
