"""What a user sees while nothing else can be shown."""

import contextlib
import os
import threading

from tqdm.auto import tqdm


@contextlib.contextmanager
def waiting(text):
    """Show a text and the seconds since, on a terminal only."""
    done = threading.Event()
    with (
        # A way of its own to the screen: `silence` closes the usual one while TensorFlow starts.
        os.fdopen(os.dup(2), "w") as screen,
        tqdm(desc=text, bar_format="{desc} … {elapsed}", disable=None, file=screen) as bar,
    ):

        def tick():
            while not done.wait(0.5):
                bar.refresh()

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
