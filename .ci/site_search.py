"""What the search of the site looks through: the sections of its pages."""

import html
import json
import re

HEADING = re.compile(r'(?s)<h([123])[^>]*? id="([^"]*)"[^>]*>(.*?)</h\1>')
MOST = 1500  # letters of a section


def plain(body):
    """The text of some HTML."""
    body = re.sub(r"(?s)<(script|style|svg|math|video)\b.*?</\1>", " ", body)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def headings(body):
    """The headings of a page: (level, id, text) each."""
    return [
        (int(level), place, plain(re.sub(r"(?s)<a class=\"anchor.*?</a>", "", words)))
        for level, place, words in HEADING.findall(body)
    ]


def sections(address, title, body):
    """The sections of a page: [address, page, heading, text] each."""
    found = []
    starts = [match.start() for match in HEADING.finditer(body)]
    parts = zip([0, *starts], [*starts, len(body)], strict=True)
    for begin, end in parts:
        part = body[begin:end]
        first = headings(part)[:1]
        _, place, words = first[0] if first else (1, "", title)
        text = plain(HEADING.sub("", part))[:MOST]
        if text:
            found.append([f"{address}#{place}" if place else address, title, words, text])
    return found


def script(found) -> bytes:
    """All sections as a script: a page may load one from the disk, where it may not fetch data."""
    data = json.dumps(found, ensure_ascii=False).replace("</", "<\\/")
    return f"const SECTIONS = {data};\n".encode()
