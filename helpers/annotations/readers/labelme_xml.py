"""The XML of the old LabelMe, of the web: polygons of each picture."""

from helpers.annotations.records import Item, Left, Picture, guard, polygon

NAME = "LabelMe XML"


def recognises(content):
    return hasattr(content, "findall") and content.find("object/polygon/pt") is not None


def read(file, content, surroundings, report):
    rows, columns = (content.findtext(f"imagesize/{side}") for side in ("nrows", "ncols"))
    size = (int(rows), int(columns)) if rows and columns else ()
    name = (content.findtext("filename") or file.stem).strip()
    picture = Picture(file, name, size, [], has_own_file=True)
    for number, row in enumerate(content.findall("object"), 1):
        with guard(report, number, picture.name):
            if (row.findtext("deleted") or "0").strip() == "1":
                raise Left("is deleted; left out", True)
            points = [[pt.findtext("x"), pt.findtext("y")] for pt in row.findall("polygon/pt")]
            shape = [polygon(points)] if points else None
            label = (row.findtext("name") or "").strip()
            if not label:
                raise Left("has no name")
            picture.items.append(Item(number, label, shape))
    return [picture]
