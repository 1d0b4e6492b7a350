"""Many videos, or the parts of a long one, on all processors of a machine or on many machines.

The work is cut into calls that need nothing but files which all workers see: the source, and a
folder beside the result. Any executor of `concurrent.futures` makes them, in any order; what comes
out is what `process_video` makes: each part is detected in, then one call says who is who from the
first part to the last, then each part is drawn and encoded.
"""

import contextlib
import dataclasses
import functools
import json
import multiprocessing
import pathlib
import threading
from collections import Counter
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor

from tqdm.auto import tqdm

from helpers.pictures import replacing
from helpers.structures import InputError, require
from helpers.video.parts import frames_from_notes, join_parts, part_file, parts_folder, to_note
from helpers.video.pipeline import Clock, decode, detect, draw, track_frames, write
from helpers.video.plan import make_plan
from helpers.video.tracks import Tracker

OPEN_VIDEOS = 16  # videos in work at a time: their parts need room on the disk
MAX_DEATHS = 3  # of workers, with no call finished in between: then it is the work that kills them
DETECTED, TRACKED = ".jsonl", ".tracks"  # suffixes of the notes on a part, before and after


@dataclasses.dataclass(frozen=True)
class VideoResult:
    """What became of one video."""

    src: pathlib.Path
    path: pathlib.Path | None = None  # None: see problem
    frames: int = 0
    sound: str | None = None  # "copied" or "as AAC"
    failed: dict[int, str] = dataclasses.field(default_factory=dict)  # why a frame has no result
    problem: str | None = None


def process_many(
    videos, out_folder, model, executor=None, *, track=True, progress=True, **options
) -> list[VideoResult]:
    """Find and draw the objects of many videos; a bad one does not hold up the others.

    Stopped or failed, it goes on where it was when it is called again: finished parts lie in the
    folder NAME.mp4.parts until the video is whole.

    Args:
        videos: paths that all workers can read.
        out_folder: where NAME.mp4 goes for each; all workers can write there.
        model: a name for `load_detector`, or a function without arguments that returns a detector,
            from a module that workers can import. Each process loads it once.
        executor: None: here, one call after another; an executor, such as that of a Dask cluster,
            `Client(address).get_executor()`; or a function that makes one, such as `local_pool`:
            it is called again if a worker is killed, which ends a process pool.
        track: see `process_video`.
        progress: show a bar over the calls for all videos.
        options: start, end, every, scale and batch_size of `process_video`.

    Returns:
        `VideoResult` for each video, in order.
    """
    videos = [pathlib.Path(video).expanduser().resolve() for video in videos]
    require(len(set(videos)) == len(videos), "videos must differ, some is named twice")
    results = _result_paths(videos, pathlib.Path(out_folder).expanduser().resolve())
    bar = tqdm(desc=f"{len(videos)} videos", unit="call", total=0, disable=not progress, delay=2)
    with bar, ThreadPoolExecutor(OPEN_VIDEOS) as threads:
        crew = _Crew(executor, bar)
        try:
            make = functools.partial(_make_video, crew, model, track, options)
            return list(threads.map(make, videos, results))
        finally:
            crew.close()


def _result_paths(videos, folder):
    """Where the result of each video goes; those of one name are numbered."""
    seen = Counter()
    paths = []
    for src in videos:
        seen[src.stem] += 1
        name = src.stem
        if seen[src.stem] > 1:
            name = f"{name}-{seen[src.stem]}"
        paths.append(folder / f"{name}.mp4")
    return paths


def _make_video(crew, model, track, options, src, dst):
    """See one video through all its calls; what was made by an earlier run is not made again."""
    try:
        (plan,) = crew.run(functools.partial(make_plan, **options), [(src, dst)])
        stamp = repr((plan, src.stat().st_mtime, getattr(model, "__qualname__", model), track))
        with parts_folder(dst, stamp) as folder:
            detect_call = functools.partial(detect_part, model=model)
            crew.run(detect_call, _missing(plan, folder, DETECTED))
            notes = DETECTED
            if track:
                notes = TRACKED
                if _missing(plan, folder, TRACKED):
                    crew.run(track_video, [(plan, folder)])
            draw_call = functools.partial(draw_part, notes=notes)
            crew.run(draw_call, _missing(plan, folder, ".mp4"))
            ((sound, problems),) = crew.run(join_video, [(plan, folder, dst)])
        failed = {index: problem for index, problem in enumerate(problems) if problem}
        return VideoResult(src, dst, len(problems), sound, failed)
    except InputError as error:
        return VideoResult(src, problem=str(error))
    except Exception as error:
        return VideoResult(src, problem=f"{type(error).__name__}: {error}")


def _missing(plan, folder, suffix):
    """The parts of which a file is not there yet, as arguments of a call."""
    numbers = range(len(plan.starts))
    return [(plan, folder, n) for n in numbers if not part_file(folder, n, suffix).exists()]


