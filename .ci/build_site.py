"""Makes web pages of the notebooks as they are stored, with their outputs: to look, not to run.

python3 run.py site [FOLDER] [--serve]

The pages need no server, no script and no network: open FOLDER/index.html (FOLDER is outputs/site
unless you say), or put the folder on any web space, such as GitHub Pages. One page is another kind:
it runs the model, see browser_page.py, and --serve shows it. A link that leads nowhere, or a
picture without words that say what it shows, is named, and the exit status is 1.
"""

import base64
import html
import posixpath
import re
import shutil
import string
import sys
from pathlib import Path

import browser_page
import nbformat
from check_site import LINK, wrong
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from pygments.formatters import HtmlFormatter
from serve_site import serve

from helpers.structures import InputError

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "https://github.com/pixelwise-tutorial/pixelwise"
FOLDED = {"parameters": "Parameters", "setup": "Set-up", "results": "Results, for the tests"}


def fold(body):
    """Puts the cells that no reader reads, known by their tags, behind a line to click on."""
    for tag, title in FOLDED.items():
        cell = rf'(?s)(<div class="cell [^"]*celltag_{tag}\b.*?)(?=<div class="cell |\Z)'
        body = re.sub(cell, rf"<details><summary>{title}</summary>\1</details>", body)
    return body


def of_notebook(path):
    """A notebook as HTML, and its pictures and videos: {name in its folder: bytes}."""
    exporter = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    exporter.register_preprocessor("nbconvert.preprocessors.ExtractOutputPreprocessor", True)
    resources = {"output_files_dir": f"{path.stem}_files", "unique_key": "picture"}
    body, resources = exporter.from_notebook_node(nbformat.read(path, 4), resources)
    files = dict(resources["outputs"])

    def video(match):
        name = f"{path.stem}_files/video_{len(files)}.mp4"
        files[name] = base64.b64decode(match[1])
        return f'src="{name}"'

    body = re.sub(r'src="data:video/mp4;base64,([^"]+)"', video, body)
    body = body.replace("<video controls", '<video controls playsinline preload="metadata"')
    return fold(body), files


def card(path):
    """What the first page shows of a notebook: its picture, its question, the time it takes."""
    text = nbformat.read(path, 4).cells[0].source
    alt, picture = re.search(r"!\[(.+?)\]\((.+?)\)", text).groups()
    title = re.search(r"# (.+)", text)[1]
    time = re.search(r"takes\*\* (.+?)[.:;]", text)
    number = path.stem.partition("_")[0]
    return (
        f'<li><a href="notebooks/{path.name}"><img loading="lazy" alt="{html.escape(alt)}" '
        f'src="notebooks/{picture}"><strong>{number} · {html.escape(title)}</strong></a> '
        f"<small>{time[1] if time else ''}</small></li>"
    )


def first(root, books, video):
    """The first page: what README says first, a video, a card for each notebook."""
    words = (root / "README.md").read_text(encoding="utf-8").split("\n\n")[1]
    return (
        f"<h1>Pixelwise</h1>\n{markdown2html(words)}\n<video controls loop muted playsinline "
        f'preload="auto" src="{video}"></video>\n<h2>Notebooks</h2>\n<ul class="cards">'
        f"{''.join(map(card, books))}</ul>\n<p>Get the project, to run them: "
        f'<a href="{SOURCE}">{SOURCE.removeprefix("https://")}</a></p>'
    )


def led(page, name, pages):
    """The page of a file whose links lead to other pages; where there is none, to GitHub."""

    def lead(match):
        target, _, place = match[2].partition("#")
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        if target and ":" not in target and match[1].startswith("<a "):
            made = posixpath.splitext(target)[0] + ".html"
            target = made if inside in pages else f"{SOURCE}/blob/main/{inside}"
        return f'{match[1]}{target}{place and "#" + place}"'

    return LINK.sub(lead, page)


def title_of(body):
    """The first heading of a page."""
    return html.unescape(re.search("<h1[^>]*>([^<]+)", body)[1])


def build(out, root=ROOT, with_model=False):
    """Writes the pages of the project in `root` to `out/`, which it makes anew.

    With the page that runs the model, if wanted. Returns lines on what had to be left out.
    """
    books = sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    solved = sorted((root / "notebooks/solutions").glob("[0-9]*.ipynb"))
    texts = [root / "notebooks/glossary.md", *sorted((root / "docs").glob("*.md"))]
    bodies = {"index.md": ""}  # file: the page without its frame
    nav = {"index.md": "Pixelwise"}  # file: the words of the link that leads to it
    files = {}  # what goes into the folder: name: bytes
    for path in (*books, *texts, *solved):
        name = path.relative_to(root).as_posix()
        if path.suffix == ".md":
            bodies[name] = markdown2html(path.read_text(encoding="utf-8"))
            nav[name] = title_of(bodies[name])
            continue
        bodies[name], made = of_notebook(path)
        folder = path.parent.relative_to(root).as_posix()
        for inner, data in made.items():
            files[f"{folder}/{inner}"] = data
        if path in books:
            nav[name] = path.stem.partition("_")[0]

    video = next(name for name in files if name.endswith(".mp4"))
    bodies["index.md"] = first(root, books, video)
    layout = string.Template(Path(__file__).with_name("site.html").read_text(encoding="utf-8"))
    colours = HtmlFormatter().get_style_defs(".highlight")
    if out.exists():
        shutil.rmtree(out)
    shutil.copytree(root / "notebooks/figures", out / "notebooks/figures")
    left_out = []
    if with_model:
        try:
            bodies[browser_page.NAME] = browser_page.write_assets(out)
            nav[browser_page.NAME] = browser_page.TITLE
        except InputError as error:
            left_out.append(f"the page that runs the model is left out: {error}")
    for name, body in bodies.items():
        links = [f'<a href="{"../" * name.count("/")}{n}">{text}</a>' for n, text in nav.items()]
        page = layout.substitute(
            title=title_of(body), nav=" ".join(links), body=body, colours=colours
        )
        files[f"{posixpath.splitext(name)[0]}.html"] = led(page, name, set(bodies)).encode()
    for name, data in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    return left_out


def main(args):
    is_served = "--serve" in args
    folders = [arg for arg in args if arg != "--serve"]
    out = Path(folders[0]).expanduser() if folders else ROOT / "outputs/site"
    first = out / "index.html"
    ours = first.is_file() and "<title>Pixelwise</title>" in first.read_text(encoding="utf-8")
    if out.exists() and not ours:  # a site of somebody else's, perhaps
        print(f"{out}: holds other files; name a new folder", file=sys.stderr)
        return 2
    left_out = build(out, with_model=True)
    lines = list(wrong(out))
    print(*left_out, *lines, f"the pages begin at {first.resolve().as_uri()}", sep="\n")
    if is_served:
        serve(out)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
