"""TensorFlow is imported in silence: what it tells its developers is kept from readers."""

import contextlib
import importlib.util
import os
import signal
import sys
import threading


@contextlib.contextmanager
def silence():
    """Send file 2, to which C++ code writes past `sys.stderr`, nowhere for a while."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def without_script_folder():
    """Hide the folder of the script that runs: a six.py there would be taken for TensorFlow's."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    folder = script and os.path.dirname(os.path.abspath(script))
    is_first = bool(sys.path) and sys.path[0] == folder
    if is_first:
        del sys.path[0]
    try:
        yield
    finally:
        if is_first:
            sys.path.insert(0, folder)


@contextlib.contextmanager
def interrupted_later():
    """Let Ctrl-C wait for the end of the block: C++ code that it meets may abort the process."""
    usual = signal.getsignal(signal.SIGINT)
    is_main_thread = threading.current_thread() is threading.main_thread()
    if not (is_main_thread and callable(usual)):
        yield
        return
    pressed = []
    signal.signal(signal.SIGINT, lambda *given: pressed.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if pressed:
            signal.raise_signal(signal.SIGINT)


class SilentImport:
    """A finder for `sys.meta_path` that lets one package be imported in silence.

    TensorFlow's libraries greet while they are loaded, before they look at TF_CPP_MIN_LOG_LEVEL.
    Errors are raised as ever.
    """

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, path=None, target=None):
        """The package's own spec, its module executed in silence; None for other names."""
        if name != self.package:
            return None
        sys.meta_path.remove(self)  # else it would be asked again
        spec = importlib.util.find_spec(name)
        sys.meta_path.insert(0, self)
        if spec is None:
            return None
        execute = spec.loader.exec_module

        def execute_silently(module):
            with interrupted_later(), silence(), without_script_folder():
                execute(module)

        spec.loader.exec_module = execute_silently
        return spec


def silence_tensorflow():
    """No greetings when TensorFlow is imported, and afterwards nothing less than an error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, SilentImport("tensorflow"))
