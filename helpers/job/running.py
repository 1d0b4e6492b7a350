"""Picture by picture and video by video: detect, draw, save, list."""

import sys
from collections import Counter
from urllib.parse import quote

from tqdm.auto import tqdm

from helpers.drawing import draw_detections
from helpers.job.clip import FIRST_LINE, crossed, tracks_file, video_figure
from helpers.job.crops import write_crops
from helpers.job.page import Entry, make_page, save_preview
from helpers.job.picture import picture_figure
from helpers.job.results import writing_results
from helpers.job.together import together
from helpers.job.xray import can_xray, has_room, make_xrays
from helpers.pictures import read_image, remove_halves, replacing, save_image
from helpers.structures import InputError
from helpers.video import History, process_video, read_frames

ON_PAGE = 200  # pictures that index.html shows at most; the folder holds them all
WITH_XRAYS = 3  # pictures at most, where the model has them
KEPT = (".jpg", ".jpeg", ".png")  # endings that a picture's result keeps; others get .jpg behind


def run(options, tasks, problems) -> int:
    """Work through the inputs, then write results.json, results.csv and index.html.

    Args:
        options: see `read_options`.
        tasks: (Work, Detector) each, at least one; see `find_work`.
        problems: Problems.

    Returns:
        The exit code: 0, 2 if there was a problem, 130 if a user stopped it.

    Raises:
        InputError: not one of them could be used; older results stay.
        KeyboardInterrupt: a user stopped it before there was a result; older ones stay.
    """
    was_stopped = False
    for folder in (options.out, options.out / "page", *options.out.glob("crops/*/")):
        remove_halves(folder)
    everyone = together([detector for _, detector in tasks])
    with writing_results(options.out, everyone) as results:
        job = Job(options, everyone, results, problems)
        try:
            for work, detector in tasks:
                job.detector = detector
                job.add_pictures(work.pictures)
                job.add_videos(work.videos)
        except KeyboardInterrupt:
            if not job.entries:
                raise
            was_stopped = True
            problems.add("stopped: the results tell of what was done so far")
        if not job.entries:
            raise InputError("nothing was done; older results stay")
    with replacing(options.out / "index.html") as part:
        downloads = "cut-outs: the folder crops" if options.crops else ""
        page = make_page(
            job.entries, job.summary(), job.all_counts, everyone, problems.lines, downloads
        )
        part.write_text(page, "utf-8")
    _tell(job, options)
    if was_stopped:
        return 130
    return 2 if problems.lines else 0


