"""Many videos, or the parts of a long one, on all processors of a machine or on many machines.

The work is cut into calls that need nothing but files which all workers see: the source, and a
folder beside the result. Any executor of `concurrent.futures` makes them, in any order; what comes
out is what `process_video` makes: each part is detected in, then one call says who is who from the
first part to the last, then each part is drawn and encoded.
"""

import contextlib
import dataclasses
import functools
import itertools
import json
import multiprocessing
import pathlib
import threading
from collections import Counter
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor

from tqdm.auto import tqdm

from helpers.pictures import replacing
from helpers.structures import InputError, require
from helpers.video.parts import join_parts, make_plan, note, part_file, parts_folder, recall
from helpers.video.pipeline import Clock, decode, detect, draw, follow, write
from helpers.video.tracks import Tracker

OPEN_VIDEOS = 16  # videos in work at a time: their parts need room on the disk
DEATHS = 3  # of workers, with no call finished in between: then it is the work that kills them


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
    out, names, wanted = pathlib.Path(out_folder).expanduser().resolve(), Counter(), []
    for src in videos:
        names[src.stem] += 1
        number = f"-{names[src.stem]}" * (names[src.stem] > 1)
        wanted.append(out / f"{src.stem}{number}.mp4")
    bar = tqdm(desc=f"{len(videos)} videos", unit="call", total=0, disable=not progress, delay=2)
    with bar, ThreadPoolExecutor(OPEN_VIDEOS) as threads:
        crew = _Crew(executor, bar)
        try:
            make = functools.partial(_make, crew, model, track, options)
            return list(threads.map(make, videos, wanted))
        finally:
            crew.close()


def _make(crew, model, track, options, src, dst):
    """See one video through all its calls; what was made by an earlier run is not made again."""
    try:
        (plan,) = crew.run(functools.partial(make_plan, **options), [(src, dst)])
        wishes = plan, src.stat().st_mtime, getattr(model, "__qualname__", model), track
        with parts_folder(dst, repr(wishes)) as folder:
            numbers, notes = range(len(plan.starts)), ".tracks" if track else ".jsonl"
            missing = lambda suffix: [  # noqa: E731
                (plan, folder, n) for n in numbers if not part_file(folder, n, suffix).exists()
            ]
            crew.run(functools.partial(detect_part, model=model), missing(".jsonl"))
            crew.run(track_video, [call[:2] for call in missing(notes)[:1]])
            crew.run(functools.partial(draw_part, notes=notes), missing(".mp4"))
            ((sound, problems),) = crew.run(join_video, [(plan, folder, dst)])
        failed = {index: problem for index, problem in enumerate(problems) if problem}
        return VideoResult(src, dst, len(problems), sound, failed)
    except Exception as error:
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        return VideoResult(src, problem=f"{kind}{error}")


class _Crew:
    """An executor that several threads use; another one is made if its workers die."""

    def __init__(self, executor, bar):
        self.make, self.own = executor, executor is None or callable(executor)
        self.pool = executor() if callable(executor) else executor or ThreadPoolExecutor(1)
        self.bar, self.lock, self.futures = bar, threading.Lock(), []

    def run(self, function, calls):
        """What function(*call) returns for each call, in order; the first error is raised."""
        results, deaths = {}, 0
        self.bar.total += len(calls)
        while todo := [i for i in range(len(calls)) if i not in results]:
            pool, before, futures = self.pool, len(results), {}
            try:
                for i in todo:
                    futures[i] = pool.submit(function, *calls[i])
                    self.futures.append(futures[i])
                for i in todo:
                    results[i] = futures[i].result()
                    self.bar.update()
            except BrokenExecutor:
                ended = {i: future for i, future in futures.items() if not future.exception()}
                results.update((i, future.result()) for i, future in ended.items())
                deaths = 0 if len(results) > before else deaths + 1
                if deaths == DEATHS or not callable(self.make):
                    raise InputError("a worker was killed: is there enough memory?") from None
                with self.lock:
                    self.pool = self.make() if self.pool is pool else self.pool
            finally:
                for future in futures.values():
                    future.cancel()
        return [results[i] for i in range(len(calls))]

    def close(self):
        """Let no call begin any more."""
        for future in self.futures:
            future.cancel()
        if self.own:
            self.pool.shutdown(cancel_futures=True)


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
    _keep(follow(frames, plan, None, clock), part_file(folder, number, ".jsonl"))


def track_video(plan, folder):
    """Say who is who in a whole video, from the notes alone."""
    tracker = Tracker()
    for number in range(len(plan.starts)):
        frames = follow(recall(folder, [number]), plan, tracker, Clock())
        named = (dataclasses.replace(frame, detections=frame.tracked) for frame in frames)
        _keep(named, part_file(folder, number, ".tracks"))


def draw_part(plan, folder, number, notes):
    """Draw and encode a part of a video, from the notes and the video's own frames."""
    clock, known = Clock(), recall(folder, [number], notes)
    frames = zip(decode(plan, [number], clock), known, strict=True)
    frames = (dataclasses.replace(a, tracked=b.detections, problem=b.problem) for a, b in frames)
    for _ in write(draw(frames, clock), plan, folder, clock):
        pass


def join_video(plan, folder, dst):
    """Join the parts; returns what became of the sound, and of each frame its problem or None."""
    paths = [part_file(folder, number, ".jsonl") for number in range(len(plan.starts))]
    lines = itertools.chain.from_iterable(path.open() for path in paths)
    return join_parts(plan, folder, dst), [json.loads(line)["problem"] for line in lines]


def _keep(frames, path):
    """Write the notes on some frames."""
    with replacing(path) as part, part.open("w") as file:
        file.writelines(map(note, frames))


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
    room = "distributed.nanny.pre-spawn-environ.MALLOC_"
    calm = {f"{room}TRIM_THRESHOLD_": 1 << 28, f"{room}MMAP_THRESHOLD_": 1 << 25}
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with dask.config.set(calm), LocalCluster(**options) as cluster, Client(cluster) as client:
        yield client.get_executor()
