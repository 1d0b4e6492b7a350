"""The formulas of a notebook as small pictures: the pages of the site need no script for them."""

import base64
import html
import io
import re

# Code in backticks, which stays; a formula on lines of its own; one within a line.
PARTS = re.compile(r"(?s)```.*?```|`[^`\n]*`|\$\$(?P<block>.+?)\$\$|\$(?P<line>[^$\n]+)\$")
# What matplotlib calls otherwise, or has not: brackets grow by themselves.
NAMES = ((r"\\[Bb]ig\b ?", ""), (r"\\ge\b", r"\\geq"), (r"\\le\b", r"\\leq"))
INK = "<style>@media (prefers-color-scheme: dark) {g {fill: #ddd !important}}</style>"
SIZE = 12  # points


def drawn(source):
    """Markdown with a picture for each formula, its TeX as the words for who cannot see it.

    A formula that matplotlib cannot draw is shown as TeX.
    """

    def draw(match):
        tex = match["block"] or match["line"]
        if not tex:
            return match[0]
        tex = " ".join(tex.split())
        try:
            element = _picture(tex)
        except ValueError:
            element = f"<code>{html.escape(tex)}</code>"
        return f'<p align="center">{element}</p>' if match["block"] else element

    return PARTS.sub(draw, source)


def _picture(tex):
    """A formula as an element of a page; ValueError if it cannot be drawn."""
    from matplotlib import mathtext

    known = tex
    for name, other in NAMES:
        known = re.sub(name, other, known)
    file = io.BytesIO()
    depth = mathtext.math_to_image(f"${known}$", file, dpi=72, format="svg", prop=_font())
    svg = re.sub(r"(<svg[^>]*>)", rf"\1{INK}", file.getvalue().decode(), count=1)
    data = base64.b64encode(svg.encode()).decode()
    height = float(re.search(r'height="([\d.]+)pt"', svg)[1])
    style = f"height: {height / SIZE:.2f}em; vertical-align: {-depth / SIZE:.2f}em"
    words = html.escape(f"formula: {tex}", quote=True)
    source = f"data:image/svg+xml;base64,{data}"
    return f'<img class="formula" alt="{words}" style="{style}" src="{source}">'


def _font():
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=SIZE)
