"""The zoo's models on this computer: downloaded once, checked, unpacked, checked again.

In the cache folder a model is a folder of its own name, with a stamp, `pixelwise.json`, that says
where its files are from and what they must be. Until all of it is there, there is only
`<archive>.part`, which the next attempt goes on with. An archive put there by hand is used as well.

pooch knows the cache folder and the digests, filelock keeps two processes apart, requests talks to
the server.
"""

import errno
import json
import os
import pathlib
import re
import shutil
from urllib.parse import urljoin, urlsplit

from helpers import DATA
from helpers.models import archives, download
from helpers.structures import InputError

CARDS = DATA / "zoo.json"
BLANK = {"mirrors": [], "bytes": None, "digest": None, "files": {}}
STAMP = "pixelwise.json"
UNPACKED = 3  # times the size of an archive, which is needed to unpack it beside itself
NAMES = re.compile(r"\w[\w.-]* \w[\w.-]*\.tar\.gz")  # of a folder and of a file
# What a JSON file raises that is not what it should be.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError)


# --- cards -------------------------------------------------------------------------------------


def catalogue() -> dict[str, dict]:
    """The zoo's cards by name: data/zoo.json, or what the server at PIXELWISE_ZOO_URL offers.

    That variable is the URL of a folder. Its `zoo.json`, if there is one, replaces our cards, and
    URLs in it may be names in that folder; if not, our archives are looked for in that folder.

    Raises:
        InputError: the server does not answer, or its cards are no cards.
    """
    root = os.environ.get("PIXELWISE_ZOO_URL", "").rstrip("/")
    theirs = _cards_of_server(root) if root else None
    source = CARDS if theirs is None else f"{root}/zoo.json"
    try:
        cards = [_complete(card) for card in json.loads(theirs or CARDS.read_bytes())]
        if root:
            cards = [_on_server(card, root, keep_urls=theirs is not None) for card in cards]
        return {card["name"]: card for card in cards}
    except MALFORMED as error:
        raise InputError(f"{source} is no list of models ({error!r}); correct it") from None


def known_cards() -> list[dict]:
    """Our cards of the zoo, as they are in data/zoo.json."""
    return [_complete(card) for card in json.loads(CARDS.read_bytes())]


def _cards_of_server(root) -> bytes | None:
    """The `zoo.json` in a server's folder; None if it has none."""
    import requests

    source = f"{root}/zoo.json"
    try:
        answer = requests.get(source, timeout=download.SECONDS[0])
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.content or b"nothing"
    except OSError as error:  # requests' errors are such
        reason = download.explain(error)
        raise InputError(f"{source}: {reason}; check PIXELWISE_ZOO_URL") from None


def _complete(card) -> dict:
    """A card with all its fields."""
    card = {**BLANK, **card, "archive": urlsplit(card["url"]).path.rpartition("/")[2]}
    names = f"{card['name']} {card['archive']}"
    if not NAMES.fullmatch(names):
        raise ValueError(f"not NAME and ARCHIVE.tar.gz: {names}")
    return card


def _on_server(card, root, keep_urls) -> dict:
    """A card whose archive is on a server of one's own, by its own URLs or by its name alone."""
    if not keep_urls:
        card = {**card, "url": card["archive"], "mirrors": []}
    url = urljoin(f"{root}/", card["url"])
    mirrors = [urljoin(f"{root}/", mirror) for mirror in card["mirrors"]]
    return {**card, "url": url, "mirrors": mirrors}


# --- the cache ---------------------------------------------------------------------------------


def cache_folder() -> pathlib.Path:
    """Where models are kept: PIXELWISE_CACHE, or the system's folder for caches."""
    import pooch

    return pathlib.Path(os.environ.get("PIXELWISE_CACHE") or pooch.os_cache("pixelwise")).absolute()


def find_cached(card) -> pathlib.Path | None:
    """The unpacked folder of a card, if it is in the cache and complete; asks no network."""
    folder = cache_folder() / card["name"]
    try:
        stamp = json.loads((folder / STAMP).read_text())
        for name, file in stamp["files"].items():
            if (folder / name).stat().st_size != file["bytes"]:
                return None
        # The name alone may be another server's.
        key = "digest" if card["digest"] else "url"
        return folder if stamp[key] == card[key] else None
    except (OSError, *MALFORMED):
        return None


def fetch(card, progress=None) -> pathlib.Path:
    """The unpacked folder of a card; downloads it only if need be, in one process at a time.

    Args:
        card: one of `catalogue()`.
        progress: None, or called as progress(bytes so far, bytes in all or None), for example
            `ProgressBar(name)`; its `close()`, if it has one, is called at the end.

    Raises:
        InputError: one line: what is in the way, the remedy, how to do it by hand.
    """
    try:
        return find_cached(card) or _fetch_alone(card, progress)
    except OSError as error:
        raise _cannot_write(error) from None
    finally:
        if hasattr(progress, "close"):
            progress.close()


