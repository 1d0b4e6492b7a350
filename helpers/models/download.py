"""One file from a server, with what `requests` leaves open: going on where it broke off."""

import errno
import itertools
import re
import shutil
import time

ATTEMPTS = 5
SECONDS = (10, 30)  # to connect, and without a byte
MAX_BYTES = 4 * 2**30  # of a download whose size nobody tells
CHUNK = 2**18
HOME = "https://github.com/pixelwise-tutorial/pixelwise"
PACE = (60, 60_000)  # seconds, and the fewest bytes that must come in these
# What the network's errors say, and what that means to a user; the first that fits.
CAUSES = {
    "Proxy|SSL|CERTIFICATE": "no secure connection, or a proxy that does not let it through",
    "NameResolution|getaddrinfo|Name or service": "there is no network, or no such server",
    "refused": "the connection was refused",
    "ReadTimeout|Read timed out": "the transfer stalled",
    "timed out|Timeout": "the server does not answer",
    "IncompleteRead|broke|reset|aborted": "the connection broke",
    "TooManyRedirects": "it leads from one address to the next without end",
}


class WebPageError(ValueError):
    """A page for people came instead of a file."""


def explain(error) -> str:
    """What an error of the network or of a server means, in a few words."""
    response = getattr(error, "response", None)
    if response is not None and not response.ok:
        return f"{response.status_code} {response.reason}"
    for words, cause in CAUSES.items():
        if re.search(words, repr(error)):
            return cause
    return str(error)


def receive(url, part, size=None, has_digest=False, progress=None, limit=MAX_BYTES, room=1):
    """Write what a URL serves to the file `part`, behind what an earlier attempt left there.

    Args:
        url: of the file.
        part: Path; a beginning of the file may be in it.
        size: bytes of the whole file; None if nobody knows.
        has_digest: whether the whole will be checked, so that even without a word of the server
            on its version the beginning may be kept.
        progress: None, or called as progress(bytes so far, bytes in all or None).
        limit: bytes, at most.
        room: how many times its size must be free on the disk.

    Raises:
        requests.RequestException: it could not be had; what came stays in `part`.
        ValueError: something else came, or too much, or too slowly.
        OSError: it cannot be written.
    """
    import requests
    from urllib3.exceptions import HTTPError

    for _ in range(ATTEMPTS):
        before = _size_of(part)
        if before and before == size:
            return
        try:
            if _receive_once(url, part, size, has_digest, progress, limit, room):
                return
        except (requests.ConnectionError, requests.Timeout, HTTPError) as error:
            if _size_of(part) <= before:
                raise requests.ConnectionError(error) from None
            # Something came: go on from there.
    raise requests.ConnectionError("the connection broke again and again")


def discard(part):
    """Remove what `receive` left: no later attempt goes on with it."""
    part.unlink(missing_ok=True)
    _version_file(part).unlink(missing_ok=True)


def _receive_once(url, part, size, has_digest, progress, limit, room) -> bool:
    """One request; returns whether the file is whole now."""
    import requests

    start = _size_of(part)
    with requests.get(
        url, headers=_headers(part, has_digest), stream=True, timeout=SECONDS
    ) as answer:
        if answer.status_code == 416 and start:  # what is there is no beginning of this file
            part.unlink()
            return False
        answer.raise_for_status()
        is_rest = answer.status_code == 206
        if not is_rest:
            start = 0
        chunks = _chunks(answer)
        first = next(chunks, b"")
        _refuse_web_page(answer, first, is_rest)
        total = _total(answer, start, size)
        told = 0 if total is None else total
        if told > limit:
            raise ValueError(f"it has {told / 1e9:.1f} GB; at most {limit / 1e9:.1f} are fetched")
        _refuse_full_disk(part, room * told - start)
        _version_file(part).write_text(_version(answer))
        done = _write(itertools.chain([first], chunks), part, start, total, limit, progress)
    if total is not None and done < total:
        raise requests.ConnectionError("the connection broke")
    _version_file(part).unlink()
    return True


def _headers(part, has_digest) -> dict:
    """What to ask for: the rest, if it is sure to belong to what is there."""
    # The file itself, not zipped once more; and some servers refuse who does not say a name.
    headers = {"Accept-Encoding": "identity", "User-Agent": f"Pixelwise (+{HOME})"}
    start = _size_of(part)
    version = _version_file(part)
    known = version.read_text() if version.exists() else ""
    if start and (known or has_digest):
        headers["Range"] = f"bytes={start}-"
        if known:
            headers["If-Range"] = known
    return headers


def _chunks(answer):
    """What comes, as it comes: a server that drips does not hold us up.

    Raises:
        ValueError: it is slower than `PACE`.
    """
    seconds, least = PACE
    begun, came = time.monotonic(), 0
    while chunk := answer.raw.read1(CHUNK, decode_content=False):
        yield chunk
        came += len(chunk)
        if time.monotonic() - begun > seconds:
            if came < least:
                raise ValueError(f"it comes too slowly, {came:,} bytes in {seconds} s")
            begun, came = time.monotonic(), 0


def _write(chunks, part, start, total, limit, progress) -> int:
    """Write the chunks behind the first `start` bytes; returns how many bytes there are now."""
    done = start
    with open(part, "ab" if start else "wb") as file:
        for chunk in chunks:
            done += file.write(chunk)
            if total and done > total:
                raise ValueError("it is longer than it should be")
            if done > limit:
                raise ValueError(f"it has no end, or more than {limit / 1e9:.1f} GB")
            if progress:
                progress(done, total)
    return done


def _total(answer, start, size) -> int | None:
    """Bytes of the whole file, as the server says, or as the card does; None: nobody says."""
    length = answer.headers.get("Content-Length")
    total = start + int(length) if length else size
    if size and total != size:
        raise ValueError(f"it has {total:,} bytes instead of {size:,}")
    return total


def _version(answer) -> str:
    """What tells this version of the file from another: a strong ETag, or its date."""
    tag = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return answer.headers.get("Last-Modified", "")


def _version_file(part):
    """Where the version of what is in `part` is noted."""
    return part.with_suffix(".tag")


def _size_of(path) -> int:
    return path.stat().st_size if path.exists() else 0


def _refuse_web_page(answer, first, is_rest):
    """Raise ValueError if what begins with these bytes is a page for people."""
    is_page = "text/html" in answer.headers.get("Content-Type", "")
    if is_page or (not is_rest and first.startswith(b"<")):
        raise WebPageError("a web page came instead of the file; a login or a proxy?")


def _refuse_full_disk(part, need):
    """Raise OSError if so many bytes will not fit."""
    if need > shutil.disk_usage(part.parent).free:
        raise OSError(errno.ENOSPC, f"{need / 1e6:,.1f} MB are needed, and not free")
