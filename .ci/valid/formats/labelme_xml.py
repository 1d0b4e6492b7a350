"""The first LabelMe's XML beside each picture; without a polygon it might be any XML."""

CAN_TELL = set()
PICTURES = ""


def write(folder, photos, rng):
    for photo in photos:
        height, width = photo.size
        lines = [f"<annotation><filename>{photo.name}</filename>"]
        lines.append(f"<imagesize><nrows>{height}</nrows><ncols>{width}</ncols></imagesize>")
        lines += [_object(one) for one in photo.objects]
        lines.append("</annotation>")
        path = (folder / photo.name).with_suffix(".xml")
        path.write_text("\n".join(lines), encoding="utf-8")


def _object(one):
    points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in one.rings[0])
    name = f"<name>{one.label}</name>"
    return f"<object>{name}<deleted>0</deleted><polygon>{points}</polygon></object>"
