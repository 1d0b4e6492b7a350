"""What a training tells while it runs: a bar, and after each epoch a line or a curve."""

import sys
import time

from helpers.training.curves import CURVES, losses_in, plot_curve


class Progress:
    """Tells how far a training is.

    Args:
        num_epochs: how many there will be.
        num_steps: batches per epoch.
        say: gets a line for each epoch; None for silence.
    """

    def __init__(self, num_epochs, num_steps, say):
        from tqdm.auto import tqdm

        self.num_epochs, self.say = num_epochs, say
        self.start = time.monotonic()
        self.in_notebook = _in_notebook()
        self.figure = None  # where the curve stands in a notebook
        is_seen = say is not None and (self.in_notebook or sys.stderr.isatty())
        self.bar = tqdm(
            total=num_epochs * num_steps, unit="batch", disable=not is_seen, leave=False
        )

    def batch(self):
        """One more batch is done."""
        self.bar.update()

    def go_to(self, num_batches):
        """So many batches are done."""
        self.bar.update(num_batches - self.bar.n)

    def epoch(self, epoch, rows):
        """An epoch is done; `rows` are those of the curve so far, this epoch's the last."""
        if self.say is None:
            return
        if self.in_notebook:
            self._draw(rows)
        else:
            self.say(self._line(epoch, rows[-1]))

    def close(self):
        """The bar goes."""
        self.bar.close()

    def _draw(self, rows):
        """The curve, drawn anew in one place."""
        from IPython.display import display

        if self.figure:
            self.figure.update(plot_curve(rows))
        else:
            self.figure = display(plot_curve(rows), display_id=True)

    def _line(self, epoch, row):
        minutes, seconds = divmod(round(time.monotonic() - self.start), 60)
        words = [f"{minutes:3}:{seconds:02} epoch {epoch + 1}/{self.num_epochs}"]
        for name in losses_in([row]):
            words.append(f"{name} {float(row[name]):.3f}")
        for kind, name in CURVES:
            words.append(f"{kind} {name} {float(row[f'{kind}_{name}'] or 0):.3f}")
        return "  ".join(words)


def _in_notebook():
    """Whether the code runs in a notebook's kernel."""
    if "IPython" not in sys.modules:
        return False
    return hasattr(sys.modules["IPython"].get_ipython(), "kernel")
