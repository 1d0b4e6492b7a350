"""COCO panoptic: JSON with the segments of each picture, and a PNG whose colours are their ids."""

from helpers.annotations.png_masks import colour_numbers, rle_of
from helpers.annotations.readers.coco import categories_of, is_true, key_of, pictures_of
from helpers.annotations.records import Item, Left, dicts_in, guard

NAME = "COCO panoptic"


def recognises(content):
    rows = content.get("annotations") if isinstance(content, dict) else None
    return isinstance(rows, list) and any(
        isinstance(r, dict) and "segments_info" in r for r in rows
    )


def read(file, content, surroundings, report):
    names, ids = categories_of(content, report, set())
    things = _things(content, report)
    ids = {name: number for name, number in ids.items() if key_of(number) in things}
    pictures = pictures_of(file, content, ids, report)
    num_stuff = 0
    for row in dicts_in(content, "annotations", report):
        picture = pictures.get(key_of(row.get("image_id")))
        with guard(report, row.get("file_name"), picture and picture.name):
            if not picture or not picture.name:
                raise Left(f"belongs to image id {row.get('image_id')}, unknown or in doubt")
            numbers = colour_numbers(_png_of(file, row, surroundings))
            for segment in dicts_in(row, "segments_info", report, row["file_name"], picture.name):
                key = key_of(segment.get("category_id"))
                if key in names and key not in things:
                    num_stuff += 1
                    continue
                with guard(report, segment.get("id"), picture.name):
                    if names.get(key) is None:
                        raise Left(f"has category id {key}, unknown or in doubt")
                    picture.items.append(_item(names[key], segment, numbers))
    if num_stuff:
        report(f"holds {num_stuff} segments of stuff, as sky: these are no objects", fixed=True)
    return [picture for picture in pictures.values() if picture.name]


def _things(content, report):
    """Ids, as text, of the classes that have single objects."""
    rows = dicts_in(content, "categories", report)
    return {key_of(row.get("id")) for row in rows if is_true(row.get("isthing", 1))}


def _png_of(file, row, surroundings):
    """The PNG of a picture's segments: it lies in a folder that has the JSON's name."""
    name = str(row["file_name"])
    namesakes = surroundings.index.by_name.get(name.lower(), ())
    for path in [file.with_suffix("") / name, *namesakes]:
        if path.parent.name == file.stem and path.is_file():
            return path
    raise Left(f"has its segments in {file.stem}/{name}, which is missing")


def _item(label, segment, numbers):
    mask = numbers == int(segment["id"])
    claim = segment.get("bbox"), segment.get("area")
    is_crowd = is_true(segment.get("iscrowd"))
    return Item(segment["id"], label, [rle_of(mask)], is_crowd=is_crowd, claim=claim)
