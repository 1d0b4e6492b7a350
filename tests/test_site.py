"""The web pages, and what the texts of the project promise: links, pictures, colours, badges."""

import base64
import errno
import importlib
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import venv
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from helpers.drawing import INK, PALETTE, PAPER, contrast

ROOT = pathlib.Path(__file__).parents[1]
TEXTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "notebooks/glossary.md"]
BOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
FIGURES = sorted((ROOT / "notebooks/figures").glob("*.svg"))
each_text = pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
each_figure = pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
form = pytest.mark.form


@pytest.fixture
def load(monkeypatch):
    """A function that imports a script of .ci."""
    monkeypatch.syspath_prepend(ROOT / ".ci")
    return importlib.import_module


# Texts


@form
@each_text
def test_links_lead_somewhere_and_pictures_have_words(path):
    text = path.read_text(encoding="utf-8")
    places = dict(re.findall(r"(?m)^\[([^\]]+)\]: (\S+)$", text))
    for mark, words, target in re.findall(r"(!?)\[([^\[\]]*)\]\(([^)\s]+)\)", text):
        assert len(words) >= (40 if mark else 2), target
        if not target.startswith(("https://", "http://")):
            assert (path.parent / target.partition("#")[0]).exists(), target
    for key in re.findall(r"\]\[([^\]]+)\]", text):
        assert key in places, f"[{key}] has no address"


@form
def test_every_notebook_opens_from_the_readme_at_the_version_that_it_fetches():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    cells = json.loads(BOOKS[0].read_text("utf-8"))["cells"]
    (setup,) = ["".join(cell["source"]) for cell in cells if cell["id"] == "setup"]
    version, url = re.search(r"git clone .*-b (\S+) (https://\S+)", setup).groups()
    place = url.removeprefix("https://github.com/")
    for path in BOOKS:
        number = path.stem.partition("_")[0]
        assert f"| {number} | [" in readme and f"](notebooks/{path.name})" in readme
        colab = f"https://colab.research.google.com/github/{place}/blob/{version}/notebooks/"
        binder = f"https://mybinder.org/v2/gh/{place}/{version}?urlpath=lab/tree/notebooks/"
        assert f"[Colab]({colab}{path.name})" in readme
        assert f"[Binder]({binder}{path.name})" in readme
    assert f"git clone {url}" in readme


@form
def test_readme_is_short_and_its_video_light():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200
    assert (ROOT / "data/street-found.webp").stat().st_size <= 1_500_000


@form
def test_binder_gets_the_lock_without_apt():
    """What repo2docker asks for: environment.yml, whose pip section may say -r; then postBuild.

    postBuild makes the project importable, since pip takes no `-e .` beside a lock with digests.
    """
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert os.access(ROOT / "postBuild", os.X_OK)
    assert re.search(r"(?m)^  - python=3\.1[0-3]$", text) and "- -r requirements.lock" in text
    for name in ("binder", ".binder", "apt.txt", "runtime.txt", "Dockerfile"):
        assert not (ROOT / name).exists(), name


@pytest.mark.skipif(os.name == "nt", reason="Binder is Linux")
def test_binder_can_import_the_project_from_anywhere(tmp_path):
    """With a Python of its own, as Binder has it, which knows nothing of run.py."""
    venv.create(tmp_path / "env")
    python = tmp_path / "env/bin/python"
    env = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([ROOT / "postBuild"], cwd=ROOT, env=env, check=True)
    find = "import importlib.util as u; print(u.find_spec('helpers').origin)"
    found = subprocess.check_output([python, "-c", find], cwd=tmp_path, text=True)
    assert found.strip() == str(ROOT / "helpers/__init__.py")


@form
def test_changelog_and_citation_name_one_version():
    cited = re.search(r"(?m)^version: (\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"))[1]
    assert f"\n## {cited}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# Seen by everybody


@form
@each_figure
def test_drawings_say_what_they_show_and_can_be_read(path):
    """Title and description; letters at least 4.5 to 1 against what they stand on (WCAG AA)."""
    svg = "{http://www.w3.org/2000/svg}"
    drawing = ElementTree.parse(path).getroot()
    assert drawing.get("role") == "img" and len(drawing.findtext(f"{svg}title")) > 10
    assert len(drawing.findtext(f"{svg}desc")) > 60
    grounds, band = [(drawing.get("viewBox").split(), rgb("#ffffff"))], None
    for element in drawing.iter():
        fill = rgb(element.get("fill", ""))
        if element.tag == f"{svg}rect" and fill:
            box = [element.get(name, "0") for name in ("x", "y", "width", "height")]
            share, below = (
                float(element.get("fill-opacity", 1)),
                ground(grounds, *map(float, box[:2])),
            )
            mixed = [share * new + (1 - share) * old for new, old in zip(fill, below, strict=True)]
            grounds.append((box, mixed))
        if element.tag == f"{svg}text":
            under = ground(grounds, float(element.get("x")), float(element.get("y")))
            if fill == [255, 255, 255]:  # white letters stand on a band, the path before them
                under = band
            ink = fill or rgb(drawing.get("fill"))
            assert contrast(ink, under) >= 4.5, (element.text, ink, under)
        if element.tag == f"{svg}path" and fill:
            band = fill


