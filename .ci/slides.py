"""Slides for the talks of docs/teaching.md, made from the notebooks as they are stored.

python3 run.py notebooks --slides FOLDER

docs/slides.json says which cells' results are shown, in which order, and what the speaker may say.
Each talk becomes FOLDER/NAME.slides.html, a page that needs no network: arrow keys turn the slides,
S opens the notes in a window of their own, which also hold what the notebook says before that cell.
"""

import html
import json
import shutil
import string
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent


class Slide(NamedTuple):
    """A slide.

    Attributes:
        title: Markdown, with its heading's mark.
        shown: a cell of nbformat, or None.
        notes: Markdown, what the speaker may say.
    """

    title: str
    shown: object = None
    notes: str = ""


def talk(plan):
    """The slides of a talk.

    Args:
        plan: {"title", "slides": list of {"book", "title", "notes", and "cell" or "picture" and
            "alt"}, "end"}.

    Returns:
        A list of `Slide`.

    Raises:
        ValueError: a notebook has no such cell, or the cell shows nothing.
    """
    slides = [Slide(f"# {plan['title']}")]
    for slide in plan["slides"]:
        notes = slide["notes"]
        if "picture" in slide:
            shown = new_markdown_cell(f"![{slide['alt']}](figures/{slide['picture']})")
        else:
            shown, said = _result(slide["book"], slide["cell"])
            notes += f"\n\nFrom the notebook:\n\n{said}"
        slides.append(Slide(f"## {slide['title']}", shown, notes))
    return [*slides, Slide(f"## {plan['end']}")]


def _result(book, name):
    """What a cell of a notebook shows, as a cell; and the text before it."""
    cells = nbformat.read(ROOT / f"notebooks/{book}.ipynb", 4).cells
    places = [i for i, cell in enumerate(cells) if cell.id == name]
    if not places or not cells[places[0]].get("outputs"):
        raise ValueError(f"docs/slides.json: {book} has no cell '{name}' with a result")
    place = places[0]
    texts = [cell.source for cell in cells[:place] if cell.cell_type == "markdown"]
    shown = new_code_cell(outputs=cells[place].outputs)
    return shown, texts[-1]


def export(title, slides):
    """A talk as one page of HTML.

    Args:
        title: of the page.
        slides: list of `Slide`.
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_output_prompt=True)

    def as_html(*cells):
        body, _ = exporter.from_notebook_node(new_notebook(cells=list(cells)))
        return body

    sections = []
    for slide in slides:
        cells = [new_markdown_cell(slide.title), slide.shown]
        body = as_html(*[cell for cell in cells if cell])
        if slide.notes:
            body += f"<aside>{as_html(new_markdown_cell(slide.notes))}</aside>"
        sections.append(f"<section>{body}</section>")
    layout = string.Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))
    return layout.substitute(title=html.escape(title), slides="\n".join(sections))


def main(folder):
    """Writes all talks; returns the exit status."""
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "notebooks/figures", folder / "figures", dirs_exist_ok=True)
    plans = json.loads((ROOT / "docs/slides.json").read_text(encoding="utf-8"))
    for name, plan in plans.items():
        page = folder / f"{name}.slides.html"
        slides = talk(plan)
        page.write_text(export(plan["title"], slides), encoding="utf-8")
        print(f"{page}: {len(slides)} slides")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
