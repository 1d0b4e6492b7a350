"""The zoo's models on this computer: downloaded once, checked, unpacked, checked again.

In the cache folder a model is a folder of its own name, with a stamp, `pixelwise.json`, that says
where its files are from and what they must be. Until all of it is there, there is only
`<archive>.part`, which the next attempt goes on with. An archive put there by hand is used as well.
"""

import contextlib
import errno
import gzip
import itertools
import json
import os
import pathlib
import re
import shutil
import tarfile
import zlib
from urllib.parse import urljoin, urlsplit

from helpers import DATA
from helpers.structures import InputError

CARDS = DATA / "zoo.json"
BLANK = {"mirrors": [], "bytes": None, "digest": None, "files": {}}
STAMP = "pixelwise.json"
SECONDS = (10, 30)  # to connect, and without a byte
MAX_BYTES = 4 * 2**30  # of a download whose size nobody tells, and of all that is unpacked
CHUNK = 2**18
# What is taken out of an archive, and its folder dropped: no checkpoints, nothing from outside.
MEMBER = r"(?:\./)?(?:[^/]+/)?(frozen_inference_graph\.pb|pipeline\.config|\w[\w.-]*\.pbtxt"
MEMBER += r"|saved_model(?:/\w[\w. -]*)+)"
# What the network's errors say, and what that means to a user; the first that fits.
CAUSES = {
    "Proxy|SSL|CERTIFICATE": "no secure connection, or a proxy that does not let it through",
    "NameResolution|getaddrinfo|Name or service": "there is no network, or no such server",
    "refused": "the connection was refused",
    "ReadTimeout|Read timed out": "the transfer stalled",
    "timed out|Timeout": "the server does not answer",
    "IncompleteRead|broke|reset|aborted": "the connection broke",
}


def cache_folder() -> pathlib.Path:
    """Where models are kept: PIXELWISE_CACHE, or the system's folder for caches."""
    import pooch

    return pathlib.Path(os.environ.get("PIXELWISE_CACHE") or pooch.os_cache("pixelwise")).absolute()


def catalogue() -> dict[str, dict]:
    """The zoo's cards by name: data/zoo.json, or what the server at PIXELWISE_ZOO_URL offers.

    That variable is the URL of a folder. Its `zoo.json`, if there is one, replaces our cards, and
    URLs in it may be names in that folder; if not, our archives are looked for in that folder.

    Raises:
        InputError: the server does not answer, or its cards are no cards.
    """
    root = os.environ.get("PIXELWISE_ZOO_URL", "").rstrip("/")
    source, content, cards = CARDS, None, {}
    try:
        if root:
            import requests

            source = f"{root}/zoo.json"
            answer = requests.get(source, timeout=SECONDS[0])
            if answer.status_code != 404:
                answer.raise_for_status()
                content = answer.content
        for card in json.loads(CARDS.read_bytes() if content is None else content):
            card = BLANK | card | {"archive": urlsplit(card["url"]).path.rpartition("/")[2]}
            if root and content is None:
                card |= {"url": card["archive"], "mirrors": []}
            names = f"{card['name']} {card['archive']}"  # of a folder and of a file
            if not re.fullmatch(r"\w[\w.-]* \w[\w.-]*\.tar\.gz", names):
                raise ValueError(f"not NAME and ARCHIVE.tar.gz: {names}")
            card["url"] = urljoin(f"{root}/", card["url"])
            card["mirrors"] = [urljoin(f"{root}/", mirror) for mirror in card["mirrors"]]
            cards[card["name"]] = card
    except OSError as error:  # requests' errors are such
        raise InputError(f"{source}: {_cause(error)}; check PIXELWISE_ZOO_URL") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{source} is no list of models ({error!r}); correct it") from None
    return cards


def find_cached(card) -> pathlib.Path | None:
    """The unpacked folder of a card, if it is in the cache and complete; asks no network."""
    folder = cache_folder() / card["name"]
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        stamp = json.loads((folder / STAMP).read_text())
        key = "digest" if card["digest"] else "url"  # the name alone may be another server's
        is_whole = [(folder / n).stat().st_size == f["bytes"] for n, f in stamp["files"].items()]
        return folder if all(is_whole) and stamp[key] == card[key] else None