class Job:
    """What has been done so far.

    Attributes:
        detector: the model at work.
        entries: list of Entry, for the page.
        counts: Counter of the names of all objects in pictures.
        all_counts: the same with the tracks of videos.
    """

    def __init__(self, options, detector, results, problems):
        self.options = options
        self.detector = detector
        self.results = results
        self.problems = problems
        self.entries = []
        self.counts = Counter()
        self.all_counts = Counter()
        self.num_xrayed = 0  # pictures
        self.taken = set()  # names of results
        self.sources = set()  # names of pictures and videos

    def add_pictures(self, paths):
        """Find and draw the objects of pictures, each in its own file."""
        for path in tqdm(paths, desc="pictures", unit="picture", delay=1, disable=None):
            with self.problems.survive(path), self.results.all_or_nothing():
                self._add_picture(path)

    def add_videos(self, paths):
        """Find and draw the objects of videos, each in its own file."""
        for path in paths:
            with self.problems.survive(path), self.results.all_or_nothing():
                self._add_video(path)

    def summary(self) -> str:
        """A line on all pictures; "" if there are none."""
        num_pictures = sum(not entry.is_video for entry in self.entries)
        if num_pictures == 0:
            return ""
        num_objects = sum(self.counts.values())
        pictures = counted(num_pictures, "picture")
        return f"{pictures}, {counted(num_objects, 'object')}: {listing(self.counts)}"

    def _add_picture(self, path):
        image = read_image(path)
        detections = self.detector(image)
        name = self._free_name(path, KEPT, ".jpg")
        save_image(self.options.out / name, draw_detections(image, detections))
        self.results.add(path, name, detections)
        counts = Counter(detections.names)
        entry = Entry(name, self._source(path), listing(counts))
        crops = self._cut_out(name, image, detections)
        if len(self.entries) < ON_PAGE:
            entry.figure = self._figure(entry, image, detections, crops)
        self.counts += counts
        self.all_counts += counts
        self.entries.append(entry)

    def _cut_out(self, name, image, detections):
        """The addresses of the objects cut out, if that is wanted."""
        if not self.options.crops:
            return []
        paths = write_crops(self.options.out / "crops" / name, image, detections)
        return [path and quote(path.relative_to(self.options.out).as_posix()) for path in paths]

    def _figure(self, entry, image, detections, crops):
        """A picture as the page shows it."""
        key = f"p{len(self.entries) + 1}"
        out = self.options.out
        preview, size = save_preview(out, f"{entry.name}.before.jpg", image)
        xrays = []
        if self.num_xrayed < WITH_XRAYS and can_xray(self.detector) and has_room():
            self.num_xrayed += 1
            with self.problems.survive(f"{entry.source}, its X-rays"):  # the picture is done
                xrays = make_xrays(self.detector, image, detections, out, entry.name, key)
        return picture_figure(entry, key, preview, size, detections, crops, xrays)

    def _add_video(self, path):
        name = self._free_name(path, [".mp4"], ".mp4")
        most = Counter()  # objects of each name at once
        history = History()

        def note(index, seconds, detections):
            if detections is None:
                return
            self.results.add(path, name, detections, frame=index, seconds=round(seconds, 3))
            history.add(seconds, detections)
            for label, count in Counter(detections.names).items():
                most[label] = max(most[label], count)

        report = process_video(
            path,
            self.options.out / name,
            self.detector,
            on_frame=note,
            every=self.options.every,
            resume=self.options.resume,
            progress=sys.stderr.isatty(),
        )
        self._note_what_is_missing(path, report)
        sound = f"sound {report.sound}" if report.sound else "no sound"
        text = f"{report.frames} frames, {sound}; most at one time: {listing(most)}"
        first = next(read_frames(self.options.out / name))
        poster, _ = save_preview(self.options.out, f"{name}.poster.jpg", first)
        history.write(self.options.out / tracks_file(name))
        size = first.shape[:2]
        if self.options.line:
            text += f"; across the line {crossed(history, size, self.options.line)}"
        entry = Entry(name, self._source(path), text, is_video=True)
        line = self.options.line or FIRST_LINE
        entry.figure = video_figure(entry, poster, size, history, line)
        self.all_counts += Counter(history.names.values())
        self.entries.append(entry)

    def _note_what_is_missing(self, path, report):
        """A line for frames without a result, the first three, and for an end that is missing."""
        for index, why in list(report.failed.items())[:3]:
            self.problems.add(
                f"{path}: frame {index} of {len(report.failed)} without a result ({why})"
            )
        if report.cut_off:
            self.problems.add(
                f"{path}: breaks off after {report.seconds:.1f} s, which were used; copy it again"
            )

    def _free_name(self, path, kept, suffix):
        """A result's name, which says its source's ending and is no other result's.

        Args:
            path: of the source.
            kept: endings that stay as they are.
            suffix: what stands behind the others: cat.bmp becomes cat.bmp.jpg.
        """
        stem, ending = path.stem, path.suffix
        if ending.lower() not in kept:
            stem, ending = path.name, suffix
        name = stem + ending
        count = 1
        while name.casefold() in self.taken:  # whatever the capitals
            count += 1
            name = f"{stem}-{count}{ending}"
        self.taken.add(name.casefold())
        return name

    def _source(self, path):
        """What the page calls a source: its name, with its folder if another one is called so."""
        if path.name in self.sources:
            return f"{path.resolve().parent.name}/{path.name}"
        self.sources.add(path.name)
        return path.name


def counted(number, word) -> str:
    """A number and what it counts: 1 picture, 2 pictures."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def listing(counts) -> str:
    """What was counted, most first: "3 × car, 1 × dog"."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} × {name}" for name, count in ranked if count) or "no object"


def _tell(job, options):
    """Print what was found, and where it lies."""
    summary = job.summary()
    lines = [summary] if summary else []
    lines += [f"{entry.name}: {entry.text}" for entry in job.entries if entry.is_video]
    lines += [
        f"results are in {options.out.resolve()}",
        f"look at them: {(options.out / 'index.html').resolve().as_uri()}",
    ]
    print(*lines, sep="\n", file=options.told)
