"""A video on the page: its tracks in a table, and how many of them cross a line that one moves."""

import html
import json
from urllib.parse import quote

import cv2
import numpy as np

from helpers.job.page import as_html

COLUMNS = ("track", "class", "frames", "seconds", "mean area")
MOST_TRACKS = 500  # in the table on the page; the file beside the video holds them all
TOLERANCE = 1.0  # pixels of the video that a path on the page may lie beside the true one
FIRST_LINE = (0.5, 0.85, 0.5, 0.05)  # x1 y1 x2 y2, shares of the sides


def video_figure(entry, poster, size, history, line=FIRST_LINE) -> str:
    """A video and its tracks as HTML.

    Args:
        entry: Entry.
        poster: address of its first frame.
        size: (height, width), pixels.
        history: History of the whole video.
        line: that is shown first; x1, y1, x2, y2, shares of the sides.
    """
    height, width = size
    x1, y1, x2, y2 = _in_pixels(line, size)
    ends = f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"'
    radius = max(width, height) / 90
    source, text = html.escape(entry.source), as_html(entry.text)
    return f"""<figure class="video counting">
<figcaption><h3>{source}</h3> <span class="soft">{text}</span>
<a href="{quote(entry.name)}">{html.escape(entry.name)}</a>
<a href="{quote(tracks_file(entry.name))}" download>tracks (CSV)</a></figcaption>
<div><div class="sheet"><video controls playsinline preload="metadata" src="{quote(entry.name)}"
poster="{poster}"></video>
<svg viewBox="0 0 {width} {height}"><line class="line" {ends}/>
<text font-size="{2 * radius:.0f}">A</text><text font-size="{2 * radius:.0f}">B</text>
<circle cx="{x1}" cy="{y1}" r="{radius:.0f}" tabindex="0" role="button"
aria-label="beginning of the line"/>
<circle cx="{x2}" cy="{y2}" r="{radius:.0f}" tabindex="0" role="button"
aria-label="end of the line"/></svg></div>
<p>Across the line, which you can move: <strong class="crossings" role="status">{
        html.escape(crossed(history, size, line))
    }</strong></p></div>
<div>{_table(history)}</div>
<script type="application/json">{_paths(history)}</script></figure>"""


def tracks_file(name) -> str:
    """The name of the table of a video's tracks."""
    return f"{name}.tracks.csv"


def crossed(history, size, line) -> str:
    """How many objects crossed a line, and to which side, as page.js says it, too.

    Args:
        history, size, line: see `video_figure`.
    """
    ends = _in_pixels(line, size)
    texts = []
    for (name, side), count in sorted(history.crossings(ends[:2], ends[2:]).items()):
        ways = {"left": "B to A", "right": "A to B"}
        texts.append(f"{count}\u00a0× {name} from {ways[side]}")
    return ", ".join(texts) or "nothing crosses the line"


def _in_pixels(line, size):
    """The ends of a line of shares, on a picture of that size."""
    height, width = size
    return np.multiply(line, (width, height, width, height)).round(1).tolist()


def _table(history) -> str:
    """The tracks: how long each was seen, and how large it was."""
    rows = []
    for row in history.table()[:MOST_TRACKS]:
        name = html.escape(row["name"])
        seen = f"{row['first_seconds']:.1f} to {row['last_seconds']:.1f}"
        rows.append(
            f'<tr data-score="1" data-name="{name}">'
            f"<td>#{row['id']}</td><td>{name}</td><td>{row['frames']}</td>"
            f"<td>{seen}</td><td>{row['mean_area']:,.0f}</td></tr>\n"
        )
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _paths(history) -> str:
    """The way of each track as JSON, less the places that lie between others."""
    tracks = []
    for track_id, places in history.paths.items():
        points = np.float32([(place.x, place.y) for place in places])
        points = cv2.approxPolyDP(points[:, None], TOLERANCE, False)[:, 0]
        path = [[round(x, 1), round(y, 1)] for x, y in points.tolist()]
        tracks.append({"name": history.names[track_id], "path": path})
    return json.dumps(tracks).replace("<", "\\u003c")
