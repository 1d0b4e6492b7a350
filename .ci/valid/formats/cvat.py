"""CVAT for images: polygons, boxes, and brush masks in rows for what has holes."""

from xml.sax.saxutils import quoteattr

from valid.formats.parts import box_of, cut_out, runs

CAN_TELL = {"folders", "holes", "nothing"}
PICTURES = "images"


def write(folder, photos, rng):
    lines = ["<annotations><version>1.1</version>"]
    for number, photo in enumerate(photos):
        height, width = photo.size
        name = quoteattr(photo.name)
        lines.append(f'<image id="{number}" name={name} width="{width}" height="{height}">')
        lines += [_shape(one) for one in photo.objects]
        lines.append("</image>")
    lines.append("</annotations>")
    (folder / "annotations.xml").write_text("\n".join(lines), encoding="utf-8")


def _shape(one):
    label = quoteattr(one.label)
    x1, y1, x2, y2 = box_of(one.mask)
    if len(one.rings) > 1:
        counts = ", ".join(map(str, runs(cut_out(one.mask).ravel())))
        return (
            f'<mask label={label} rle="{counts}" left="{x1}" top="{y1}" '
            f'width="{x2 - x1}" height="{y2 - y1}"/>'
        )
    if len(one.rings[0]) == 4:
        return f'<box label={label} xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}" rotation="0"/>'
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in one.rings[0])
    return f'<polygon label={label} points="{points}"/>'
