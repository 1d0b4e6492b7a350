"""A file for each kind of annotations, all of one form.

NAME                                        what people call the format
recognises(content)                         whether a file's content is of this kind
read(file, content, surroundings, report)   -> list of `records.Picture`

`content` is parsed JSON or YAML, or the root of an XML tree; `surroundings` knows the pictures near
the file. To add a format, write such a file and put it into READERS: the first that recognises a
content reads it. FOLDERS read what has no annotation file at all, from `surroundings` alone.

No kept library reads these formats and says what is wrong with an object: supervision and globox
read boxes or skip in silence, datumaro and label-studio-sdk bring a hundred packages, labelme Qt.
"""

from helpers.annotations.readers import (
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

READERS = (
    coco_panoptic, coco, labelme, via3, via, label_studio, supervisely, yolo,
    cvat, labelme_xml, voc,
)  # fmt: skip
FOLDERS = (voc_masks, mask_folders)
KNOWN = ", ".join(reader.NAME for reader in (*READERS, *FOLDERS))
