"""An input that is an address on the web: the file behind it, whole, or a line on why not."""

import os
import re
import sys
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from helpers.models import ProgressBar, WebPageError, discard, explain, receive
from helpers.structures import InputError

MOST = 2 * 10**9  # bytes
NAME = 80  # characters of a file's name, at most


def is_url(text) -> bool:
    """Whether a text is an address rather than a path."""
    return re.match(r"[A-Za-z][\w+.-]+://", str(text)) is not None


def fetch(url, folder):
    """The file behind an address, in a folder; one that was broken off goes on where it was.

    Args:
        url: http or https.
        folder: Path, made if need be. In it each address has a folder of its own, since many files
            on the web have one name; an older file there is replaced by the whole new one.

    Returns:
        The file's path.

    Raises:
        InputError: it is no file that can be had; one line with the remedy.
    """
    if urlsplit(url).scheme.lower() not in ("http", "https"):
        raise InputError(f"{url}: only http and https are fetched; download it, name the file")
    folder = folder / sha256(url.encode()).hexdigest()[:8]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name_of(url)
    with FileLock(folder / ".lock"):  # another run may want it, too
        _receive(url, path)
    return path


def _receive(url, path):
    """Write what an address serves to `path`, which appears when it is whole; see `fetch`."""
    import requests

    part = path.with_name(f".{path.name}.part")
    progress = ProgressBar(path.name) if sys.stderr.isatty() else None
    try:
        receive(url, part, progress=progress, limit=MOST)
    except WebPageError:
        raise InputError(
            f"{url}: is a web page, not a file; give the address of the picture or video itself"
        ) from None
    except requests.RequestException as error:
        raise InputError(f"{url}: {explain(error)}; check the address and the network") from None
    except ValueError as error:  # too long, too slow
        discard(part)
        raise InputError(f"{url}: {error}; download it with a browser, name the file") from None
    finally:
        if progress:
            progress.close()
    os.replace(part, path)


def name_of(url) -> str:
    """A file's name from an address; it says nothing of the content."""
    last = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w.-]", "_", last).lstrip(".")[-NAME:] or "download"
