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

Each has the name of its reader in `helpers/annotations/readers`. To add a format, write such a file
and name it here: it becomes the kind valid_NAME of harden.
"""

from valid.formats import (
    coco,
    coco_panoptic,
    cvat,
    label_studio,
    labelme,
    labelme_xml,
    mask_folders,
    supervisely,
    via,
    via3,
    voc,
    voc_masks,
    yolo,
)

WRITERS = (
    coco, coco_panoptic, labelme, via3, via, label_studio, supervisely, yolo,
    cvat, labelme_xml, voc, voc_masks, mask_folders,
)  # fmt: skip
FORMATS = {writer.__name__.rpartition(".")[2]: writer for writer in WRITERS}