def fetch(card, progress=None) -> pathlib.Path:
    """The unpacked folder of a card; downloads it only if need be, in one process at a time.

    Args:
        card: one of `catalogue()`.
        progress: None, or called as progress(bytes so far, bytes in all or None), for example
            `progress_bar(name)`; its `close()`, if it has one, is called at the end.

    Raises:
        InputError: one line: what is in the way, the remedy, how to do it by hand.
    """
    if folder := find_cached(card):
        return folder
    from filelock import FileLock

    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f".{card['name']}.lock"):
            return find_cached(card) or _unpack(card, cache, _download(card, cache, progress))
    except OSError as error:
        where = error.filename2 or error.filename or cache
        reason = "it is a file" if cache.is_file() else error.strerror or error
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "free some space (what came is kept)" if is_full else "permit it or clear the way"
        remedy += ", or set PIXELWISE_CACHE to another folder"
        raise InputError(f"cannot write {where} ({reason}); {remedy}") from None
    finally:
        getattr(progress, "close", bool)()


def progress_bar(name):
    """A bar for `fetch` with speed and remaining time; it appears when bytes arrive."""
    from tqdm.auto import tqdm

    bar = tqdm(desc=name, unit="B", unit_scale=True, delay=1e-3)  # shown by the first update

    def show(done, total):
        if not bar.n:  # what an earlier attempt brought does not count as speed
            bar.initial = bar.n = done
        bar.total = total
        bar.update(done - bar.n)

    show.close = bar.close
    return show


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
            for wanted in filter(None, (file["digest"], card["files"].get(name))):
                if wanted != (found := _digest(path, wanted)):
                    raise OSError(f"it is {found}, not {wanted}")
                lines.append(f"{name}: {found}")
        return lines
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or error
        reason = f"{path} is missing or damaged ({reason})"
        raise InputError(f"{reason}; delete {folder} and fetch it again") from None


def _digest(path, like="sha256") -> str:
    """The digest of a file, of the kind of another: "sha256:0123..."."""
    import pooch

    kind = (like or "sha256").split(":")[0]
    return f"{kind}:{pooch.file_hash(path, kind)}"


def _cause(error) -> str:
    """What an error of the network or of a source means, in a few words."""
    if getattr(error, "response", None) is not None:
        return f"{error.response.status_code} {error.response.reason}"
    causes = (cause for words, cause in CAUSES.items() if re.search(words, repr(error)))
    return next(causes, str(error).split(". Deleted")[0])  # pooch's, on a digest, goes on


def _download(card, cache, progress) -> str:
    """See that the archive is in the cache and checked; returns where it is from."""
    import pooch
    import requests

    archive, failures = cache / card["archive"], []
    if archive.exists():
        if card["digest"] not in (None, found := _digest(archive, card["digest"])):
            raise InputError(f"{archive} is {found}, not {card['digest']}; delete that file")
        return str(archive)

    def downloader(url, path, _):
        part = cache / f"{archive.name}.part"
        _receive(url, part, card, progress)
        os.replace(part, path)

    pooch.get_logger().setLevel("ERROR")
    for url in (card["url"], *card["mirrors"]):
        try:
            pooch.retrieve(url, card["digest"], archive.name, cache, downloader=downloader)
            return url
        except (requests.RequestException, ValueError) as error:
            failures.append(f"{url}: {_cause(error)}")
    remedy = f"check the network and run it again, or put {archive.name} into {cache} by hand"
    raise InputError(f"{card['name']} cannot be downloaded ({'; '.join(failures)}); {remedy}")


