"""The parts of a video: kept in a folder until all are there, then joined as they are.

Beside a part lie notes on it, one line of JSON a frame: what was detected, or why nothing was.
"""

import contextlib
import dataclasses
import glob
import heapq
import json
import math
import pathlib
import shutil
import tempfile

import av
import numpy as np
from pycocotools import mask as rle

from helpers.alone import LOCK, alone_in
from helpers.structures import Detections, InputError
from helpers.video.reading import open_video
from helpers.video.writing import SoundTrack, create_video

NOTES_FORMAT = 2  # counts up when `to_note` changes, so that older parts are not taken up


@dataclasses.dataclass
class Frame:
    """A frame on its way through a video's stages."""

    part: int
    place: int  # in its part, from 0
    time: int  # ticks of the source
    duration: int
    image: np.ndarray | None  # (H, W, 3) uint8; None: it has been made before
    detections: Detections | None = None  # of the detector, or carried here
    tracked: Detections | None = None  # the same, with track ids
    drawn: np.ndarray | None = None
    problem: str | None = None  # why the detector has no result


def part_file(folder, number, suffix=".mp4") -> pathlib.Path:
    """The file of a part of a video: it is there when the part is finished."""
    return pathlib.Path(folder) / f"{number:05}{suffix}"


@contextlib.contextmanager
def parts_folder(dst, stamp=None):
    """A folder for the parts of `dst`, beside it, that is gone afterwards.

    Args:
        dst: the video that is to be made.
        stamp: None, or a text that says what is wanted. With it the folder stays if the block
            raises, and is found again with all its parts by who comes with the same stamp.

    Yields:
        The folder.

    Raises:
        InputError: nothing can be written there, or another run is making the same parts.
    """
    folder = dst.with_name(f"{dst.name}.parts")
    with contextlib.ExitStack() as held:
        try:
            dst.parent.mkdir(parents=True, exist_ok=True)
            if stamp is None:
                _remove_left_behind(dst)
                folder = pathlib.Path(tempfile.mkdtemp(f".{folder.name}", ".", dst.parent))
            held.enter_context(alone_in(folder))
            if stamp is not None:
                _claim(folder, stamp)
        except OSError as error:
            raise InputError(f"{dst}: could not be written ({error.strerror})") from None
        is_finished = False
        try:
            yield folder
            is_finished = True
        finally:
            held.close()  # first: Windows removes no file that is open
            if is_finished or stamp is None:
                shutil.rmtree(folder, ignore_errors=True)


def _remove_left_behind(dst):
    """Remove the hidden folders of runs that were killed."""
    for folder in dst.parent.glob(f".*.{glob.escape(dst.name)}.parts"):
        with contextlib.suppress(InputError):
            with alone_in(folder):
                pass  # nobody is at work there
            shutil.rmtree(folder, ignore_errors=True)


def _claim(folder, stamp):
    """Empty the folder unless it holds parts of what the stamp says."""
    plan = folder / "plan"
    stamp = f"{NOTES_FORMAT} {stamp}"
    if plan.exists() and plan.read_text() == stamp:
        return
    for path in folder.iterdir():  # of another video, or of other wishes
        if path.name != LOCK:
            path.unlink()
    plan.write_text(stamp)


def to_note(frame) -> str:
    """What was detected in a frame, as a line of JSON; masks as run lengths, by columns."""
    fields = None
    if frame.detections is not None:
        fields = dict(vars(frame.detections))
        if fields["masks"] is not None:
            fields["masks"] = _to_run_lengths(fields["masks"])
    record = {"time": frame.time, "detections": fields, "problem": frame.problem}
    return json.dumps(record, default=np.ndarray.tolist) + "\n"


def frames_from_notes(folder, parts, suffix=".jsonl"):
    """The frames of some parts, without their pixels, from the notes on them."""
    for number in parts:
        with part_file(folder, number, suffix).open() as lines:
            for place, line in enumerate(lines):
                record = json.loads(line)
                yield Frame(
                    part=number,
                    place=place,
                    time=record["time"],
                    duration=0,
                    image=None,
                    detections=_detections_from_note(record["detections"]),
                    problem=record["problem"],
                )


def _detections_from_note(fields):
    """The inverse of what `to_note` does to Detections; None stays None."""
    if fields is None:
        return None
    fields = dict(fields)
    if fields["masks"] is not None:
        fields["masks"] = _from_run_lengths(fields["masks"], fields["image_size"])
    fields["categories"] = {int(key): name for key, name in fields["categories"].items()}
    return Detections(**fields)


def _to_run_lengths(masks):
    """Masks (N, H, W) as texts, COCO's compressed run lengths."""
    codes = rle.encode(np.asfortranarray(masks.view(np.uint8).T))  # it wants (W, H, N)
    return [code["counts"].decode() for code in codes]


def _from_run_lengths(texts, image_size):
    """The masks (N, H, W) of such texts."""
    height, width = image_size
    if not texts:
        return np.zeros((0, height, width), bool)
    codes = [{"size": (width, height), "counts": text} for text in texts]
    return rle.decode(codes).T


def join_parts(plan, folder, dst) -> str | None:
    """Put the parts after one another into `dst`, with the sound of the source.

    Returns:
        What became of the sound: "copied", "as AAC", or None if there is none.

    Raises:
        InputError: no part has a frame, or `dst` cannot be written.
    """
    parts = {}
    for number, start in enumerate(plan.starts):
        path = part_file(folder, number)
        if path.exists():
            parts[start] = path
    if not parts:  # frames are announced, but damaged
        raise InputError(f"{plan.src}: no frame there can be read; copy it again")
    tick = plan.info.tick
    with open_video(plan.src) as (source, _), create_video(dst) as out:
        first_part = next(iter(parts.values()))
        with av.open(str(first_part)) as part:
            stream = out.add_stream_from_template(part.streams.video[0])
        cut_before = plan.zero > plan.info.begin
        sound = SoundTrack(source, out, plan.zero * tick, plan.end * tick, cut_before)
        pictures = _timed_pictures(parts, stream, plan)
        pieces = heapq.merge(pictures, sound.pieces(), key=_decoding_second)
        for piece in pieces:
            if piece.stream is stream:
                out.mux(piece)
            else:
                with contextlib.suppress(av.InvalidDataError):  # damaged sound
                    out.mux(piece)
    return sound.how


def _decoding_second(piece):
    """When a compressed piece is to be decoded."""
    return piece.dts * piece.time_base


def _timed_pictures(parts, stream, plan):
    """The compressed frames of all parts {when it begins: file}, timed for the joined video."""
    latest = -math.inf
    for start, path in parts.items():
        with av.open(str(path)) as part:
            for packet in part.demux(video=0):
                if packet.size == 0:
                    continue
                shift = round((start - plan.zero) * plan.info.tick / packet.time_base)
                # a part may want to be decoded before the one before it has ended
                latest = max(packet.dts + shift, latest + 1)
                packet.pts += shift
                packet.dts = latest
                packet.stream = stream
                yield packet
