"""Makes web pages of the notebooks as they are stored, with their outputs: to look, not to run.

python3 run.py site [FOLDER] [--serve]

The pages need no server and no network: open FOLDER/index.html (FOLDER is outputs/site unless you
say), or put the folder on any web space, such as GitHub Pages. One page is another kind: it runs
the model, see browser_page.py, and --serve shows it. A link that leads nowhere, or a picture
without words that say what it shows, is named, and the exit status is 1.

Why no generator: MyST (Jupyter Book 2) fetches its theme while it builds, and its pages need a
server and a script to be read at all; Quarto is a program of 100 MB that no package index has;
Sphinx with MyST-NB would bring some thirty packages, and would still have to be taught the folded
cells, the alternative texts in the outputs, videos as files and dark figures, which are most of
what is here. nbconvert, which comes with JupyterLab, does the rest.
"""

import argparse
import html
import posixpath
import re
import shutil
import string
import sys
from pathlib import Path

import browser_page
import nbformat
import site_pictures
import site_search
from check_site import LINK, wrong
from nbconvert.filters import markdown2html
from pygments.formatters import HtmlFormatter
from serve_site import serve
from site_notebook import of_notebook

from helpers.alone import alone_in
from helpers.pictures import explain_system
from helpers.structures import InputError

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).parent
SOURCE = "https://github.com/pixelwise-tutorial/pixelwise"
IMAGE = re.compile(r'<img\b[^>]*? src="([^":]+)"[^>]*>')
LONG = 3  # headings from which a page gets a table of contents


class Site:
    """The pages so far, before they get their frames.

    Attributes:
        bodies: {source file: HTML}, in the order of the pages.
        nav: {source file: words of the link above each page}.
        files: {name in the folder of the site: bytes}.
    """

    def __init__(self, root):
        self.root = root
        self.books = sorted((root / "notebooks").glob("[0-9]*.ipynb"))
        self.bodies = {"index.md": ""}
        self.nav = {"index.md": "Pixelwise"}
        self.files = {}

    def add_notebooks(self):
        """The notebooks, and their solutions, which no link above a page names."""
        solved = sorted((self.root / "notebooks/solutions").glob("[0-9]*.ipynb"))
        for path in (*self.books, *solved):
            name = path.relative_to(self.root).as_posix()
            self.bodies[name], made = of_notebook(path)
            folder = path.parent.relative_to(self.root).as_posix()
            for inner, data in made.items():
                self.files[f"{folder}/{inner}"] = data
            if path in self.books:
                self.nav[name] = number_of(path)

    def add_texts(self):
        """The glossary, and what is in docs."""
        docs = sorted((self.root / "docs").glob("*.md"))
        for path in (self.root / "notebooks/glossary.md", *docs):
            name = path.relative_to(self.root).as_posix()
            self.bodies[name] = markdown2html(path.read_text(encoding="utf-8"))
            self.nav[name] = path.stem.replace("_", " ")

    def add_figures(self):
        """The figures that the notebooks name, and a small one for each card."""
        folder = self.root / "notebooks/figures"
        for path in sorted(folder.iterdir()):
            self.files[f"notebooks/figures/{path.name}"] = path.read_bytes()
        for path in self.books:
            _, figure = picture_of(path)
            self.files[card_name(path)] = site_pictures.small(path.parent / figure)

    def add_dark_figures(self):
        """A second form of each figure on paper, for a dark page."""
        for name, data in list(self.files.items()):
            twin = None
            if not name.endswith(".mp4"):
                twin = site_pictures.dark(data)
            if twin is not None:
                self.files[dark_name(name)] = twin

    def with_dark(self, body, name):
        """A page whose figures change with the reader's colours."""

        def both(match):
            target = posixpath.join(posixpath.dirname(name), match[1])
            if dark_name(posixpath.normpath(target)) not in self.files:
                return match[0]
            source = f'<source media="(prefers-color-scheme: dark)" srcset="{dark_name(match[1])}">'
            return f"<picture>{source}{match[0]}</picture>"

        return IMAGE.sub(both, body)

    def framed(self, layout, name):
        """A whole page: its body in the frame, with links to the others."""
        body = self.bodies[name]
        up = "../" * name.count("/")
        title = title_of(body)
        links = []
        for other, words in self.nav.items():
            here = ' aria-current="page"' if other == name else ""
            about = html.escape(title_of(self.bodies[other]))
            links.append(f'<a href="{up}{other}" title="{about}"{here}>{words}</a>')
        contents = contents_of(body)
        kinds = {"index.md": "first"}
        page = layout.substitute(
            title=html.escape(title),
            up=up,
            kind=kinds.get(name, "long" if contents else ""),
            nav="\n".join(links),
            contents=contents,
            body=self.with_dark(body, name),
            around=self.around(name, up),
        )
        return led(page, name, set(self.bodies))

    def around(self, name, up):
        """Links to the notebook before this one and to the next."""
        names = [path.relative_to(self.root).as_posix() for path in self.books]
        if name not in names:
            return ""
        place = names.index(name)
        links = []
        if place > 0:
            before = names[place - 1]
            words = html.escape(title_of(self.bodies[before]))
            links.append(f'<a rel="prev" href="{up}{before}">← {words}</a>')
        if place + 1 < len(names):
            after = names[place + 1]
            words = html.escape(title_of(self.bodies[after]))
            links.append(f'<a rel="next" href="{up}{after}">{words} →</a>')
        return f'<nav class="around" aria-label="Notebooks">{"".join(links)}</nav>'


