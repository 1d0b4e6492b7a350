"""How fast is the bundled model, and does the fast path keep its accuracy?

    python benchmarks/inference.py [--images 100] [--calls 40]

Each way of running is called in turn on the same pictures, in one process, so that whatever else
the machine is doing hits all of them alike: read the ratios, not the milliseconds.
"""

import argparse
import os
import pathlib
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from helpers import export, training, zoo
from helpers.evaluation import evaluate


def main():
    """Print a table: way, median and spread in ms, ratio to tf.function, box and mask AP."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="streets")
    parser.add_argument("--images", type=int, default=100, help="held-out pictures for AP")
    parser.add_argument("--calls", type=int, default=40, help="timed calls of each way")
    args = parser.parse_args()

    compiled = zoo.load_detector(args.model, score_threshold=0.0)

    def forward(images):
        stages = compiled.model(images)
        return [getattr(stages, name) for name in export.STAGES]

    eager = zoo.network_detector(forward, compiled.card, compiled.model, 0.0)
    ways = {
        "eager": eager,
        "tf.function": compiled,
        "fast (TF Lite, 8-bit weights)": zoo.load_detector(args.model, True, 0.0),
    }
    images, truth = training.held_out(args.images, compiled.card["image_size"])
    times = {name: [] for name in ways}
    for call in range(args.calls + 1):
        for name, detector in ways.items():
            image = images[call % len(images)]
            start = time.perf_counter()
            detector(image)
            if call:  # the first call warms up
                times[name].append(1000 * (time.perf_counter() - start))
    base = statistics.median(times["tf.function"])
    print(f"{'way':32}{'median ms':>10}{'10–90 % ms':>16}{'ratio':>7}{'mask AP':>9}{'box AP':>8}")
    for name, detector in ways.items():
        low, *_, high = statistics.quantiles(times[name], n=10)
        median = statistics.median(times[name])
        if name == "eager":  # the same arithmetic as tf.function: not measured twice
            ap = "same", "same"
        else:
            result = evaluate(truth, detector.batch(images))
            ap = f"{result['mask']['AP']:.3f}", f"{result['box']['AP']:.3f}"
        spread = f"{low:.0f}–{high:.0f}"
        print(f"{name:32}{median:10.1f}{spread:>16}{median / base:7.2f}{ap[0]:>9}{ap[1]:>8}")


if __name__ == "__main__":
    main()
