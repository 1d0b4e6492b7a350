"""COCO's JSON: https://cocodataset.org/#format-data.

Ids are compared as text: exports write "3", 3 and 3.0.
"""

from helpers.annotations.records import Item, Left, Picture, dicts_in, guard, polygon, rectangle

NAME = "COCO JSON"
MANY = 0.5  # share of crowds from which on a tool must have marked them, not a human


def recognises(content):
    return isinstance(content, dict) and "annotations" in content and "images" in content


def read(file, content, surroundings, report):
    rows = dicts_in(content, "annotations", report)
    if rows and all("caption" in row for row in rows):
        raise Left("holds captions, no outlines: it is not read", True)
    names, ids = categories_of(content, report, {key_of(row.get("category_id")) for row in rows})
    pictures = pictures_of(file, content, ids, report)
    doubt = _doubt(rows)
    used = set()  # ids of objects
    for place, row in enumerate(rows, 1):
        number = f"no. {place}" if row.get("id") is None else row["id"]
        picture = pictures.get(key_of(row.get("image_id")))
        with guard(report, number, picture and picture.name):
            if not picture or not picture.name:
                raise Left(
                    f"belongs to image id {row.get('image_id')}, which is unknown or in doubt"
                )
            label = names.get(key_of(row.get("category_id")))
            if label is None:
                raise Left(f"has category id {row.get('category_id')}, unknown or in doubt")
            item = _item(number, label, row, doubt)
            note = "has the id of another object; both are kept" if str(number) in used else ""
            picture.items.append(item._replace(note=note))
            used.add(str(number))
    return [picture for picture in pictures.values() if picture.name]


def _item(number, label, row, doubt):
    shape = row.get("segmentation")
    box = row.get("bbox")
    is_crowd = is_true(row.get("iscrowd"))
    if isinstance(shape, dict):
        parts = [shape]
    else:
        parts = [polygon(part) for part in shape or ()]
    if is_crowd and not parts and box:  # a region may be rough
        x, y, width, height = box
        parts, _ = rectangle(x, y, x + width, y + height)
    doubt = doubt if is_crowd and isinstance(shape, dict) else ""
    claim = box, row.get("area")
    return Item(number, label, parts, is_crowd=is_crowd, doubt=doubt, claim=claim)


def _doubt(rows):
    """What to say of crowds that may be none, as CVAT writes all its brush masks; "" if sure."""
    masks = [row for row in rows if isinstance(row.get("segmentation"), dict)]
    crowds = [row for row in masks if is_true(row.get("iscrowd"))]
    is_by_tool = len(crowds) > MANY * len(rows) or any("attributes" in row for row in crowds)
    if not crowds or len(crowds) < len(masks) or not is_by_tool:
        return ""
    return "is marked as a crowd, as CVAT marks every brush mask"


def is_true(value):
    """Is it a yes: 1, true, "1"?"""
    return str(value).strip().lower() in ("1", "1.0", "true")


def key_of(number):
    """An id as text: "3" of 3, 3.0 and "3"."""
    is_whole = isinstance(number, float) and number.is_integer()
    return str(int(number) if is_whole else number).strip()


def categories_of(content, report, used):
    """What the classes are called.

    Args:
        content: parsed JSON.
        report: see `records`.
        used: the ids, as `key_of` gives them, of all objects.

    Returns:
        {id as text: name, or None if it has several}, and {name: id as it is}. A class without an
        object that only stands above the others, or for the background, is in neither.
    """
    names, ids = {}, {}
    rows = dicts_in(content, "categories", report)
    above = {str(row.get("supercategory")) for row in rows}
    for row in rows:
        key = key_of(row.get("id"))
        name = str(row.get("name") or f"class {key}").strip()
        is_root = name in above and str(row.get("supercategory")).lower() in ("none", "", "null")
        if key not in used and (is_root or name == "_background_"):
            report(f"class {name!r} has no object and is no class: it is not used", fixed=True)
            continue
        if names.setdefault(key, name) != name:
            report(f"category id {key} stands for {names[key]!r} and for {name!r}")
            names[key] = None
        ids[name] = row.get("id")
    return names, ids


def pictures_of(file, content, ids, report):
    """{id as text: Picture without objects}; a name of "" if the id has several."""
    pictures = {}
    for row in dicts_in(content, "images", report):
        key = key_of(row.get("id"))
        name = str(row.get("file_name"))
        new = Picture(file, name, (row.get("height"), row.get("width")), [], ids)
        first = pictures.setdefault(key, new)
        if first.name != name:
            report(f"image id {key} stands for {first.name or 'others'} and for {name}")
            pictures[key] = new._replace(name="")
    return pictures