# Parts of pages ----------------------------------------------------------------------------------


def number_of(book):
    """The number of a notebook: what stands before its name."""
    return book.stem.partition("_")[0]


def dark_name(name):
    """What the dark form of a picture is called."""
    return f"{posixpath.splitext(name)[0]}.dark.webp"


def card_name(book):
    """What the small form of a notebook's first picture is called."""
    return f"notebooks/figures/{book.stem}.card.jpg"


def picture_of(book):
    """The words and the address of a notebook's first picture."""
    text = nbformat.read(book, 4).cells[0].source
    return re.search(r"!\[(.+?)\]\((.+?)\)", text).groups()


def card(book, idea):
    """What the first page shows of a notebook: its picture, its question, its idea, its time."""
    text = nbformat.read(book, 4).cells[0].source
    alt, _ = picture_of(book)
    title = re.search(r"# (.+)", text)[1]
    time = re.search(r"takes\*\* (.+?)[.:;]", text)
    return (
        f'<li><a href="notebooks/{book.name}"><img loading="lazy" alt="{html.escape(alt)}" '
        f'width="320" height="192" src="{card_name(book)}">'
        f"<strong>{number_of(book)} · {html.escape(title)}</strong></a>\n"
        f"<p>{idea} <small>{time[1] if time else ''}</small></p></li>"
    )


def ideas(readme):
    """The sentence on each notebook in README's table: {name of its file: HTML}."""
    found = {}
    row = r"(?m)^\| \w+ \| \[[^\]]*\]\(notebooks/([^)]+)\) \| ([^|]+) \|"
    for name, words in re.findall(row, readme):
        words = words.strip()
        sentence = markdown2html(words[0].upper() + words[1:] + ".")
        found[name] = re.sub(r"</?p>", "", sentence).strip()
    return found


def first(site, video):
    """The first page: README's first words and picture, a video, a card for each notebook."""
    readme = (site.root / "README.md").read_text(encoding="utf-8")
    _, words, picture, *_ = readme.split("\n\n")
    shown = re.fullmatch(r"!\[(.+?)\]\((.+?)\)", picture.strip())
    figure = ""
    if shown:
        alt, name = shown.groups()
        site.files[name] = (site.root / name).read_bytes()
        figure = f'<img class="wide" alt="{html.escape(alt)}" src="{name}">\n'
    told = ideas(readme)
    cards = "".join(card(book, told.get(book.name, "")) for book in site.books)
    links = '<a href="#notebooks">The notebooks</a>'
    if browser_page.NAME in site.bodies:
        links = f'<a href="{browser_page.NAME}">Try it in your browser</a> {links}'
    return (
        f"<h1>Pixelwise</h1>\n{markdown2html(words)}\n"
        f'<p class="ways">{links} <a href="{SOURCE}">Get it</a></p>\n{figure}'
        f'<video controls loop muted playsinline autoplay preload="auto" src="{video}"></video>\n'
        f'<h2 id="notebooks">Notebooks</h2>\n<ul class="cards">{cards}</ul>'
    )


