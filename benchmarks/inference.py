"""How fast is the bundled model, and does the fast path keep its accuracy?

    python benchmarks/inference.py [--images 100] [--calls 40]

Each way of running is called in turn on the same pictures, in one process, so that whatever else
the machine is doing hits all of them alike: read the ratios, not the milliseconds.
"""

import argparse
import functools
import itertools
import statistics

from measure import spread, table, take_turns

from helpers.evaluation import evaluate
from helpers.models import final_stages, load_detector, network_detector
from helpers.training import held_out


def main():
    """Print a table: way, median and spread in ms, ratio to tf.function, box and mask AP."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="streets")
    parser.add_argument("--images", type=int, default=100, help="held-out pictures for AP")
    parser.add_argument("--calls", type=int, default=40, help="timed calls of each way")
    args = parser.parse_args()

    compiled = load_detector(args.model, score_threshold=0.0)

    def forward(images):
        return final_stages(compiled.model(images))

    ways = {
        "eager": network_detector(forward, compiled.card, compiled.model, 0.0),
        "tf.function": compiled,
        "fast (TF Lite, 8-bit weights)": load_detector(args.model, True, 0.0),
    }
    pictures = held_out(args.images, compiled.card["image_size"])
    images = [image for image, _ in pictures]
    truth = [true for _, true in pictures]
    turns = itertools.cycle(image for image in images for _ in ways)  # the same one for all

    def detect_in_next(detector):
        detector(next(turns))

    calls = {name: functools.partial(detect_in_next, way) for name, way in ways.items()}
    times = take_turns(calls, args.calls)
    base = statistics.median(times["tf.function"])
    rows = []
    for name, detector in ways.items():
        median = statistics.median(times[name])
        ap = "same", "same"  # eager is the same arithmetic as tf.function: not measured twice
        if name != "eager":
            result = evaluate(truth, detector.batch(images))
            ap = f"{result['mask']['AP']:.3f}", f"{result['box']['AP']:.3f}"
        rows.append((name, f"{median:.1f}", spread(times[name]), f"{median / base:.2f}", *ap))
    table(("way", "median ms", "10–90 % ms", "ratio", "mask AP", "box AP"), rows)


if __name__ == "__main__":
    main()
