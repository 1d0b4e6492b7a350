"""COCO's JSON: https://cocodataset.org/#format-data.

Ids are compared as text: exports write "3" and 3.
"""

from helpers.annotations.records import Item, Left, Picture, dicts_in, guard, polygon

NAME = "COCO JSON"


def recognises(content):
    return isinstance(content, dict) and "annotations" in content and "images" in content


def read(file, content, surroundings, report):
    names, ids = _categories(content, report)
    pictures = _pictures(file, content, ids, report)
    used = set()  # ids of objects
    for row in dicts_in(content, "annotations", report):
        number, image_id = row.get("id"), row.get("image_id")
        picture = pictures.get(str(image_id))
        with guard(report, number, picture and picture.name):
            if not picture or not picture.name:
                raise Left(
                    f"belongs to image id {row.get('image_id')}, which is unknown or in doubt"
                )
            label = names.get(str(row.get("category_id")))
            if label is None:
                raise Left(f"has category id {row.get('category_id')}, unknown or in doubt")
            if row.get("iscrowd"):
                raise Left("is a crowd, no single object; left out", True)
            shape = row.get("segmentation")
            if isinstance(shape, list):
                shape = [polygon(part) for part in shape]
            note = "has the id of another object; both are kept" if str(number) in used else ""
            picture.items.append(Item(number, label, shape, note))
            used.add(str(number))
    return [picture for picture in pictures.values() if picture.name]


def _categories(content, report):
    """{id as text: name, or None if it has several}, and {name: id as it is}."""
    names, ids = {}, {}
    for row in dicts_in(content, "categories", report):
        key = str(row.get("id"))
        name = str(row.get("name") or f"class {key}").strip()
        if names.setdefault(key, name) != name:
            report(f"category id {key} stands for {names[key]!r} and for {name!r}")
            names[key] = None
        ids[name] = row.get("id")
    return names, ids


def _pictures(file, content, ids, report):
    """{id as text: Picture without objects}; a name of "" if the id has several."""
    pictures = {}
    for row in dicts_in(content, "images", report):
        key, name = str(row.get("id")), str(row.get("file_name"))
        new = Picture(file, name, (row.get("height"), row.get("width")), [], ids)
        first = pictures.setdefault(key, new)
        if first.name != name:
            report(f"image id {key} stands for {first.name or 'others'} and for {name}")
            pictures[key] = new._replace(name="")
    return pictures
