"""The page of results and the site as readers have them: in a browser. Slow."""

import contextlib
import importlib
import json
import pathlib
import re
import types

import numpy as np
import pytest

from helpers.drawing import contrast
from helpers.job.clip import video_figure
from helpers.job.page import PARTS, Entry, make_page, save_preview
from helpers.job.picture import picture_figure
from helpers.lessons import ask_questions
from helpers.pictures import save_image
from helpers.structures import Detections
from helpers.video import History
from tests.browsing import browsing, expect, needs_browser
from tests.test_site import ROOT, toy

NAMES = {1: "person", 3: "car"}
SIZE = (200, 300)
BOXES = [(20, 20, 120, 120), (150, 40, 290, 160), (160, 50, 168, 58)]
PAPER = "element => getComputedStyle(element).backgroundColor"


def test_script_and_style_are_small():
    """What a reader downloads with every page; neither asks for anything from elsewhere."""
    for path in PARTS.glob("page.*"):
        text = path.read_text("utf-8")
        assert len(text) < 12_000 and not re.search(r"https?:|@import|fetch\(|import ", text), path


def walks(num):
    """A History of objects that wander at random, and it as the page has it."""
    rng = np.random.default_rng(0)
    history = History()
    places = rng.uniform(20, 180, (num, 2))
    for second in range(30):
        places += rng.normal(0, 15, (num, 2))
        boxes = np.hstack([places - 5, places + 5])
        history.add(second, Detections(boxes, [3] * num, [1] * num, SIZE, NAMES,
                                       track_ids=range(1, num + 1)))  # fmt: skip
    tracks = [
        {"name": history.names[key], "path": [place[1:3] for place in path]}
        for key, path in history.paths.items()
    ]
    return history, tracks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page of one picture with three objects, the last one tiny, and of a video with a car."""
    out = tmp_path_factory.mktemp("page")
    masks = np.zeros((3, *SIZE), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, BOXES, strict=True):
        mask[y1:y2, x1:x2] = True
    found = Detections(BOXES, [3, 1, 3], [0.995, 0.9, 0.55], SIZE, NAMES, masks)
    entry = Entry("cat.bmp.jpg", "cat.bmp", "2 × car, 1 × person")
    preview, size = save_preview(out, "cat.jpg", np.full((*SIZE, 3), 90, np.uint8))
    xrays = [f'<div popover id="p1-{i}">X-ray of {i}</div>' for i in (1, 2, 3)]
    entry.figure = picture_figure(entry, "p1", preview, size, found, xrays=xrays)
    save_image(out / "cat.bmp.jpg", np.full((*SIZE, 3), 90, np.uint8))
    history = History()
    for second in range(20):
        box = [[10 * second, 90, 10 * second + 20, 110]]
        history.add(second, Detections(box, [3], [1], SIZE, NAMES, track_ids=[1]))
    video = Entry("a.mp4", "a.mov", "20 frames", is_video=True)
    video.figure = video_figure(video, preview, SIZE, history)
    detector = types.SimpleNamespace(name="toy", card={"note": "a note"}, score_threshold=0.5)
    page = make_page([entry, video], "3 objects", {"car": 3, "person": 1}, detector, [])
    (out / "index.html").write_text(page, "utf-8")
    return out


@contextlib.contextmanager
def opened(path, *size, **settings):
    """A page in the browser; nothing may complain or ask for anything outside."""
    wrong = []
    with browsing(*size, **settings) as browser:
        page = browser.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: wrong.append(asked.url) if "//" in asked.url[6:] else None)
        page.goto(pathlib.Path(path).as_uri())
        yield page
    assert not [line for line in wrong if not line.startswith(("file:", "data:"))]


def luminance_contrast(page, place):
    """The contrast of letters and ground of an element."""
    element = page.locator(place).first
    ink = element.evaluate("element => getComputedStyle(element).color")
    colors = [re.findall(r"\d+", text)[:3] for text in (ink, element.evaluate(PAPER))]
    return contrast(*[tuple(map(int, color)) for color in colors])


@needs_browser
@pytest.mark.slow
def test_objects_are_filtered_compared_enlarged_and_walked_back(folder):
    with opened(folder / "index.html", color_scheme="light") as page:
        shown, status = page.locator(".objects li:visible"), page.locator(".filter [role=status]")
        assert shown.count() == 3 and status.inner_text() == "3 of 3 objects, 1 of 1 tracks"
        assert shown.first.inner_text().split() == "#1 car 10,000 pixels 99 % X-ray".split()
        tags = page.locator(".tag:visible")
        page.locator(".picture").scroll_into_view_if_needed()
        expect(tags).to_have_text(["#1 · 99\xa0%", "#2 · 90\xa0%"])  # the third would hide #2

        page.locator("[name=score]").fill("60")
        assert shown.count() == 2 and page.locator("g:visible").count() == 2
        assert page.locator(".filter output").inner_text() == "60\xa0%"
        page.get_by_label("car").uncheck()
        assert shown.count() == 1 and status.inner_text() == "1 of 3 objects, 0 of 1 tracks"
        page.get_by_role("button", name="all", exact=True).click()
        page.locator("[name=score]").fill("99")  # .995 says 99 %, and stays
        assert shown.count() == 1 and "#1" in shown.inner_text()
        page.locator("[name=score]").fill("50")

        after = page.locator(".after")
        page.locator("[name=wipe]").fill("40")
        clipped = "element => getComputedStyle(element).clipPath"
        assert after.evaluate(clipped) == "inset(0px 0px 0px 40%)"
        sheet, width = page.locator(".picture .sheet"), "element => element.clientWidth"
        before = sheet.evaluate(width)
        page.get_by_label("larger").click()
        page.get_by_label("larger").click()
        assert sheet.evaluate(width) == pytest.approx(2.25 * before, rel=0.02)
        shown.nth(2).locator(".pick").click()  # the tiny one comes into view, and has its label
        assert "#3 · 55\xa0%" in tags.all_inner_texts()
        assert shown.nth(2).locator(".pick").get_attribute("aria-pressed") == "true"
        page.get_by_label("whole").click()
        assert sheet.evaluate(width) == before

        page.locator("g[data-number='2'] .mask").click(force=True, position={"x": 300, "y": 200})
        assert page.locator("#p1-2").is_visible() and not page.locator("#p1-1").is_visible()
        page.keyboard.press("Escape")


def slide(page, slider, to):
    """Pull a slider by a finger, from its left end to a share of its length."""
    slider.scroll_into_view_if_needed()
    place = slider.bounding_box()
    finger = page.context.new_cdp_session(page)
    y = place["y"] + place["height"] / 2
    for i, share in enumerate([0, to / 2, to]):
        points = [{"x": place["x"] + 8 + share * (place["width"] - 16), "y": y}]
        kind = "touchMove" if i else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@needs_browser
@pytest.mark.slow
def test_fingers_do_what_a_mouse_does(folder):
    with opened(folder / "index.html", phone="Pixel 7") as page:
        wipe, score = page.locator("[name=wipe]"), page.locator("[name=score]")
        for slider in (wipe, score):
            assert slider.bounding_box()["height"] >= 32  # pixels: a finger is no needle
        slide(page, wipe, 0.6)
        assert float(wipe.input_value()) == pytest.approx(60, abs=3)
        slide(page, score, 0.9)  # of 50 to 100
        assert float(score.input_value()) == pytest.approx(95, abs=2)
        assert page.locator(".objects li:visible").count() == 1
        slide(page, score, 0)
        sheet, width = page.locator(".picture .sheet"), "element => element.clientWidth"
        before = sheet.evaluate(width)
        page.get_by_label("larger").tap()
        assert sheet.evaluate(width) > before
        page.locator("g[data-number='2'] .mask").tap()
        assert page.locator("#p1-2").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def is_in_time(page, paper):
    """Whether a page that is loaded anew has this paper; a busy browser stores a choice late."""
    for _ in range(50):
        page.reload()
        if page.locator("body").evaluate(PAPER) == paper:
            return True
    return False


@needs_browser
@pytest.mark.slow
def test_dark_is_dark_and_a_phone_is_wide_enough(folder):
    with opened(folder / "index.html", 390, 800, color_scheme="dark") as page:
        assert luminance_contrast(page, "body") > 10
        assert page.locator("body").evaluate(PAPER) == "rgb(20, 24, 31)"
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.locator(".theme").click()
        assert page.locator("body").evaluate(PAPER) == "rgb(255, 255, 255)"
        assert luminance_contrast(page, "body") > 10
        page.locator("[name=wipe]").fill("40")
        assert is_in_time(page, "rgb(255, 255, 255)"), "is forgotten"
        assert page.locator("[name=wipe]").input_value() == "0", "Firefox keeps it if it may"
        page.add_init_script("Object.defineProperty(window, 'localStorage', {get() {throw 1}})")
        page.reload()
        assert page.locator("body").evaluate(PAPER) == "rgb(20, 24, 31)"
        page.locator(".theme").click()
        assert page.locator("body").evaluate(PAPER) == "rgb(255, 255, 255)"


@needs_browser
@pytest.mark.slow
def test_the_line_counts_as_python_does(folder):
    history, tracks = walks(12)
    lines = np.random.default_rng(1).uniform(0, 200, (40, 4)).round(1).tolist()
    with opened(folder / "index.html") as page:
        told = page.locator(".crossings")
        assert told.inner_text() == "1\xa0×\xa0car from A to B"
        end = page.get_by_label("end of the line")
        end.focus()
        for _ in range(40):
            end.press("ArrowDown")  # the line shrinks to the part below the car
        assert told.inner_text() == "nothing crosses the line"
        for line in lines:
            counts = page.evaluate("([tracks, line]) => crossings(tracks, line)", [tracks, line])
            right = history.crossings(line[:2], line[2:])
            sides = {"left": "A", "right": "B"}
            assert counts == {f"{name} {sides[side]}": n for (name, side), n in right.items()}
        assert sum(right.values()) > 0


# The site ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site of a toy project with two notebooks; the second has three headings and questions."""
    root = toy(tmp_path_factory.mktemp("toy"))
    text = (
        (root / "notebooks/00_toy.ipynb").read_text("utf-8").replace("Is it small?", "Is it large?")
    )
    headings = "".join(f"## Part {i}\\n\\nSeen {i} times.\\n\\n" for i in range(3))
    book = json.loads(text.replace("See [sol", f"{headings}See [sol"))
    asked = {"output_type": "display_data", "metadata": {}}
    asked["data"] = {"text/html": ask_questions("01")._repr_mimebundle_()["text/html"]}
    book["cells"].insert(-1, {**book["cells"][-2], "id": "questions", "outputs": [asked]})
    (root / "notebooks/01_more.ipynb").write_text(json.dumps(book), "utf-8")
    out = tmp_path_factory.mktemp("pages") / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / ".ci")
        importlib.import_module("build_site").build(out, root)
    return out