def _receive(url, part, card, progress):
    """Write what a URL serves to the file `part`, going on where an earlier attempt broke off."""
    import requests
    from urllib3.exceptions import HTTPError

    tag = part.with_suffix(".tag")
    for _ in range(5):
        before = done = part.stat().st_size if part.exists() else 0
        if done and done == card["bytes"]:
            break
        version = tag.read_text() if tag.exists() else ""
        headers = {"Accept-Encoding": "identity"}  # the archive itself, not zipped once more
        if done and (version or card["digest"]):  # else nothing could tell that it is the same
            headers |= {"Range": f"bytes={done}-"} | ({"If-Range": version} if version else {})
        try:
            with requests.get(url, headers=headers, stream=True, timeout=SECONDS) as answer:
                if answer.status_code == 416 and done:  # not a beginning of this file
                    part.unlink()
                    continue
                answer.raise_for_status()
                told, is_rest = answer.headers, answer.status_code == 206
                chunks = answer.raw.stream(CHUNK, decode_content=False)
                first = next(chunks, b"")
                if "text/html" in told.get("Content-Type", "") or not is_rest and first[:1] == b"<":
                    raise ValueError("a web page came instead of the file; a login or a proxy?")
                done = done if is_rest else 0
                total = done + int(told.get("Content-Length", -done)) or card["bytes"]
                if total != (card["bytes"] or total):
                    raise ValueError(f"it has {total:,} bytes instead of {card['bytes']:,}")
                need = 3 * (total or 0) - done  # the archive, and twice that to unpack it
                if need > shutil.disk_usage(part.parent).free:
                    raise OSError(errno.ENOSPC, f"{need / 1e9:.2f} GB are needed, and not free")
                with open(part, "ab" if is_rest else "wb") as file:
                    weak = told.get("ETag", "W/").startswith("W/")
                    tag.write_text(told.get("Last-Modified" if weak else "ETag", ""))
                    for chunk in itertools.chain([first], chunks):
                        done += file.write(chunk)
                        if done > (total or MAX_BYTES):
                            raise ValueError("it is longer than it should be")
                        if progress:
                            progress(done, total)
            if total in (None, done):
                break
            raise requests.ConnectionError("the connection broke")
        except (requests.ConnectionError, requests.Timeout, HTTPError) as error:
            if done <= before:  # else go on from there
                raise requests.ConnectionError(error) from None
    else:
        raise requests.ConnectionError("the connection broke again and again")
    tag.unlink(missing_ok=True)


def _unpack(card, cache, source) -> pathlib.Path:
    """Turn the archive in the cache into the card's folder, with what matches MEMBER only."""
    archive, folder = cache / card["archive"], cache / card["name"]
    fresh, files = cache / f".{card['name']}.new", {}
    shutil.rmtree(fresh, ignore_errors=True)  # of a process that was killed; we hold the lock
    try:
        with gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as members:
            for member in members:
                found = re.fullmatch(MEMBER, member.name)
                if found and member.isreg():  # nor are links and devices written
                    path, files[found[1]] = fresh / found[1], {"bytes": member.size}
                    if sum(file["bytes"] for file in files.values()) > MAX_BYTES:
                        raise ValueError(f"it unpacks to more than {MAX_BYTES / 1e9:.1f} GB")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with members.extractfile(member) as inside, open(path, "wb") as file:
                        shutil.copyfileobj(inside, file)
                    files[found[1]]["digest"] = _digest(path)
            while stream.read(CHUNK):  # to the end, where gzip's checksum is
                pass
        if not files.keys() & {"frozen_inference_graph.pb", "saved_model/saved_model.pb"}:
            raise ValueError("no frozen_inference_graph.pb, no saved_model")
        checked = "as published" if card["digest"] else "unchecked"
        stamp = {"url": card["url"], "source": source, "checked": checked, "files": files}
        stamp["digest"] = card["digest"] or _digest(archive)
        (fresh / STAMP).write_text(json.dumps(stamp, indent=1))
        if (folder / STAMP).exists():  # outdated or damaged, but ours
            shutil.rmtree(folder)
        fresh.rename(folder)
    except (ValueError, EOFError, tarfile.TarError, gzip.BadGzipFile, zlib.error) as error:
        archive.unlink()
        remedy = f"fetch it again, or put another {archive.name} into {cache} by hand"
        reason = f"the archive from {source} held no model ({error}) and is deleted"
        raise InputError(f"{reason}; {remedy}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    archive.unlink()
    return folder
