"""A file for each kind of annotations, all of one form.

NAME                                        what people call the format
recognises(content)                         whether a file's content is of this kind
read(file, content, surroundings, report)   -> list of `records.Picture`

`content` is parsed JSON or the root of an XML tree, `surroundings` knows the pictures near the
file. To add a format, write such a file and put it into READERS: the first that recognises a
content reads it. `mask_folders` reads what has no annotation file at all.
"""

from helpers.annotations.readers import coco, labelme, mask_folders, via, voc

READERS = (coco, labelme, via, voc)
KNOWN = ", ".join(reader.NAME for reader in (*READERS, mask_folders))