class _Crew:
    """An executor that several threads use; another one is made if its workers die."""

    def __init__(self, executor, bar):
        self._make = executor if callable(executor) else None
        self._is_own = executor is None or callable(executor)
        if executor is None:
            self._pool = ThreadPoolExecutor(1)
        elif callable(executor):
            self._pool = executor()
        else:
            self._pool = executor
        self._bar = bar
        self._lock = threading.Lock()
        self._futures = []

    def run(self, function, calls):
        """What function(*call) returns for each call, in order; the first error is raised."""
        results = {}
        num_deaths = 0
        self._bar.total += len(calls)
        while len(results) < len(calls):
            pool = self._pool
            num_before = len(results)
            try:
                self._run_on(pool, function, calls, results)
            except BrokenExecutor:
                num_deaths = 0 if len(results) > num_before else num_deaths + 1
                if num_deaths == MAX_DEATHS or self._make is None:
                    raise InputError("a worker was killed: is there enough memory?") from None
                with self._lock:
                    if self._pool is pool:  # no other thread has replaced it
                        self._pool = self._make()
        return [results[i] for i in range(len(calls))]

    def _run_on(self, pool, function, calls, results):
        """Make those of the calls that have no result yet; `results` is filled, come what may."""
        futures = {}
        try:
            for i in range(len(calls)):
                if i not in results:
                    futures[i] = pool.submit(function, *calls[i])
                    self._futures.append(futures[i])
            for i, future in futures.items():
                results[i] = future.result()
                self._bar.update()
        except BrokenExecutor:
            for i, future in futures.items():
                if not future.exception():
                    results[i] = future.result()
            raise
        finally:
            for future in futures.values():
                future.cancel()

    def close(self):
        """Let no call begin any more."""
        for future in self._futures:
            future.cancel()
        if self._is_own:
            self._pool.shutdown(cancel_futures=True)


@functools.lru_cache(maxsize=1)
def _detector(model):
    """The model of this process, loaded once."""
    if callable(model):
        return model()
    from helpers.models import load_detector

    return load_detector(model, say=None)


def detect_part(plan, folder, number, model):
    """Detect in a part of a video, and note what was found."""
    clock = Clock()
    frames = detect(decode(plan, [number], clock), _detector(model), plan, clock)
    frames = track_frames(frames, plan, None, clock)  # carries masks, follows nobody
    _write_notes(frames, part_file(folder, number, DETECTED))


def track_video(plan, folder):
    """Say who is who in a whole video, from the notes alone."""
    tracker = Tracker()
    for number in range(len(plan.starts)):
        frames = track_frames(frames_from_notes(folder, [number]), plan, tracker, Clock())
        frames = (dataclasses.replace(frame, detections=frame.tracked) for frame in frames)
        _write_notes(frames, part_file(folder, number, TRACKED))


def draw_part(plan, folder, number, notes):
    """Draw and encode a part of a video, from its frames and the notes of suffix `notes`."""
    clock = Clock()
    frames = _with_notes(plan, folder, number, notes, clock)
    for _ in write(draw(frames, clock), plan, folder, clock):
        pass


def _with_notes(plan, folder, number, notes, clock):
    """The frames of a part with what is noted on them."""
    decoded = decode(plan, [number], clock)
    noted = frames_from_notes(folder, [number], notes)
    for frame, note in zip(decoded, noted, strict=True):
        yield dataclasses.replace(frame, tracked=note.detections, problem=note.problem)


def join_video(plan, folder, dst):
    """Join the parts; returns what became of the sound, and of each frame its problem or None."""
    problems = []
    for number in range(len(plan.starts)):
        with part_file(folder, number, DETECTED).open() as notes:
            problems += [json.loads(line)["problem"] for line in notes]
    return join_parts(plan, folder, dst), problems


def _write_notes(frames, path):
    """Write the notes on some frames."""
    with replacing(path) as part, part.open("w") as file:
        file.writelines(to_note(frame) for frame in frames)


def local_pool(workers=2):
    """Processes of this machine, as an executor: `process_many(..., executor=local_pool)`."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


@contextlib.contextmanager
def local_cluster(workers=2):
    """A Dask cluster of processes on this machine; gives its executor.

    Dask tells its workers to hand back freed memory at once, which costs 45 % more computing with
    arrays as large as frames (github.com/dask/distributed issue 3898): here they keep it.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError("Dask is missing: pip install distributed, or use local_pool") from None
    environment = "distributed.nanny.pre-spawn-environ"
    keep_memory = {
        f"{environment}.MALLOC_TRIM_THRESHOLD_": 1 << 28,
        f"{environment}.MALLOC_MMAP_THRESHOLD_": 1 << 25,
    }
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with dask.config.set(keep_memory), LocalCluster(**options) as cluster:
        with Client(cluster) as client:
            yield client.get_executor()
