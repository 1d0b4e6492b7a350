"""The main job: pictures and films go in; every object comes out drawn, counted and listed.

`python3 run.py` runs it inside the environment; by hand it is `python -m helpers`.
"""

import argparse
import contextlib
import datetime
import html
import json
import os
import pathlib
import string
import sys
import threading
from collections import Counter
from urllib.parse import quote

import cv2
from tqdm.auto import tqdm

from helpers import DATA
from helpers.drawing import draw_detections
from helpers.pictures import find_images, read_image, replacing, save_image
from helpers.structures import InputError
from helpers.video import process_video, read_frames, video_info

ON_PAGE = 200  # pictures that index.html shows at most; the folder holds them all
PREVIEW = 1200  # pixels of the longer side of a picture on the page


def main(argv=None) -> int:
    """Run the job with command-line arguments; returns 0, 2 if a file failed, or 130 if stopped."""
    options = _options(argv)
    bundled = options.images is None and options.video is None
    failed = []

    def fail(line):
        failed.append(str(line))
        tqdm.write(str(line), file=sys.stderr)

    pictures, films = _inputs(options, bundled, fail)
    if not pictures and not films:
        fail("nothing was done: no picture and no film could be used")
        return 2
    try:
        with _waiting("starting TensorFlow"):
            from helpers.models import load_detector, resolve
        name = resolve(options.model)  # a download shows how far it is
        with _waiting(f"loading the model {name!r}"):
            detector = load_detector(name, score_threshold=options.score, say=None)
        note = detector.card.get("note")
        if note and not bundled:
            print(f"note on {detector.name}: {note}")
        how = {"every": options.every, "resume": options.resume, "progress": sys.stderr.isatty()}
        return _run(options.out, pictures, films, detector, note, failed, fail, **how)
    except InputError as error:
        fail(error)
    except OSError as error:
        fail(f"{error.filename or options.out}: {error.strerror or error}; nothing old was lost")
    except KeyboardInterrupt:
        fail("stopped before there was a result")
        return 130
    return 2


