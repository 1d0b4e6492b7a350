"""index.html: what was found, to filter and look into, in any browser, without a network."""

import dataclasses
import html
import string
from collections import Counter
from urllib.parse import quote

import cv2

from helpers import DATA
from helpers.pictures import save_image
from helpers.structures import percent

PARTS = DATA / "page"  # page.html, and the style and the script that it gets
PREVIEW = 1600  # pixels of the longer side of a picture on the page
MAX_PROBLEMS = 50  # that the page lists


@dataclasses.dataclass
class Entry:
    """One result, as the page tells of it; pictures beyond the first many have no figure.

    Attributes:
        name: of the file in the folder of results.
        source: the name of the picture or video that it came from.
        text: what was found.
        is_video: whether it is a video.
        figure: HTML, "" where the page does not show it.
    """

    name: str
    source: str
    text: str
    is_video: bool = False
    figure: str = ""


def make_page(entries, summary, counts, detector, problems, downloads="") -> str:
    """The page as HTML.

    Args:
        entries: list of Entry.
        summary: a line on all pictures, which may be "".
        counts: {name: number} of the objects in all pictures.
        detector: the model at work.
        problems: lines on what went wrong.
        downloads: HTML on more files than results.json and results.csv.
    """
    videos = [entry.figure for entry in entries if entry.is_video]
    pictures = [entry.figure for entry in entries if entry.figure and not entry.is_video]
    num_more = len(entries) - len(videos) - len(pictures)
    parts = {path.suffix: path.read_text("utf-8") for path in PARTS.glob("page.*")}
    floor = percent(detector.score_threshold)
    return string.Template(parts[".html"]).substitute(
        style=parts[".css"],
        script=parts[".js"],
        model=as_html(detector.name),
        score=floor,
        least=floor,
        floor=int(floor[:-2]),
        note=as_html(detector.card.get("note") or ""),
        failed="".join(f"<li>{as_html(line)}</li>" for line in problems[:MAX_PROBLEMS]),
        summary=as_html(summary),
        classes="".join(map(_class_box, Counter(counts).most_common())),
        downloads=downloads,
        videos=_section("Videos", videos),
        pictures=_section("Pictures", pictures),
        more=f"{num_more} more pictures are in this folder." if num_more else "",
    )


def save_preview(out, name, image, quality=90):
    """Save a small copy for the page; returns its address there, and its (height, width)."""
    height, width = image.shape[:2]
    shrink = PREVIEW / max(height, width)
    if shrink < 1:
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    save_image(out / "page" / name, image, quality)
    return quote(f"page/{name}"), image.shape[:2]


def _section(title, figures) -> str:
    if not figures:
        return ""
    return "\n".join([f"<h2>{title}</h2>", *figures])


def _class_box(counted) -> str:
    """A box to check for a class (name, number of its objects)."""
    name, count = counted
    return (
        f'<label><input type="checkbox" checked value="{html.escape(name)}"> '
        f"{html.escape(name)} <small>{count}</small></label> "
    )


def as_html(plain) -> str:
    """Plain text as HTML; a number stays with what it counts."""
    return html.escape(plain).replace(" × ", "&nbsp;×&nbsp;")
