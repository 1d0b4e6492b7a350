"""Slides for the talks of docs/teaching.md, made from the notebooks as they are stored.

python3 run.py notebooks --slides FOLDER

docs/slides.json says which cells' results are shown, in which order, and what the speaker may say.
Each talk becomes FOLDER/NAME.slides.html (reveal.js): arrow keys turn the page, S opens the notes,
which also hold what the notebook says before that cell. reveal.js itself is loaded from the web
when the page is opened.
"""

import json
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent


def talk(plan):
    """A talk as a notebook whose cells say what they are on the slides.

    Args:
        plan: {"title", "slides": list of {"book", "title", "notes", and "cell" or "picture" and
            "alt"}, "end"}.

    Returns:
        A notebook of nbformat.

    Raises:
        ValueError: a notebook has no such cell, or the cell shows nothing.
    """
    cells = [_typed(new_markdown_cell(f"# {plan['title']}"), "slide")]
    for slide in plan["slides"]:
        cells.append(_typed(new_markdown_cell(f"## {slide['title']}"), "slide"))
        notes = slide["notes"]
        if "picture" in slide:
            shown = new_markdown_cell(f"![{slide['alt']}](figures/{slide['picture']})")
        else:
            shown, said = _result(slide["book"], slide["cell"])
            notes += f"\n\nFrom the notebook:\n\n{said}"
        cells.append(_typed(shown, "-"))
        cells.append(_typed(new_markdown_cell(notes), "notes"))
    cells.append(_typed(new_markdown_cell(f"## {plan['end']}"), "slide"))
    return new_notebook(cells=cells)


def _typed(cell, slide_type):
    """The cell, marked as nbconvert's slides want it."""
    cell.metadata["slideshow"] = {"slide_type": slide_type}
    return cell


def _result(book, name):
    """What a cell of a notebook shows, as a cell; and the text before it."""
    cells = nbformat.read(ROOT / f"notebooks/{book}.ipynb", 4).cells
    places = [i for i, cell in enumerate(cells) if cell.id == name]
    if not places or not cells[places[0]].get("outputs"):
        raise ValueError(f"docs/slides.json: {book} has no cell '{name}' with a result")
    place = places[0]
    texts = [cell.source for cell in cells[:place] if cell.cell_type == "markdown"]
    shown = new_code_cell(source=cells[place].source, outputs=cells[place].outputs)
    shown.metadata["tags"] = ["hide-source"]
    return shown, texts[-1]


def export(notebook):
    """A talk as one page of HTML."""
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    config = Config()
    config.TagRemovePreprocessor.remove_input_tags = {"hide-source"}
    config.TagRemovePreprocessor.enabled = True
    exporter = SlidesExporter(
        config=config, exclude_input_prompt=True, exclude_output_prompt=True, reveal_scroll=True
    )
    page, _ = exporter.from_notebook_node(notebook)
    return page


def main(folder):
    """Writes all talks; returns the exit status."""
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "notebooks/figures", folder / "figures", dirs_exist_ok=True)
    plans = json.loads((ROOT / "docs/slides.json").read_text(encoding="utf-8"))
    for name, plan in plans.items():
        page = folder / f"{name}.slides.html"
        page.write_text(export(talk(plan)), encoding="utf-8")
        print(f"{page}: {len(plan['slides']) + 2} slides")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
