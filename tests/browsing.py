"""A browser for tests, driven by Playwright: Chromium, which .ci/run gets, or the one asked for.

    PIXELWISE_BROWSER=firefox python3 run.py test --all tests/test_pages.py tests/test_web.py

asks for Firefox, the system's (a current one: Playwright 1.65 starts no ESR 153, but 1.58 does) or
Playwright's; webkit is what Safari is made of, and Playwright's
(playwright install webkit). Where a browser is missing its tests are skipped, and say so; but for
Chromium on a machine of CI, whose variable CI is true.
"""

import contextlib
import os
import shutil
import tempfile

import pytest

BROWSER = os.environ.get("PIXELWISE_BROWSER", "chromium")
NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox", "firefox-esr"),
    "webkit": (),
}
SYSTEMS = next(filter(None, map(shutil.which, NAMES[BROWSER])), None)  # the one that is installed
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage"""
SCHEMES = ["dark", "light"]  # as Firefox numbers them
PATIENCE = 240_000  # ms; a machine may be busy

try:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
except ImportError:
    expect = sync_playwright = None


def settings_of_launch(flags, scheme):
    """What Playwright needs to start the browser: flags are Chromium's, scheme light or dark."""
    if BROWSER == "chromium":
        flags = [*FLAGS.split(), *flags]
        return {"executable_path": SYSTEMS, "args": flags, "chromium_sandbox": False}
    if BROWSER == "firefox" and SYSTEMS:
        prefs = {"layout.css.prefers-color-scheme.content-override": SCHEMES.index(scheme)}
        return {
            "executable_path": SYSTEMS,
            "channel": "moz-firefox",  # as it is, by WebDriver BiDi
            "firefox_user_prefs": prefs,
        }
    return {}


def is_there():
    """Whether the browser can be started."""
    if SYSTEMS or sync_playwright is None:
        return sync_playwright is not None
    with sync_playwright() as play:
        return os.path.exists(getattr(play, BROWSER).executable_path)


missing = not (is_there() or (BROWSER == "chromium" and os.environ.get("CI") == "true"))
needs_browser = pytest.mark.skipif(missing, reason=f"needs {BROWSER} and pip install playwright")
only_chromium = pytest.mark.skipif(BROWSER != "chromium", reason="is of Chromium alone")


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
        context = getattr(play, BROWSER).launch_persistent_context(
            profile,
            **settings_of_launch(flags, settings.get("color_scheme", "light")),
            **settings,
        )
        context.set_default_timeout(PATIENCE)
        yield context
        context.close()