@needs_browser
@pytest.mark.slow
def test_one_finds_the_way_through_the_site(site):
    with opened(site / "index.html", color_scheme="light") as page:
        video = page.locator("video").evaluate("video => video.clientWidth")
        assert video == page.locator("main").evaluate("main => main.clientWidth")
        page.locator(".cards a").first.click()
        assert page.title() == "Is it small?" and page.locator(".contents").count() == 0
        page.locator("[rel=next]").click()
        assert page.title() == "Is it large?" and page.locator("[rel=next]").count() == 0
        page.locator(".contents").get_by_role("link", name="Part 2").click()
        assert page.url.endswith("01_more.html#Part-2")
        assert page.locator("header [aria-current=page]").inner_text() == "01"
        page.get_by_role("searchbox").fill("numb")  # the beginning of a word
        found = page.locator("[role=search] li")
        expect(found.first).to_contain_text("A number.")
        found.first.locator("a").click()
        assert page.title() == "Words"
        page.get_by_role("searchbox").fill("zebra")
        expect(page.locator("[role=search] ol")).to_have_text("Nothing has these words.")


@needs_browser
@pytest.mark.slow
def test_the_site_is_dark_and_fits_a_phone(site):
    with opened(site / "notebooks/01_more.html", 390, 800, color_scheme="dark") as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert luminance_contrast(page, "body") > 10
        code = page.locator(".highlight pre").last
        assert max(map(int, re.findall(r"\d+", code.evaluate(PAPER))[:3])) < 60
        for letters in page.locator(".highlight pre span:not(.w)").all():
            ink = letters.evaluate("element => getComputedStyle(element).color")
            color = tuple(map(int, re.findall(r"\d+", ink)[:3]))
            assert contrast(color, (29, 35, 45)) > 4.5, letters.inner_text()
        figure = page.locator(".output_area img").first
        figure.scroll_into_view_if_needed()
        assert figure.evaluate("image => image.currentSrc").endswith(".dark.webp")


@needs_browser
@pytest.mark.slow
def test_questions_are_answered_by_keyboard(site):
    """Tab reaches what is folded, Enter or the space bar opens it, also where no kernel is."""
    at = "document.activeElement"
    first = ask_questions("01").questions[0]
    with opened(site / "notebooks/01_more.html") as page:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(f"{at}.tagName + {at}.innerText") == "SUMMARYAnswer":
                break
        answers = page.locator("details", has_text="is right")
        expect(answers).to_have_count(10)
        for number, key in enumerate(("Enter", "Space")):
            remarks = answers.nth(number).locator("p")
            assert not remarks.is_visible()
            page.keyboard.press(key)
            expect(remarks).to_be_visible()
            page.keyboard.press("Tab")
        told = answers.first.inner_text()
        assert all(answer.remark in told for answer in first.answers)
