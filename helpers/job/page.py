"""index.html: what was found, before and after, for any browser and without a network."""

import dataclasses
import html
import string
from urllib.parse import quote

import cv2

from helpers import DATA
from helpers.pictures import save_image

TEMPLATE = DATA / "page.html"
PREVIEW = 1200  # pixels of the longer side of a picture on the page
MAX_PROBLEMS = 50  # that the page lists


@dataclasses.dataclass
class Entry:
    """One result, as the page tells of it; pictures beyond the first many have no previews.

    Attributes:
        name: of the file in the folder of results.
        text: what was found.
        is_video: whether it is a video.
        before, after, poster: addresses of previews, relative to the page; None where there is no
            such one.
    """

    name: str
    text: str
    is_video: bool = False
    before: str | None = None
    after: str | None = None
    poster: str | None = None


def make_page(entries, summary, detector, problems) -> str:
    """The page as HTML.

    Args:
        entries: list of Entry.
        summary: a line on all pictures, which may be "".
        detector: the model at work.
        problems: lines on what went wrong.
    """
    videos = [_video(entry) for entry in entries if entry.is_video]
    pictures = [_picture(entry) for entry in entries if entry.before]
    num_more = len(entries) - len(videos) - len(pictures)
    return string.Template(TEMPLATE.read_text("utf-8")).substitute(
        model=_text(detector.name),
        score=f"{detector.score_threshold:g}",
        note=_text(detector.card.get("note") or ""),
        failed="".join(f"<li>{_text(line)}</li>" for line in problems[:MAX_PROBLEMS]),
        summary=_text(summary),
        videos=_section("Videos", videos),
        pictures=_section("Pictures, before and after", pictures),
        more=f"{num_more} more pictures are in this folder." if num_more else "",
    )


def save_preview(out, name, image) -> str:
    """Save a small copy for the page; returns its address there, relative."""
    height, width = image.shape[:2]
    shrink = PREVIEW / max(height, width)
    if shrink < 1:
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    save_image(out / "page" / name, image)
    return quote(f"page/{name}")


def _section(title, figures) -> str:
    if not figures:
        return ""
    return "\n".join([f"<h2>{title}</h2>", *figures])


def _video(entry) -> str:
    return (
        f'<figure><video controls playsinline preload="metadata" src="{quote(entry.name)}" '
        f'poster="{entry.poster}"></video>{_caption(entry)}</figure>'
    )


def _picture(entry) -> str:
    name, found = _text(entry.name), _text(entry.text)
    return (
        f'<figure><div><img loading="lazy" src="{entry.before}" alt="{name} as it was">'
        f'<a href="{quote(entry.name)}"><img loading="lazy" src="{entry.after}" '
        f'alt="{name} with its objects drawn: {found}"></a></div>{_caption(entry)}</figure>'
    )


def _caption(entry) -> str:
    link = f'<a href="{quote(entry.name)}">{_text(entry.name)}</a>'
    return f"<figcaption>{link} · {_text(entry.text)}</figcaption>"


def _text(plain) -> str:
    """Plain text as HTML; a number stays with what it counts."""
    return html.escape(plain).replace(" × ", "&nbsp;×&nbsp;")
