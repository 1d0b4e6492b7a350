"""What the benchmarks share: calls taken in turn, tables that a terminal and Markdown both show."""

import statistics
import threading
import time


def take_turns(ways, rounds, clock=time.perf_counter):
    """Call each way once a round, so that whatever else the machine does hits all of them alike.

    Args:
        ways: {name: function without arguments}.
        rounds: timed calls of each, after one that warms up.
        clock: a function that returns seconds, such as `time.process_time` for those of all cores.

    Returns:
        {name: milliseconds of each call}.
    """
    times = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            start = clock()
            way()
            if turn:
                times[name].append(1000 * (clock() - start))
    return times


def spread(values, form=".0f"):
    """The middle 80 % of some values, as text: "40–52"."""
    low, *_, high = statistics.quantiles(values, n=10, method="inclusive")
    return f"{low:{form}}–{high:{form}}"


def table(header, rows):
    """Print a Markdown table; the first column is aligned left, the others right."""
    rows = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    print()
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        print("| " + " | ".join([first.ljust(widths[0]), *cells]) + " |")
    print(flush=True)


class Peak:
    """The most memory that this process holds while the block runs, in MB: `peak.megabytes`."""

    def __enter__(self):
        import psutil

        self.megabytes = 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, args=[psutil.Process()], daemon=True)
        self.thread.start()
        return self

    def _watch(self, process):
        while True:
            self.megabytes = max(self.megabytes, process.memory_info().rss / 1e6)
            if self.over.wait(0.01):
                return

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