def contents_of(body):
    """The table of contents of a page, "" for a short one."""
    found = [(place, words) for level, place, words in site_search.headings(body) if level == 2]
    if len(found) < LONG:
        return ""
    items = [f'<li><a href="#{place}">{html.escape(words)}</a></li>' for place, words in found]
    return (
        '<details class="contents" open><summary>On this page</summary>'
        f"<ol>{''.join(items)}</ol></details>"
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


def style():
    """The style of all pages, and the colours of code on a light and on a dark page."""
    light = HtmlFormatter().get_style_defs(".highlight")
    night = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    plain = (HERE / "site.css").read_text(encoding="utf-8")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{night}\n}}\n{plain}"


# The whole ----------------------------------------------------------------------------------------


def build(out, root=ROOT, with_model=False):
    """Writes the pages of the project in `root` to `out/`, in place of an older site.

    With the page that runs the model, if wanted. Returns lines on what had to be left out. The
    older site stays until the new one is whole.
    """
    part = out.with_name(f".{out.name}.part")
    old = out.with_name(f".{out.name}.old")
    if old.exists() and not out.exists():  # a run was killed just before the new one had its name
        old.rename(out)
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
    try:
        left_out = write_pages(part, root, with_model)
        put_in_place(part, out, old)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return left_out


def write_pages(part, root, with_model):
    """The work of `build`: a new site in the folder `part`."""
    part.mkdir(parents=True)
    site = Site(root)
    site.add_notebooks()
    video = next(name for name in site.files if name.endswith(".mp4"))
    left_out = []
    if with_model:
        try:
            site.bodies[browser_page.NAME] = browser_page.write_assets(part)
            site.nav[browser_page.NAME] = browser_page.TITLE
        except InputError as error:
            left_out.append(f"the page that runs the model is left out: {error}")
    site.bodies["index.md"] = first(site, video)
    site.add_texts()
    site.add_figures()
    site.add_dark_figures()

    layout = string.Template((HERE / "site.html").read_text(encoding="utf-8"))
    found = []
    for name, body in site.bodies.items():
        address = f"{posixpath.splitext(name)[0]}.html"
        site.files[address] = site.framed(layout, name).encode()
        if "solutions/" not in name:
            found += site_search.sections(address, title_of(body), body)
    site.files["search.js"] = site_search.script(found)
    site.files["site.css"] = style().encode()
    site.files["site.js"] = (HERE / "site.js").read_bytes()
    for name, data in site.files.items():
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        (part / name).write_bytes(data)
    return left_out


def put_in_place(part, out, old):
    """Renames a folder to a name that an older one may have, which goes by way of `old`."""
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    part.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def main(args):
    parser = argparse.ArgumentParser(prog="python3 run.py site")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "outputs/site")
    parser.add_argument("--serve", action="store_true", help="show them at a local address")
    options = parser.parse_args(args)
    out = options.folder.expanduser()
    first_page = out / "index.html"
    ours = first_page.is_file() and "<title>Pixelwise</title>" in first_page.read_text("utf-8")
    if out.exists() and not ours:  # a site of somebody else's, perhaps
        print(f"{out}: holds other files; name a new folder", file=sys.stderr)
        return 2
    try:
        with alone_in(out, lock=out.with_name(f".{out.name}.lock")):
            left_out = build(out, with_model=True)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{explain_system(error, out)}; an older site stays", file=sys.stderr)
        return 2
    lines = list(wrong(out))
    print(*left_out, *lines, f"the pages begin at {first_page.resolve().as_uri()}", sep="\n")
    if options.serve:
        serve(out)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