def ground(grounds, x, y):
    """The colour of the last of some boxes (x, y, width, height) that holds a point."""
    for (left, top, width, height), color in reversed(grounds):
        if 0 <= x - float(left) <= float(width) and 0 <= y - float(top) <= float(height):
            return color
    raise AssertionError(f"({x}, {y}) lies outside the drawing")


def rgb(text):
    """#rrggbb or #rgb as three numbers, None for anything else."""
    text = re.sub("^#(.)(.)(.)$", r"#\1\1\2\2\3\3", text)
    return [int(text[i : i + 2], 16) for i in (1, 3, 5)] if len(text) == 7 else None


def test_letters_on_every_colour_of_the_palette_can_be_read():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(
        4.48, abs=0.005
    )  # WCAG's own
    assert min(max(contrast(c, INK), contrast(c, PAPER)) for c in PALETTE) >= 4.5


# Pages


def png(image):
    """A picture (H, W, 3) as the bytes of a PNG."""
    file = io.BytesIO()
    Image.fromarray(np.uint8(image)).save(file, "PNG")
    return file.getvalue()


PIXEL = base64.b64encode(png(np.full((30, 40, 3), 255))).decode()  # white paper
VIDEO = "AAAAIGZ0eXBpc29t"


def toy(folder, words="Title; x axis: time"):
    """A project of one notebook, with its solution, a glossary and a README."""
    first = "# Is it small?\n\n![A small picture of nothing at all.](figures/a.png)\n\n"
    first += "**You need** nothing.\n**It takes** one minute. Words: [glossary](glossary.md#iou)."
    picture = {
        "output_type": "display_data",
        "data": {"image/png": PIXEL},
        "metadata": {"image/png": {"alt": words}} if words else {},
    }
    video = f'<video controls loop  width="640" >\n <source src="data:video/mp4;base64,{VIDEO}">'
    video = {"output_type": "display_data", "data": {"text/html": video}, "metadata": {}}
    more = "See [solutions](solutions/00_toy.ipynb) and [code](../helpers/a.py#L3)."
    cells = [
        ("markdown", "title", [], first, None),
        ("code", "parameters", ["parameters"], "SIDE = 3", []),
        ("code", "setup", ["setup"], "import os", []),
        ("markdown", "more", [], more, None),
        ("code", "draw", [], 'draw("<a href=nowhere>")', [picture, video]),
        ("code", "results", ["results"], "print(results)", [picture]),
    ]
    cells = [
        {"cell_type": kind, "id": name, "metadata": {"tags": tags}, "source": text}
        | ({} if outputs is None else {"outputs": outputs, "execution_count": 1})
        for kind, name, tags, text, outputs in cells
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "notebooks/figures").mkdir(parents=True)
    (folder / "notebooks/solutions").mkdir()
    (folder / "notebooks/figures/a.png").write_bytes(png(np.full((50, 90, 3), 80)))
    (folder / "notebooks/00_toy.ipynb").write_text(json.dumps(book))
    solution = json.dumps(book | {"cells": cells[:3] + cells[4:]})
    solution = solution.replace("figures/a.png", "../figures/a.png")
    (folder / "notebooks/solutions/00_toy.ipynb").write_text(solution.replace("(gl", "(../gl"))
    (folder / "notebooks/glossary.md").write_text("# Words\n\n## IoU\n\nA number.")
    table = "| 00 | [toy](notebooks/00_toy.ipynb) | it is *so* small | 1 |"
    (folder / "README.md").write_text(f"# Toy\n\nIt is *very* small.\n\n{table}")
    return folder


