"""How long does an explorer in a notebook take to answer a slider?

    python benchmarks/explorers.py [--moves 1000]

Moves every control through all its values, the others staying where they were; then all of them at
random. Prints milliseconds of one move, from new settings to the picture as JPEG, on the clock:
median and slowest, what it was slowest at, and the slowest in computing, which depends less on what
else the machine does. The browser's part is not in it. The aim is 200 ms on two quiet cores.
"""

import argparse
import statistics
import time

import numpy as np

from helpers.lessons import (
    explore_anchors,
    explore_roi_align,
    explore_stages,
    explore_thresholds,
    explorer,
)
from helpers.mask_rcnn import letterbox
from helpers.models import load_detector
from helpers.streets import draw_scene

SEED = 700_091  # of the street in all pictures


def walk(controls, num, rng):
    """Settings: each control alone through its values, then a quarter of `num` at random."""
    values = {}
    for name, control in controls.items():
        count = round((control.max - control.min) / control.step) + 1
        values[name] = [control.min + i * control.step for i in range(count)]
    start = {name: control.value for name, control in controls.items()}
    alone = [start | {name: value} for name in values for value in values[name]]
    rng.shuffle(alone)
    num_random = num // 4
    together = [
        {name: options[rng.integers(len(options))] for name, options in values.items()}
        for _ in range(num_random)
    ]
    return [start, *alone[: num - num_random], *together]


def make_explorers():
    """{name: Explorer}, with their controls as in a notebook."""
    detector = load_detector("streets")
    image, _ = draw_scene(SEED, (512, 640))
    small, truth = draw_scene(SEED, (256, 320))
    canvas, _ = letterbox(image, detector.model.config.image_size)
    stages = detector.model(canvas[None])
    candidates = detector.candidates(image)
    explorer.can_slide = lambda: True
    made = {"explore_anchors": explore_anchors(small, truth)}
    for size in (2, 7, 14):
        made[f"explore_roi_align, {size}"] = explore_roi_align(size=size)
    made["explore_stages"] = explore_stages(image, stages, detector.model, detector.categories)
    made["explore_thresholds"] = explore_thresholds(image, *candidates[:4], detector.categories)
    return made


def main():
    """Print a table, a row for each explorer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=1000, help="of each explorer at most")
    args = parser.parse_args()

    rng = np.random.default_rng(0)
    print(f"{'explorer':23}moves  median  slowest  in computing   slowest at")
    for name, one in make_explorers().items():
        steps = walk(one.controls, args.moves, rng)
        times, computing = [], []
        for settings in steps:
            start, work = time.perf_counter(), time.process_time()
            picture, _ = one.view(**settings)
            explorer.to_jpeg(picture)
            times.append(1000 * (time.perf_counter() - start))
            computing.append(1000 * (time.process_time() - work))
        times, computing, steps = times[1:], computing[1:], steps[1:]  # the first warms up
        worst = steps[times.index(max(times))]
        print(f"{name:23}{len(times):5}{statistics.median(times):8.0f}{max(times):9.0f}", end="")
        print(f"{max(computing):14.0f}   {in_words(worst)}")


def in_words(settings):
    """Settings as text."""
    texts = []
    for name, value in settings.items():
        texts.append(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}")
    return ", ".join(texts)


if __name__ == "__main__":
    main()
