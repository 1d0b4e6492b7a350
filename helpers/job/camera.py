"""An input that is a camera: some seconds of it, as a video file."""

import os
import sys
import time

import cv2
import numpy as np

from helpers.silence import silence
from helpers.structures import InputError
from helpers.video import write_video

FPS = 15  # of the video; a camera that is slower repeats frames, a faster one leaves some out


def record(number, path, seconds):
    """Record a camera; Ctrl-C ends it before its time, and keeps what is there.

    Args:
        number: of the camera, 0 for the first.
        path: where to, an mp4.
        seconds: how long.

    Returns:
        The path.

    Raises:
        InputError: there is no such camera, or it gives no picture.
    """
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    with silence():
        camera = cv2.VideoCapture(number)
    try:
        is_there, frame = camera.read()
        if not is_there:
            raise InputError(
                f"{number}: no camera answers; connect it and permit its use, or name a file"
            )
        print(f"camera {number}: {seconds} s; Ctrl-C ends it before", file=sys.stderr)
        return write_video(path, steady_frames(camera, frame, seconds), FPS)
    finally:
        camera.release()


def steady_frames(camera, frame, seconds, clock=time.monotonic):
    """The frames of a camera at a steady rate, whatever its own is.

    Args:
        camera: OpenCV's VideoCapture, of which `frame` was read already.
        frame: (H, W, 3) uint8, BGR.
        seconds: how long.
        clock: gives seconds.

    Yields:
        (H, W, 3) uint8, RGB: `FPS` of them for each second.
    """
    begun = clock()
    count = 0
    try:
        while count < seconds * FPS:
            due = min(1 + (clock() - begun) * FPS, seconds * FPS)
            while count < due:
                yield np.ascontiguousarray(frame[..., ::-1])
                count += 1
            is_there, new = camera.read()
            if not is_there:
                return
            frame = new
    except KeyboardInterrupt:
        return