def verify(card) -> list[str]:
    """Hash the unpacked files again; lines that say what was compared with what.

    Raises:
        InputError: the model is not there, or a file is not what it was; names the file.
    """
    folder = cache_folder() / card["name"]
    path = folder / STAMP
    try:
        stamp = json.loads(path.read_text())
        lines = [f"archive from {stamp['source']}: {stamp['digest']}, {stamp['checked']}"]
        for name, file in stamp["files"].items():
            path = folder / name
            wanted = [file["digest"]]
            if name in card["files"]:
                wanted.append(card["files"][name])
            for digest in wanted:
                _refuse_other(path, digest)
                lines.append(f"{name}: {digest}")
        return lines
    except (OSError, *MALFORMED) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} is missing or damaged ({reason}); delete {folder} and fetch it again"
        ) from None


class ProgressBar:
    """A bar for `fetch` with speed and remaining time; it appears when bytes arrive."""

    def __init__(self, name):
        from tqdm.auto import tqdm

        # A delay, however short: shown by the first update.
        self.bar = tqdm(desc=name, unit="B", unit_scale=True, delay=1e-3)

    def __call__(self, done, total):
        if not self.bar.n:  # what an earlier attempt brought does not count as speed
            self.bar.initial = self.bar.n = done
        self.bar.total = total
        self.bar.update(done - self.bar.n)

    def close(self):
        """Take the bar away, if it was ever shown."""
        self.bar.close()


# --- from a server into the cache --------------------------------------------------------------


def _fetch_alone(card, progress) -> pathlib.Path:
    """Download and unpack a model unless another process has just done it."""
    from filelock import FileLock

    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f".{card['name']}.lock"):
        folder = find_cached(card)
        if folder is None:
            source = _see_that_archive_is_there(card, cache, progress)
            folder = install(card, cache, source)
    return folder


def _see_that_archive_is_there(card, cache, progress) -> str:
    """The archive is in the cache, and checked; returns where it is from."""
    import requests

    archive = cache / card["archive"]
    if archive.exists():
        try:
            _refuse_other(archive, card["digest"])
        except ValueError as error:
            raise InputError(f"{archive}: {error}; delete that file") from None
        return str(archive)

    part = cache / f"{archive.name}.part"
    failures = []
    for url in (card["url"], *card["mirrors"]):
        try:
            _download(url, part, card, progress)
            part.replace(archive)
            return url
        except (requests.RequestException, ValueError) as error:
            failures.append(f"{url}: {download.explain(error)}")
    raise InputError(
        f"{card['name']} cannot be downloaded ({'; '.join(failures)}); check the network "
        f"and run it again, or put {archive.name} into {cache} by hand"
    )


def _download(url, part, card, progress):
    """Receive what a URL serves, and check it: what is wrong does not stay."""
    has_digest = card["digest"] is not None
    download.receive(url, part, card["bytes"], has_digest, progress, room=UNPACKED)
    try:
        _refuse_other(part, card["digest"])
    except ValueError:
        part.unlink()
        raise


def install(card, cache, source) -> pathlib.Path:
    """Turn the archive in the cache into the card's folder, which appears when it is whole.

    Args:
        card: see `catalogue`.
        cache: the cache folder, with the archive in it.
        source: where the archive is from.

    Returns:
        The folder.

    Raises:
        InputError: the archive holds no model; it is deleted.
    """
    archive = cache / card["archive"]
    folder = cache / card["name"]
    fresh = cache / f".{card['name']}.new"
    shutil.rmtree(fresh, ignore_errors=True)  # of a process that was killed; we hold the lock
    try:
        names = archives.unpack(archive, fresh)
        stamp = _stamp(card, source, archive, fresh, names)
        (fresh / STAMP).write_text(json.dumps(stamp, indent=1))
        if (folder / STAMP).exists():  # outdated or damaged, but ours
            shutil.rmtree(folder)
        fresh.rename(folder)
    except archives.BROKEN as error:
        archive.unlink()
        raise InputError(
            f"the archive from {source} held no model ({error}) and is deleted; fetch it again, "
            f"or put another {archive.name} into {cache} by hand"
        ) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    archive.unlink()
    return folder


def _stamp(card, source, archive, folder, names) -> dict:
    """What is known of an unpacked model: where it is from, and what its files must be."""
    files = {}
    for name in names:
        path = folder / name
        files[name] = {"bytes": path.stat().st_size, "digest": _digest(path)}
    return {
        "url": card["url"],
        "source": source,
        "checked": "as published" if card["digest"] else "unchecked",
        "files": files,
        "digest": card["digest"] or _digest(archive),
    }


def _digest(path, kind="sha256") -> str:
    """The digest of a file: "sha256:0123..."."""
    import pooch

    return f"{kind}:{pooch.file_hash(path, kind)}"


def _refuse_other(path, digest):
    """Raise ValueError if a file has another digest; None fits all."""
    if digest is None:
        return
    given = _digest(path, digest.split(":")[0])
    if given != digest:
        raise ValueError(f"it is {given}, not {digest}")


def _cannot_write(error) -> InputError:
    """What to raise where the cache cannot be written."""
    cache = cache_folder()
    where = error.filename2 or error.filename or cache
    reason = "it is a file" if cache.is_file() else error.strerror or error
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "free some space (what came is kept)"
    else:
        remedy = "permit it or clear the way"
    return InputError(
        f"cannot write {where} ({reason}); {remedy}, or set PIXELWISE_CACHE to another folder"
    )