def test_pages_of_a_toy(load, tmp_path):
    site, check = load("build_site"), load("check_site")
    site.build(tmp_path / "site", toy(tmp_path / "toy"))
    made = {path.relative_to(tmp_path / "site").as_posix() for path in tmp_path.glob("site/**/*.*")}
    assert {"index.html", "notebooks/00_toy.html", "notebooks/glossary.html"} <= made
    page = (tmp_path / "site/notebooks/00_toy.html").read_text()
    assert "<title>Is it small?</title>" in page and 'href="../index.html"' in page
    assert 'href="glossary.html#iou"' in page and 'href="solutions/00_toy.html"' in page
    assert f'href="{site.SOURCE}/blob/main/helpers/a.py#L3"' in page
    assert page.count("<details>") == page.count("</details>") == 3
    folded = re.findall(r"(?s)<details><summary>(.*?)</summary>(.*?)</details>", page)
    assert [title for title, _ in folded] == ["Parameters", "Set-up", "Results, for the tests"]
    assert "SIDE" in folded[0][1] and "import" in folded[1][1] and "results" in folded[2][1]
    assert "draw" not in "".join(cell for _, cell in folded)
    assert 'alt="Title; x axis: time"' in page
    (video,) = re.findall(r'<source src="(.+\.mp4)"', page)
    assert (tmp_path / "site/notebooks" / video).read_bytes().startswith(b"\0\0\0 ftyp")
    first = (tmp_path / "site/index.html").read_text()
    assert (
        "<em>very</em>" in first and f'src="notebooks/{video}"' in first and "one minute" in first
    )
    assert 'name="viewport"' in first and "It is <em>so</em> small." in first
    wrong = list(check.wrong(tmp_path / "site"))
    assert len(wrong) == 2 and all("glossary.html has no place #iou" in line for line in wrong)


def test_figures_on_paper_have_a_dark_form_and_photographs_have_none(load):
    pictures = load("site_pictures")
    figure = np.full((120, 200, 3), 255)
    figure[20:80, 20:90] = (200, 30, 30)  # a picture
    figure[25:60, 30:60] = 255  # that is white in places
    figure[100:101, 20:180] = 0  # a line
    figure = figure.repeat(4, axis=0).repeat(4, axis=1)
    turned = np.asarray(Image.open(io.BytesIO(pictures.dark(png(figure)))).convert("RGB"))
    assert turned[20, 20].max() < 40 and turned[402, 400].min() > 220
    assert np.abs(turned[280, 200] - (200, 30, 30.0)).max() < 12 and turned[160, 180].min() > 240
    assert pictures.dark(png(np.full((20, 30, 3), 120))) is None
    assert pictures.dark(b"<svg></svg>") is None


def test_cards_are_made_for_their_size(load, tmp_path):
    pictures = load("site_pictures")
    halves = np.full((100, 400, 3), 90)
    halves[:, 200:] = 160
    (tmp_path / "a.png").write_bytes(png(halves))
    card = np.asarray(Image.open(io.BytesIO(pictures.small(tmp_path / "a.png"))))
    assert card.shape == (384, 640, 3) and abs(int(card[0, 0, 0]) - 90) < 5  # cut at the sides
    halves[[0, 0, -1, -1], [0, -1, 0, -1]] = 255
    (tmp_path / "b.png").write_bytes(png(halves))
    whole = np.asarray(Image.open(io.BytesIO(pictures.small(tmp_path / "b.png"))))
    assert whole[5, 300].min() > 250 and whole.shape == card.shape  # above it there is paper


def test_the_search_knows_sections_by_their_headings(load):
    search = load("site_search")
    body = '<h1 id="A">A<a class="anchor-link">¶</a></h1><p>one &amp; two</p>'
    body += '<h2 id="b-c">B <em>c</em></h2><script>no()</script><pre>three</pre><h3 id="d">D</h3>'
    assert search.headings(body) == [(1, "A", "A"), (2, "b-c", "B c"), (3, "d", "D")]
    found = search.sections("p.html", "A", body)
    assert found == [["p.html#A", "A", "A", "one & two"], ["p.html#b-c", "A", "B c", "three"]]
    assert b"<\\/b>" in search.script([["a", "b", "c", "</b>"]])


def test_what_is_wrong_is_named(load, tmp_path):
    site = load("build_site")
    toy(tmp_path / "toy", words=None)
    site.build(tmp_path / "site", tmp_path / "toy")
    (tmp_path / "site/notebooks/figures/a.png").unlink()
    lines = "\n".join(load("check_site").wrong(tmp_path / "site"))
    assert "00_toy.html: no words for <img" in lines and "figures/a.png is not there" in lines


