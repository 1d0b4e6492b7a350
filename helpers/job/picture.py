"""A picture on the page: before and after, each object to hide, to pick and to look into."""

import html
from urllib.parse import quote

from helpers.drawing import INK, PAPER, color_of, contrast
from helpers.job.outline import outline
from helpers.job.page import as_html
from helpers.structures import percent

LOW, HIGH = 0.06, 0.7  # shares of the picture: labels turn inwards nearer to its top and right edge


def picture_figure(entry, key, preview, size, detections, crops=(), xrays=()) -> str:
    """A picture and its objects as HTML, which shows all of them where no script runs.

    Args:
        entry: Entry.
        key: id on the page, such as "p3".
        preview: address of the picture as it was.
        size: (height, width) of this preview, pixels.
        detections: of the picture.
        crops: addresses of the objects cut out, None where there is none; may be empty.
        xrays: HTML of an X-ray each; may be empty.
    """
    marks, tags, rows = [], [], []
    for i in range(len(detections)):
        mark = _Object(detections, i, size)
        marks.append(mark.drawn(key))
        tags.append(mark.tag())
        crop = crops[i] if crops else None
        rows.append(mark.row(crop, f"{key}-{i + 1}" if xrays else None))
    height, width = size
    source, text = html.escape(entry.source), as_html(entry.text)
    return f"""<figure class="picture" id="{key}">
<figcaption><h3>{source}</h3> <span class="soft">{text}</span>
<a href="{quote(entry.name)}">drawn, in full size</a></figcaption>
<div><div class="stage" tabindex="0" role="region" aria-label="{source}"><div class="sheet">
<img loading="lazy" width="{width}" height="{height}" src="{preview}" alt="{source}: {text}">
<div class="after"><svg viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(marks)}</svg>
{"".join(tags)}</div></div></div>
<div class="tools" hidden><label>before <input type="range" name="wipe"
value="0" autocomplete="off"> after</label>
<button type="button" data-zoom-by="0.6667" aria-label="smaller">−</button>
<button type="button" data-zoom-by="1.5" aria-label="larger">+</button>
<button type="button" data-zoom-by="0" aria-label="whole">whole</button></div></div>
<ol class="objects">{"".join(rows)}</ol>
{"".join(xrays)}</figure>"""


class _Object:
    """Object number `i` + 1 of some detections: on the picture, and in the list beside it."""

    def __init__(self, detections, i, size):
        self.number = i + 1
        self.name = detections.names[i]
        self.score = percent(detections.scores[i])
        self.height, self.width = size
        full_height, full_width = detections.image_size
        x_scale, y_scale = self.width / full_width, self.height / full_height
        x1, y1, x2, y2 = detections.boxes[i].tolist()
        self.box = (x1 * x_scale, y1 * y_scale, x2 * x_scale, y2 * y_scale)
        if detections.masks is None:
            self.path = ""
            self.area = round((x2 - x1) * (y2 - y1))
        else:
            self.path = outline(detections.masks[i], self.width, self.height)
            self.area = int(detections.masks[i].sum())
        color = color_of(i)
        on = max(INK, PAPER, key=lambda tone: contrast(color, tone))
        self.colors = f"--color: {_hex(color)}; --on: {_hex(on)}"
        self.data = (
            f'data-number="{self.number}" data-name="{html.escape(self.name)}" '
            f'data-score="{detections.scores[i]:.5f}"'
        )

    def drawn(self, key) -> str:
        """The mask and the box in the picture."""
        x1, y1, x2, y2 = self.box
        frame = f'x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}"'
        path = f"m-{key}-{self.number}"
        return (
            f'<g {self.data} style="{self.colors}"><title>{html.escape(self.name)}</title>'
            f'<use class="halo" href="#{path}"/><path class="mask" id="{path}" d="{self.path}"/>'
            f'<rect class="frame" {frame}/></g>\n'
        )

    def tag(self) -> str:
        """The label at the box: its number in the list, and the score."""
        x1, y1, x2, _ = self.box
        side = f"left: {100 * x1 / self.width:.1f}%"
        if x1 > HIGH * self.width:
            side = f"right: {100 - 100 * x2 / self.width:.1f}%"
        kind = "tag above" if y1 > LOW * self.height else "tag"
        place = f"{side}; top: {100 * y1 / self.height:.1f}%; {self.colors}"
        text = f"#{self.number} · {self.score}"
        return f'<span class="{kind}" {self.data} style="{place}">{text}</span>\n'

    def row(self, crop, xray) -> str:
        """The line of the list, with links to the cut-out and to the X-ray where there are such."""
        links = ""
        if crop:
            links += f'<a href="{crop}">cut out</a>'
        if xray:
            links += f'<button type="button" popovertarget="{xray}">X-ray</button>'
        return (
            f'<li {self.data}><button type="button" class="pick" style="{self.colors}">'
            f"<strong>#{self.number}</strong><span>{html.escape(self.name)} "
            f"<small>{self.area:,} pixels</small></span>{self.score}</button>{links}</li>\n"
        )


def _hex(color):
    """A colour (r, g, b) as HTML writes it."""
    return "#" + "".join(f"{channel:02x}" for channel in color)