def _options(argv):
    """The command line, read; what makes no sense ends the program with code 2 and a line."""
    parser = argparse.ArgumentParser(prog="python3 run.py", description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--images", nargs="+", metavar="PATH", help="pictures: files, folders or 'patterns*.jpg'")
    add("--video", nargs="+", metavar="FILE", help="films")
    add("--model", default="streets", metavar="NAME", help="a model's name, or its folder")
    add("--score", type=float, default=0.5, help="drop objects that score less (default 0.5)")
    every = {"type": int, "default": 1, "choices": range(1, 31), "metavar": "K"}
    add("--every", **every, help="films: detect in each K-th frame, carry masks to the others")
    add("--resume", action="store_true", help="films: go on where a stopped run was")
    add("--out", type=pathlib.Path, default="outputs", help="the folder for results (outputs)")
    options = parser.parse_args(argv)
    if not 0 <= options.score <= 1:
        parser.error(f"--score must lie between 0 and 1, got {options.score}")
    return options


def _inputs(options, bundled, fail):
    """The pictures and films to work on, each once; what cannot be one is reported to `fail`."""
    patterns = [DATA / "pictures"] if bundled else options.images or []
    films, pictures = {}, {}
    for name in [DATA / "street.mp4"] if bundled else options.video or []:
        with _reporting(fail, name):
            video_info(name)
            films[pathlib.Path(name).expanduser().resolve()] = pathlib.Path(name).expanduser()
    for pattern in patterns:
        with _reporting(fail, pattern):
            pictures.update((path.resolve(), path) for path in find_images(pattern))
    out = options.out.expanduser().resolve()
    for found in (films, pictures):
        for path in [path for path in found if path.parent in (out, out / "page")]:
            fail(f"{found.pop(path)}: lies where the results go; name another folder with --out")
    return list(pictures.values()), list(films.values())


@contextlib.contextmanager
def _reporting(fail, path):
    """Go on after a file that cannot be used: a line that names it goes to `fail`."""
    try:
        yield
    except InputError as error:
        fail(error)
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
        fail(f"{path}: needs more memory than there is; make it smaller")


@contextlib.contextmanager
def _waiting(text):
    """Show a text and the seconds since, on a terminal; hide TensorFlow's unbidden greetings."""
    done, kept = threading.Event(), os.dup(2)
    with open(os.devnull, "w") as nowhere, os.fdopen(kept, "w") as screen:
        bar = tqdm(desc=text, bar_format="{desc} … {elapsed}", disable=None, file=screen)
        tick = lambda: [bar.refresh() for _ in iter(lambda: done.wait(0.5), True)]  # noqa: E731
        (thread := threading.Thread(target=tick, daemon=True)).start()
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            done.set()
            thread.join()
            bar.close()


def _run(out, pictures, films, detector, note, failed, fail, **how):
    """Work through the inputs, then write results.json and index.html; returns the exit code."""
    out, taken, entries, counts, stopped = out.expanduser(), set(), [], Counter(), False
    with contextlib.ExitStack() as stack:
        part = stack.enter_context(replacing(out / "results.json"))
        results = _Results(stack.enter_context(open(part, "w", encoding="utf-8")), detector)
        bar = tqdm(pictures, desc="pictures", unit="picture", delay=1, disable=None)
        try:
            for path in bar:
                with _reporting(fail, path):
                    entry = _picture(path, out, taken, detector, results, len(entries) < ON_PAGE)
                    counts.update(entry.pop("names"))
                    entries.append(entry)
            for path in films:
                with _reporting(fail, path), results.whole():
                    entries.append(_film(path, out, taken, detector, results, fail, **how))
        except KeyboardInterrupt:
            stopped = True
            fail("stopped: the results tell of what was done so far")
        if not entries:
            raise InputError("nothing was done: no picture and no film could be used")
        results.close()
    films = [f"{entry['name']}: {entry['text']}" for entry in entries if "film" in entry]
    summary = f"{len(entries) - len(films)} pictures, {sum(counts.values())} objects"
    summary = [f"{summary}: {_listing(counts)}"] * (len(films) < len(entries))
    with replacing(out / "index.html") as part:
        part.write_text(_page(entries, summary, detector, note, failed), "utf-8")
    print(*summary, *films, f"results are in {out.resolve()}", sep="\n")
    print(f"look at them: {(out / 'index.html').resolve().as_uri()}")
    return 130 if stopped else 2 if failed else 0


def _picture(path, out, taken, detector, results, on_page):
    """Find and draw the objects of one picture; returns its entry for the page."""
    image = read_image(path)
    found = detector(image)
    name = _free_name(path, ".png" if path.suffix.lower() == ".png" else ".jpg", taken)
    save_image(out / name, drawn := draw_detections(image, found))
    results.add(path, name, found)
    entry = {"name": name, "text": _listing(Counter(found.names)), "names": found.names}
    if on_page:
        entry["before"] = _preview(out, f"{name}.before.jpg", image)
        entry["after"] = _preview(out, f"{name}.after.jpg", drawn)
    return entry


def _film(path, out, taken, detector, results, fail, **how):
    """Find and draw the objects of one film; returns its entry for the page."""
    name, most = _free_name(path, ".mp4", taken), Counter()

    def note(index, seconds, found):
        if found is not None:
            results.add(path, name, found, frame=index, seconds=round(seconds, 3))
            most.update({k: max(0, n - most[k]) for k, n in Counter(found.names).items()})

    report = process_video(path, out / name, detector, on_frame=note, **how)
    for index, why in list(report.failed.items())[:3]:
        fail(f"{path}: frame {index} of {len(report.failed)} without a result ({why})")
    if report.cut_off:
        fail(f"{path}: breaks off after {report.seconds:.1f} s, which were used; copy it again")
    sound = f"sound {report.sound}" if report.sound else "no sound"
    text = f"{report.frames} frames, {sound}; at most at once {_listing(most)}"
    poster = _preview(out, f"{name}.poster.jpg", next(read_frames(out / name)))
    return {"name": name, "text": text, "film": poster}


def _free_name(path, suffix, taken):
    """A result's name, like its source's, that no other result has, whatever the capitals."""
    name, count = path.stem + suffix, 1
    while name.casefold() in taken:
        count += 1
        name = f"{path.stem}-{count}{suffix}"
    taken.add(name.casefold())
    return name


def _preview(out, name, image):
    """Save a small copy for the page; returns its address there, relative."""
    shrink = min(1, PREVIEW / max(image.shape[:2]))
    size = [max(1, round(side * shrink)) for side in image.shape[1::-1]]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if shrink < 1 else image
    save_image(out / "page" / name, small)
    return quote(f"page/{name}")


def _listing(counts):
    """What was counted, most first: "3 × car, 1 × dog"."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{n} × {name}" for name, n in ranked if n) or "no object"


class _Results:
    """COCO JSON, written to an open file as the objects come, so that memory does not grow."""

    def __init__(self, file, detector):
        self.file, self.images, self.annotations = file, [], 0
        info = {
            "description": "objects found by Pixelwise",
            "model": detector.name,
            "date_created": datetime.datetime.now().isoformat(timespec="seconds"),
        }
        kinds = [{"id": key, "name": name} for key, name in detector.categories.items()]
        head = {"info": info, "licenses": [], "categories": kinds}
        file.write(json.dumps(head)[:-1] + ', "annotations": [')

    def add(self, path, result, found, **more):
        """Add a picture or a frame of a film, its result's name and its objects."""
        height, width = found.image_size
        image = {"id": len(self.images) + 1, "file_name": str(path), "width": width}
        self.images.append(json.dumps({**image, "height": height, "result": result, **more}))
        for record in found.to_coco(len(self.images)):
            comma, self.annotations = ",\n" if self.annotations else "\n", self.annotations + 1
            _, _, w, h = record["bbox"]
            bare = {"id": self.annotations, "iscrowd": 0, "area": w * h, "segmentation": []}
            self.file.write(comma + json.dumps({**bare, **record}))

    @contextlib.contextmanager
    def whole(self):
        """Take back what the block added if it fails."""
        state = self.file.tell(), len(self.images), self.annotations
        try:
            yield
        except BaseException:
            self.file.seek(state[0])
            self.file.truncate()
            del self.images[state[1] :]
            self.annotations = state[2]
            raise

    def close(self):
        """Write the list of pictures, which completes the file."""
        self.file.write('\n], "images": [\n' + ",\n".join(self.images) + "\n]}\n")


def _page(entries, summary, detector, note, failed):
    """index.html: what was found, before and after, for any browser and without a network."""
    text = lambda plain: html.escape(plain).replace(" × ", "&nbsp;×&nbsp;")  # noqa: E731
    films, pictures = [], []
    for entry in entries:
        name, found, link = text(entry["name"]), text(entry["text"]), quote(entry["name"])
        caption = f'<figcaption><a href="{link}">{name}</a> · {found}</figcaption></figure>'
        if "film" in entry:
            films.append(
                f'<figure><video controls playsinline preload="metadata" src="{link}" '
                f'poster="{entry["film"]}"></video>{caption}'
            )
        elif "before" in entry:
            pictures.append(
                f'<figure><div><img loading="lazy" src="{entry["before"]}" alt="{name} as it was">'
                f'<a href="{link}"><img loading="lazy" src="{entry["after"]}" '
                f'alt="{name} with its objects drawn: {found}"></a></div>{caption}'
            )
    more = len(entries) - len(films) - len(pictures)
    return string.Template((DATA / "page.html").read_text("utf-8")).substitute(
        model=text(detector.name),
        score=f"{detector.score_threshold:g}",
        note=text(note or ""),
        failed="".join(f"<li>{text(line)}</li>" for line in failed[:50]),
        summary=text("".join(summary)),
        films="\n".join(["<h2>Films</h2>"] * bool(films) + films),
        pictures="\n".join(["<h2>Pictures, before and after</h2>"] * bool(pictures) + pictures),
        more=f"{more} more pictures are in this folder." if more else "",
    )


if __name__ == "__main__":
    sys.exit(main())