def test_a_site_of_somebody_else_is_left_alone(load, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/index.html").write_text("<title>My thesis</title>")
    assert load("build_site").main([str(tmp_path / "mine")]) == 2
    assert "name a new folder" in capsys.readouterr().err
    assert (tmp_path / "mine/index.html").read_text() == "<title>My thesis</title>"


def test_a_build_that_is_stopped_leaves_the_older_site(load, tmp_path, monkeypatch):
    site, out = load("build_site"), tmp_path / "site"
    out.mkdir()
    (out / "index.html").write_text("<title>Pixelwise</title> old")

    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(site.Site, "add_notebooks", stop)
    with pytest.raises(KeyboardInterrupt):
        site.main([str(out)])
    assert (out / "index.html").read_text().endswith("old")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".site.lock", "site"]
    (tmp_path / ".site.part").mkdir()
    (tmp_path / ".site.part/index.html").write_text("new")
    site.put_in_place(tmp_path / ".site.part", out, tmp_path / ".site.old")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".site.lock", "site"]
    assert (out / "index.html").read_text() == "new"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_fails_and_a_second_build_are_a_line_and_leave_the_older_site(
    load, tmp_path, monkeypatch, capsys, code
):
    site, out = load("build_site"), tmp_path / "site"
    out.mkdir()
    (out / "index.html").write_text("<title>Pixelwise</title> old")

    def fill(self):
        assert site.main([str(out)]) == 2  # a second one, while this is at work
        raise OSError(code, os.strerror(code), tmp_path / ".site.part/a.html")

    monkeypatch.setattr(site.Site, "add_notebooks", fill)
    assert site.main([str(out)]) == 2
    assert (out / "index.html").read_text().endswith("old")
    assert capsys.readouterr().err.splitlines() == [
        f"{out}: another run is at work there; wait for its end",
        f"{tmp_path}: {os.strerror(code)}; an older site stays",
    ]


def interrupt(*given):
    raise KeyboardInterrupt


@pytest.mark.slow  # a fresh process
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("moment", ["at work", "between two names"])
def test_a_build_that_is_killed_leaves_the_older_site_and_the_next_one_is_whole(
    load, tmp_path, monkeypatch, moment
):
    out = tmp_path / "site"
    out.mkdir()
    (out / "index.html").write_text("<title>Pixelwise</title> old")
    code = (
        "import os, pathlib, signal, sys\n"
        "import build_site\n"
        "def kill(*given):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "def write_pages(part, root, with_model):\n"
        "    part.mkdir()\n"
        "    if sys.argv[2] == 'at work':\n"
        "        kill()\n"
        "def rename(path, name, rename=pathlib.Path.rename):\n"
        "    rename(path, name)\n"
        "    kill()\n"
        "build_site.write_pages = write_pages\n"
        "pathlib.Path.rename = rename\n"
        "build_site.main(sys.argv[1:2])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / ".ci"), str(ROOT)])}
    command = [sys.executable, "-c", code, str(out), moment]
    assert subprocess.run(command, env=environment, timeout=120).returncode == -signal.SIGKILL
    assert out.is_dir() == (moment == "at work")
    assert (tmp_path / ".site.part").is_dir()
    site = load("build_site")
    with monkeypatch.context() as patch:  # the next one fails: the older site is there all the same
        patch.setattr(site, "write_pages", interrupt)
        with pytest.raises(KeyboardInterrupt):
            site.build(out, tmp_path / "toy")
    assert (out / "index.html").read_text().endswith("old")
    toy(tmp_path / "toy")
    with site.alone_in(out, lock=tmp_path / ".site.lock"):  # nobody holds it any more
        site.build(out, tmp_path / "toy")
    assert not (out / "index.html").read_text().endswith("old")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".site.lock", "site", "toy"]


def test_figures_are_described_by_their_titles(monkeypatch):
    """What stored notebooks say of a figure: titles and axes, each once."""
    import IPython
    import matplotlib.figure

    kept = {}

    class Shell:
        display_formatter = mimebundle_formatter = property(lambda self: self)

        def for_type_by_name(self, module, name, function):
            kept[f"{module}.{name}"] = function

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    exec((ROOT / ".ci/alt_texts.py").read_text(encoding="utf-8"), {})
    figure = matplotlib.figure.Figure()
    left, right = figure.subplots(1, 2)
    left.set(title="Most anchors\nsee no object", xlabel="IoU", ylabel="anchors")
    right.set(title="Most anchors see no object", xlabel="hidden")
    right.set_axis_off()
    data, metadata = kept["matplotlib.figure.Figure"](figure, include=None, exclude=None)
    alt = "Most anchors see no object; x axis: IoU; y axis: anchors"
    assert data == {} and metadata["image/jpeg"] == {"alt": alt}
    assert kept["matplotlib.figure.Figure"](matplotlib.figure.Figure()) == ({}, {})


def test_formulas_are_pictures_and_code_stays(load):
    drawn = load("site_formulas").drawn
    text = drawn(
        "Take $x_1$, but `$HOME` and `$y$` stay; and\n\n$$\\frac{a}{b} \\ge \\Big(2\\Big)$$\n"
    )
    assert text.count('<img class="formula"') == 2 and "`$HOME` and `$y$` stay" in text
    assert 'alt="formula: x_1"' in text and "$x_1$" not in text
    assert drawn("No formula: 5 $ and 3") == "No formula: 5 $ and 3"
    assert drawn("$\\underbrace{a}_{b}$") == "<code>\\underbrace{a}_{b}</code>"  # not drawn: TeX
