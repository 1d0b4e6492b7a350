"""The exercises of notebook 06."""

import numpy as np

from helpers.lessons.checks.verdict import call, check, compare


@check("Only two things help: fewer frames, or a faster model.")
def minutes(answer, video_minutes, video_fps, model_fps):
    """How many minutes does a video take at model_fps frames per second?"""
    wanted = video_minutes * video_fps / model_fps
    compare(
        answer, wanted, "Count the video's frames, then divide by what the model does in a minute.",
        (wanted * 60, "That is in seconds."),
        (video_minutes * model_fps / video_fps, "The wrong way: a slower model takes longer."),
        (video_minutes * 60 * video_fps, "It has as many frames. How many can the model do?"),
        rtol=0.05,
    )  # fmt: skip


@check("The video keeps its frame, and you return a new one.")
def marked(function):
    """A frame function that paints the 4 top rows white on a frame it may not write to."""
    frame = np.full((8, 6, 3), 90, np.uint8)
    frame.flags.writeable = False
    wanted = np.where(np.arange(8)[:, None, None] < 4, 255, frame)
    same = (frame, "What comes back is unchanged. Paint on the copy, and return the copy.")
    compare(call(function, frame), wanted, "Paint the top 4 rows, and only those.", same)


@check("A third of the work. But the masks in between are old: they lag behind.")
def every_kth(make):
    """make(detect, draw, k) -> a frame function: it detects in each k-th frame, draws in all."""
    seen, drawn = [], []

    def detect(frame):
        number = int(frame[0, 0, 0])
        seen.append(number)
        return number

    def draw(frame, detections):
        drawn.append(detections)
        return frame

    function = call(make, detect, draw, 3)
    for i in range(7):
        call(function, np.full((2, 2, 3), i, np.uint8))
    compare(
        seen, [0, 3, 6], f"With k = 3 it must detect in frames 0, 3 and 6; it did in {seen}.",
        (range(7), "It detects in every frame. Count the frames; detect if count % k == 0."),
        ([0], "It detects once and never again: does the count grow from call to call?"),
    )  # fmt: skip
    late = "Draw in every frame, with what was found last: keep it from call to call."
    compare(drawn, [0, 0, 0, 3, 3, 3, 6], late)


@check("Greedy takes .6, and pays for it with .1. Together the other two are worth more.")
def pairs(answer, likeness):
    """Which new object is each known one, so that the sum of likeness is largest? 2 x 2."""
    likeness = np.asarray(likeness)
    straight, crosswise = np.trace(likeness), np.trace(likeness[::-1])
    best = [0, 1] if straight > crosswise else [1, 0]
    compare(
        answer, best, "Two numbers: which column for row 0, and which for row 1.",
        (best[::-1], "Add up both ways to pair them: .6 + .1, and .5 + .5."),
        ([0, 0], "One new object cannot be two known ones."),
    )  # fmt: skip


@check("The stages overlap, so the busiest one sets the pace. Detecting is still that, at half.")
def whole_gain(answer):
    """How many times as fast does a pipeline get at most, if detect (93 %) takes half the time?"""
    compare(
        answer, 2, "The busiest stage sets the pace. Which is it, and which is it afterwards?",
        (1 / (1 - 0.93 / 2), "That is right for work done one after another. These overlap."),
        (1, "Not if you choose the bottleneck: everything else waits for it."),
        (0.5, "Upside down."),
        (4, "Each stage has a thread of its own, but only one of them gets faster, twice."),
        rtol=0.03,
    )  # fmt: skip
