"""What is known of models, as text for a terminal: a table of all, a page on one."""

import shutil
import textwrap

WIDTH = 100  # characters, at most
TITLE = 13  # characters of a field's title and the gap behind it
# Fields of a card that are told as they are, in this order, and what they are called.
PLAIN = {
    "about": "what",
    "note": "note",
    "categories": "knows",
    "input": "input",
    "accuracy": "accuracy",
    "limits": "limits",
    "data": "learnt from",
    "parts": "parts",
    "recipe": "recipe",
    "paper": "paper",
    "format": "format",
    "size": "size",
    "url": "from",
    "no_mirror": "no mirror",
    "digest": "digest",
    "date": "date",
    "licence": "licence",
    "place": "where",
}


def table(rows) -> str:
    """Rows of equal keys under headings, columns as wide as need be; numbers stand at the right.

    Args:
        rows: list of dicts; at least one. None is shown as "–".
    """
    heads = list(rows[0])
    texts = [["–" if row[head] is None else str(row[head]) for head in heads] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *texts, strict=True)]
    is_number = [any(isinstance(row[head], int | float) for row in rows) for head in heads]
    lines = []
    for cells in [heads, ["-" * width for width in widths], *texts]:
        parts = []
        for cell, width, at_right in zip(cells, widths, is_number, strict=True):
            parts.append(cell.rjust(width) if at_right else cell.ljust(width))
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def describe(card) -> str:
    """A model's card as a page: its name, and a paragraph for each fact that is known.

    Args:
        card: as it is stored; "place", where it lies, may be added.
    """
    known = card | _told(card)
    width = min(WIDTH, shutil.get_terminal_size().columns) - TITLE
    lines = [card["name"]]
    for field, title in PLAIN.items():
        if known.get(field):
            inner = "\n".join(_wrapped(text, width) for text in _paragraphs(known[field]))
            lines.append(title.ljust(TITLE) + textwrap.indent(inner, " " * TITLE).lstrip())
    return "\n".join(lines)


def _wrapped(text, width):
    """A text in lines; behind a dash they are indented, and addresses stay whole."""
    return textwrap.fill(
        text,
        width,
        subsequent_indent="  " if text.startswith("- ") else "",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _paragraphs(value):
    """A field's texts: one, or one for each part of it."""
    if isinstance(value, dict):
        return [f"{key}: {text}" for key, text in value.items()]
    if isinstance(value, list):
        return [f"- {text}" for text in value]
    return [str(value)]


def _told(card):
    """Fields whose stored form is not to be read."""
    told = {}
    categories = card.get("categories")
    if isinstance(categories, dict):
        names = list(categories.values())
        told["categories"] = f"{len(names)} classes: {', '.join(names)}"
    elif categories == "coco":
        told["categories"] = "COCO's 80 classes"
    size = card.get("image_size") or card.get("config", {}).get("image_size")
    if size:
        told["input"] = f"{size[0]} x {size[1]} pixels"
    if card.get("held_out"):
        told["accuracy"] = _accuracy(card["held_out"])
    elif card.get("published"):
        told["accuracy"] = card["published"]
    if card.get("bytes"):
        told["size"] = f"{card['bytes'] / 1e6:,.0f} MB to fetch"
    return told


def _accuracy(held_out):
    """AP on pictures that it never saw, of masks and of boxes."""
    parts = []
    for kind in ("mask", "box"):
        for name in ("AP", "AP50", "AP75"):
            if name in held_out.get(kind, {}):
                parts.append(f"{kind} {name} {held_out[kind][name]:.3f}")
    return f"on pictures it never saw: {', '.join(parts)}"
