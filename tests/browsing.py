"""A browser for tests: Chromium, driven by Playwright; .ci/run gets both.

Where they are missing the tests are skipped, but for a machine of CI, whose variable CI is true.
"""

import contextlib
import os
import shutil
import tempfile

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage"""
PATIENCE = 240_000  # ms; a machine may be busy

try:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
except ImportError:
    expect = sync_playwright = None
missing = os.environ.get("CI") != "true" and not (CHROMIUM and sync_playwright)
needs_browser = pytest.mark.skipif(missing, reason="needs Chromium and pip install playwright")


@contextlib.contextmanager
def browsing(width=1280, height=900, flags=(), phone=None, **settings):
    """A browser with an empty profile.

    Args:
        width, height: of the page, in pixels.
        flags: more of Chromium's.
        phone: one that Playwright knows, such as "Pixel 7": its size, and fingers, not a mouse.
        **settings: Playwright's, such as color_scheme.
    """
    settings = {"viewport": {"width": width, "height": height}, **settings}
    with sync_playwright() as play, tempfile.TemporaryDirectory() as profile:
        if phone:
            settings |= play.devices[phone]
            del settings["default_browser_type"]
        context = play.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=[*FLAGS.split(), *flags],
            chromium_sandbox=False, **settings,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        yield context
        context.close()
