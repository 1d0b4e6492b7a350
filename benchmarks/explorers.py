"""How long does an explorer in a notebook take to answer a slider?

    python benchmarks/explorers.py [--moves 1000]

Moves every control through all its values, the others staying where they were; then all of them at
random. Prints milliseconds of one move, from new settings to the picture as JPEG, on the clock:
median and slowest, what it was slowest at, and the slowest in computing, which depends less on what
else the machine does. The browser's part is not in it. The aim is 200 ms on two quiet cores.
"""

import argparse
import os
import statistics
import time

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from helpers.lessons import explorers, sliders
from helpers.mask_rcnn.inference import letterbox
from helpers.models import load_detector
from helpers.streets import draw_scene


def walk(controls, num, rng):
    """Settings: each control alone through its values, then a quarter of `num` at random."""
    values = {}
    for name, control in controls.items():
        if hasattr(control, "options"):
            values[name] = [o[1] if isinstance(o, tuple) else o for o in control.options]
        else:
            count = round((control.max - control.min) / control.step) + 1
            values[name] = [control.min + i * control.step for i in range(count)]
    start = {name: control.value for name, control in controls.items()}
    steps = [start | {name: value} for name in values for value in values[name]]
    rng.shuffle(steps)
    chance = [{n: v[rng.integers(len(v))] for n, v in values.items()} for _ in range(num // 4)]
    return [start, *steps[: num - len(chance)], *chance]


def main():
    """Print a table, a row for each explorer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=1000, help="of each explorer at most")
    num, rng = parser.parse_args().moves, np.random.default_rng(0)

    detector = load_detector("streets")
    (image, _), (small, truth) = (draw_scene(700_091, size) for size in ((512, 640), (256, 320)))
    stages = detector.model(letterbox(image, detector.model.config.image_size)[0][None])
    raw = image, *detector.candidates(image), detector.categories
    sliders._can_slide = lambda: True  # as in a notebook: with controls
    made = {}
    made["explore_anchors"] = explorers.explore_anchors(small, truth)
    for size in (2, 7, 14):
        made[f"explore_roi_align, {size}"] = explorers.explore_roi_align(size=size)
    made["explore_stages"] = explorers.explore_stages(
        image, stages, detector.model, detector.categories
    )
    made["explore_thresholds"] = sliders.explore_thresholds(*raw)
    print(f"{'explorer':23}moves  median  slowest  in computing   slowest at")
    for name, explorer in made.items():
        times, computing, steps = [], [], walk(explorer.controls, num, rng)
        for settings in steps:
            start, work = time.perf_counter(), time.process_time()
            sliders._jpeg(explorer.view(**settings)[0])
            times.append(1000 * (time.perf_counter() - start))
            computing.append(1000 * (time.process_time() - work))
        times, computing, steps = times[1:], computing[1:], steps[1:]  # the first warms up
        worst = steps[times.index(max(times))]
        at = (f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in worst.items())
        print(f"{name:23}{len(times):5}{statistics.median(times):8.0f}{max(times):9.0f}", end="")
        print(f"{max(computing):14.0f}   {', '.join(at)}")


if __name__ == "__main__":
    main()
