"""Notebooks as a reader has them: in JupyterLab, in a browser, with a mouse and a keyboard.

Slow: python3 run.py test --all. Screenshots go to outputs/launch.
"""

import contextlib
import importlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

import pytest

import run
from helpers.pictures import read_image, save_image
from tests.browsing import PATIENCE, browsing, expect, needs_browser

ROOT = pathlib.Path(__file__).parents[1]
SHOTS = ROOT / "outputs/launch"
SETTINGS = run.LAB_SETTINGS | {  # and every cell in the page, even those out of sight
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
STATE = """place => [place.querySelector("[role=status]").innerText,
    place.querySelector("img").src, place.querySelector("img").alt]"""  # of an Explorer
NUM_TONES = """video => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.drawImage(video, 0, 0, 64, 48);
    return new Set(pen.getImageData(0, 0, 64, 48).data).size; }"""
ERRORS = '[data-mime-type$="jupyter.error"]'
PROMPTS = ".jp-CodeCell .jp-InputPrompt:not(.jp-Placeholder-prompt)"  # a folded cell has no number
ALL_DONE = f"""() => document.querySelector('{ERRORS}') || [...document.querySelectorAll(
    "{PROMPTS}")].every(prompt => /[0-9]/.test(prompt.textContent))"""

pytestmark = [pytest.mark.slow, needs_browser]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a copy of the project, so that nothing is stored in ours; its address."""
    folder = tmp_path_factory.mktemp("lab")
    for name in ("helpers", "data", "notebooks"):
        shutil.copytree(ROOT / name, folder / "project" / name)
    for path in (folder / "project/notebooks").glob("0[025]_*.ipynb"):
        shorten(path)
    for name, values in SETTINGS.items():
        file = folder / f"settings/{name.replace(':', '/')}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython"}
    places |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    env = os.environ | {name: str(folder / place) for name, place in places.items()}
    env.pop("PIXELWISE_STATIC", None)
    env["PYTHONPATH"] = str(folder / "project")  # else it is ours that the notebooks import
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={address.rpartition(':')[2]}", "--port-retries=0"]
    command += ["--IdentityProvider.token=t", f"--ServerApp.root_dir={folder / 'project'}"]
    server = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    said = []
    for line in server.stderr:
        said.append(line)
        if address in line:
            break
    else:
        pytest.fail("JupyterLab does not start:\n" + "".join(said))
    threading.Thread(target=lambda: all(server.stderr), daemon=True).start()  # an empty pipe
    yield address
    server.terminate()
    server.wait(60)


def shorten(path):
    """Give a notebook the parameters of the tests, and take its stored outputs away."""
    book = json.loads(path.read_text(encoding="utf-8"))
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    name_of_book = path.stem.partition("_")[2]
    for name, value in importlib.import_module(f"tests.books.{name_of_book}").SMALL.items():
        book["cells"][1]["source"] += [f"\n{name} = {value!r}"]
    path.write_text(json.dumps(book), encoding="utf-8")


@pytest.fixture(scope="module")
def browser():
    with browsing() as context:
        yield context


@pytest.fixture
def opened(lab, browser):
    """A function that opens a notebook and runs all its cells; gives the page."""
    with contextlib.ExitStack() as stack:
        yield lambda name: stack.enter_context(run_all(lab, browser, name))


@contextlib.contextmanager
def run_all(lab, browser, name):
    """Open a notebook with the parameters of the tests, run all cells; nothing may complain."""
    page, wrong = browser.new_page(), []
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: wrong.append(f"error in the page: {error}"))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: wrong.append(asked.url) if is_outside(asked.url) else None)
    page.goto(f"{lab}/lab/workspaces/{name}/tree/notebooks/{name}.ipynb?token=t")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.get_by_text("| Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(ALL_DONE)
    page.get_by_text("| Idle").wait_for()
    assert page.locator(".jp-InputPlaceholder").count() == 3  # parameters, set-up, results
    assert page.locator(ERRORS).all_inner_texts() == []
    yield page
    assert page.locator(ERRORS).all_inner_texts() == []
    page.close()
    assert not wrong


def is_outside(url):
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))


def shot(page, name, place):
    """Keep what is to be seen around a place of the page."""
    place.scroll_into_view_if_needed()
    page.screenshot(path=SHOTS / f"{name}.png")


class Explored:
    """The widget of an Explorer on the page: number `index` of those in the notebook."""

    def __init__(self, page, index=0):
        self.page = page
        self.place = page.locator(".jp-OutputArea-output:has([role='status'])").nth(index)
        self.words = self.place.get_by_role("status")
        self.place.scroll_into_view_if_needed()
        self.keep()

    def keep(self):
        self.before = self.place.evaluate(STATE)

    def has_changed(self, words=""):
        """Wait for another picture and other words that belong to it; keep both for the next."""
        change = f"""([place, words, text, picture]) => {{
            const [newText, newPicture, alt] = ({STATE})(place);
            return newText != text && newPicture != picture && newText == alt
                && newText.includes(words); }}"""
        place = self.place.element_handle()
        self.page.wait_for_function(change, arg=[place, words, *self.before[:2]])
        self.keep()

    def press(self, index, *keys):
        """Move slider `index` by the keyboard."""
        handle = self.place.locator(".noUi-handle").nth(index)
        handle.focus()
        for key in keys:
            handle.press(key)

    def drag(self, index, share):
        """Move slider `index` by the mouse, to a share of its length."""
        handle = self.place.locator(".noUi-handle").nth(index).bounding_box()
        track = self.place.locator(".noUi-base").nth(index).bounding_box()
        y = track["y"] + track["height"] / 2
        self.page.mouse.move(handle["x"] + handle["width"] / 2, y)
        self.page.mouse.down()
        self.page.mouse.move(track["x"] + share * track["width"], y)
        self.page.mouse.up()


def test_quickstart_its_video_and_its_questions(opened):
    page = opened("00_quickstart")
    pictures = page.locator(".jp-OutputArea img")
    assert pictures.count() >= 4
    for picture in pictures.all():
        assert picture.evaluate("picture => picture.naturalWidth") > 300
    video = page.locator(".jp-OutputArea video")
    video.evaluate("video => video.play()")
    page.wait_for_function("video => video.currentTime > 0.1", arg=video.element_handle())
    video.evaluate("video => video.pause()")
    shot(page, "00-video", video)
    assert video.evaluate("video => video.videoWidth") == 640
    assert video.evaluate(NUM_TONES) > 50  # a picture, not a grey field
    assert video.evaluate("video => video.webkitAudioDecodedByteCount") > 0  # it has sound
    quiz = page.locator(".jp-OutputArea-output:has-text('right at the first try')")
    said = quiz.get_by_role("status")
    quiz.get_by_role("button", name="a").first.focus()
    for key, words in (("Tab", "b: Not this one."), ("Shift+Tab", "a: Right.")):
        page.keyboard.press(key)
        page.keyboard.press("Space")
        expect(said.first).to_contain_text(words)
    expect(said.last).to_have_text("0 of 10 right at the first try.")
    shot(page, "00-questions", said.first)


def test_an_anchor_moves_by_keyboard_and_by_mouse(opened):
    page = opened("02_faster_rcnn")
    anchor = Explored(page)
    shot(page, "02-before", anchor.words)
    anchor.press(4, "ArrowRight")  # one column on
    anchor.has_changed()
    anchor.drag(2, 0.9)
    anchor.has_changed()
    shot(page, "02-after", anchor.words)


def test_thresholds_move_and_a_photo_is_uploaded(opened, tmp_path):
    page = opened("05_test_on_images")
    upload, cuts = Explored(page, 0), Explored(page, 1)
    cuts.drag(0, 1.0)
    cuts.has_changed("boxes score 1.00 or more")
    cuts.press(0, "Home")
    cuts.has_changed("boxes score 0.00 or more")
    shot(page, "05-cuts", cuts.words)
    upside_down = read_image(ROOT / "data/pictures/street-2.jpg")[::-1]
    for file, words in (
        (save_image(tmp_path / "holiday.png", upside_down), "holiday.png: "),
        (pathlib.Path(__file__), "This did not work."),
    ):
        with page.expect_file_chooser() as chosen:
            upload.place.get_by_role("button", name="A photo of yours").click()
        chosen.value.set_files(file)
        expect(upload.words).to_contain_text(words)
        shot(page, f"05-upload-{file.suffix[1:]}", upload.words)
    assert upload.place.evaluate(STATE)[1] != upload.before[1]
