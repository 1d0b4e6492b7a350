"""Downloads from a local server that misbehaves: every mishap has one clear line and no debris."""

import errno
import hashlib
import importlib
import io
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tarfile
import threading

import pytest

from helpers.models import archives, download
from helpers.models.zoo import (
    BLANK,
    STAMP,
    ProgressBar,
    cache_folder,
    catalogue,
    fetch,
    find_cached,
    verify,
)
from helpers.structures import InputError
from tests.zoo_server import serve

ROOT = pathlib.Path(__file__).parents[1]
GRAPH = bytes(i * i % 251 for i in range(20_000)) + os.urandom(20_000)  # does not shrink
MODEL = {
    "toy_2018/frozen_inference_graph.pb": GRAPH,
    "toy_2018/pipeline.config": b"model {}",
    "toy_2018/labels.pbtxt": b'item { id: 1 name: "square" }',
    "toy_2018/saved_model/saved_model.pb": b"graph",
    "toy_2018/saved_model/variables/variables.data-00000-of-00001": b"weights",
    "toy_2018/model.ckpt.data-00000-of-00001": b"a checkpoint that nobody needs",
    "toy_2018/checkpoint/ckpt-0.index": b"another",
}


def pack(members) -> bytes:
    """A .tar.gz of {name: bytes}, or of [(TarInfo, bytes)] as they are."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for info, content in members.items() if isinstance(members, dict) else members:
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


ARCHIVE = pack(MODEL)


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A server of toy.tar.gz, and an empty cache."""
    monkeypatch.setenv("PIXELWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PIXELWISE_ZOO_URL", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "CHUNK", 1000)
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "toy.tar.gz").write_bytes(ARCHIVE)
    with serve(tmp_path / "served") as zoo:
        zoo.cache = tmp_path / "cache"
        yield zoo


def make_card(zoo, content=ARCHIVE, checked=True, **fields):
    """The card of the toy, with the digest of `content`."""
    card = {"name": "toy", "url": f"{zoo.url}/toy.tar.gz", "archive": "toy.tar.gz"}
    if checked:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        card |= {"bytes": len(content), "digest": digest}
    return BLANK | card | fields


def ranges(zoo):
    """The Range of each request so far."""
    return [headers.get("Range") for _, headers in zoo.requests]


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def debris(zoo):
    """What a user would find in the cache, but for locks."""
    return sorted(p.name for p in zoo.cache.iterdir() if p.suffix not in (".lock", ".tag"))


def interrupted(zoo, card, after=5000):
    """Fetch, and press Ctrl-C when so many bytes have come."""

    def progress(done, total):
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(card, progress)
    assert debris(zoo) == ["toy.tar.gz.part"]
    return (zoo.cache / "toy.tar.gz.part").stat().st_size


def refused(zoo, card, *words):
    """The one line of a fetch that fails; nothing is left under the final name."""
    with pytest.raises(InputError) as caught:
        fetch(card)
    line = str(caught.value)
    assert "\n" not in line and all(word in line for word in words), line
    assert find_cached(card) is None and not (zoo.cache / card["name"]).exists()
    return line


# --- what is shipped --------------------------------------------------------------------------


def test_our_cards_are_complete(monkeypatch):
    monkeypatch.delenv("PIXELWISE_ZOO_URL", raising=False)
    cards = catalogue()
    assert len(cards) == 5 and list(cards)[0] == "mask_rcnn_inception_v2_coco"
    for name, card in cards.items():
        lengths = {"sha256": 64, "sha384": 96}
        kind, _, digest = (card["digest"] or ":").partition(":")
        assert len(digest) == lengths.get(kind, 0) and card["archive"].startswith(name)
        assert (card["digest"] is None) == (card["bytes"] is None) == (card["format"][:3] == "TF2")
        # Without a digest a plain http mirror could bring anything.
        urls = [card["url"], *card["mirrors"]]
        assert card["digest"] or all(url.startswith("https:") for url in urls)
        assert {"licence", "paper", "mask_size", "input", "score_floor"} <= card.keys()
        assert {"ms", "mAP", "caveat", "source"} <= card["published"].keys()
    first = cards["mask_rcnn_inception_v2_coco"]
    assert first["bytes"] == 177_817_887 and first["digest"].startswith("sha256:4f57861c2ff1")


# --- all goes well ----------------------------------------------------------------------------


def test_fetch_unpacks_what_a_model_needs_and_says_where_it_is_from(zoo, capfd):
    card = make_card(zoo)
    assert find_cached(card) is None and not zoo.cache.exists()
    folder = fetch(card)
    assert folder == find_cached(card) == zoo.cache / "toy" and debris(zoo) == ["toy"]
    wanted = [name[9:] for name in MODEL if "ckpt" not in name]
    assert names(folder) == sorted([*wanted, STAMP])
    assert (folder / "frozen_inference_graph.pb").read_bytes() == GRAPH
    stamp = json.loads((folder / STAMP).read_text())
    assert stamp["source"] == card["url"] and stamp["digest"] == card["digest"]
    assert stamp["checked"] == "as published" and sorted(stamp["files"]) == sorted(wanted)
    digest = hashlib.sha256(GRAPH).hexdigest()
    graph = stamp["files"]["frozen_inference_graph.pb"]
    assert graph == {"bytes": len(GRAPH), "digest": f"sha256:{digest}"}
    assert len(verify(card)) == 1 + len(wanted) and digest in " ".join(verify(card))
    assert fetch(card) == folder and len(zoo.requests) == 1
    assert capfd.readouterr() == ("", "")  # pooch, above all, is silent


def test_a_card_without_a_digest_is_said_to_be_unchecked(zoo):
    folder = fetch(make_card(zoo, checked=False))
    stamp = json.loads((folder / STAMP).read_text())
    assert stamp["checked"] == "unchecked"
    assert stamp["digest"] == f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}"
    assert "unchecked" in verify(make_card(zoo, checked=False))[0]


def test_other_digests_than_sha256(zoo):
    digest = f"sha384:{hashlib.sha384(ARCHIVE).hexdigest()}"
    files = {"frozen_inference_graph.pb": f"sha1:{hashlib.sha1(GRAPH).hexdigest()}"}
    card = make_card(zoo, digest=digest, files=files)
    fetch(card)
    assert any(files["frozen_inference_graph.pb"] in line for line in verify(card))
    refused(zoo, make_card(zoo, digest="sha384:" + "0" * 96, name="other"), "0" * 96, digest[7:])


def test_progress_tells_bytes_and_closes_at_the_end(zoo, capsys):
    told, closed = [], []

    class Progress:
        def __call__(self, done, total):
            told.append((done, total))

        def close(self):
            closed.append(True)

    fetch(make_card(zoo), Progress())
    assert told == sorted(told) and told[-1] == (len(ARCHIVE), len(ARCHIVE)) and closed == [True]
    fetch(make_card(zoo), ProgressBar("toy"))  # in the cache: nothing to show
    assert capsys.readouterr().err == ""


def test_progress_bar_shows_name_speed_and_size(zoo, capsys):
    show = ProgressBar("toy")
    show.bar.delay = 0
    fetch(make_card(zoo), show)
    assert re.search(r"toy: 100%.*B/s", capsys.readouterr().err.split("\r")[-1])


def test_an_archive_put_there_by_hand_is_used(zoo):
    zoo.cache.mkdir()
    (zoo.cache / "toy.tar.gz").write_bytes(ARCHIVE)
    folder = fetch(make_card(zoo))
    assert zoo.requests == [] and debris(zoo) == ["toy"]
    assert json.loads((folder / STAMP).read_text())["source"] == str(zoo.cache / "toy.tar.gz")


def test_a_wrong_archive_put_there_by_hand_is_named_and_kept(zoo):
    zoo.cache.mkdir()
    (zoo.cache / "toy.tar.gz").write_bytes(ARCHIVE[:-9])
    card = make_card(zoo)
    given = hashlib.sha256(ARCHIVE[:-9]).hexdigest()
    refused(zoo, card, str(zoo.cache / "toy.tar.gz"), given, card["digest"], "delete that file")
    assert zoo.requests == [] and debris(zoo) == ["toy.tar.gz"]


# --- broken off, and gone on with -------------------------------------------------------------


def test_an_interrupted_download_goes_on(zoo):
    card = make_card(zoo)
    came = interrupted(zoo, card)
    told = []
    folder = fetch(card, lambda done, total: told.append(done))
    assert came >= 5000 and ranges(zoo) == [None, f"bytes={came}-"] and told[0] > came
    etag = f'"{hashlib.md5(ARCHIVE).hexdigest()}"'
    assert zoo.requests[1][1]["If-Range"] == etag
    assert (folder / "frozen_inference_graph.pb").read_bytes() == GRAPH and debris(zoo) == ["toy"]
    assert not list(zoo.cache.glob("*.tag"))


def test_a_dropped_connection_is_taken_up_at_once(zoo):
    zoo.behave(drop_after=7500, times=2)
    fetch(make_card(zoo))
    assert ranges(zoo) == [None, "bytes=7500-", "bytes=15000-"]


def test_a_server_without_range_starts_over(zoo):
    card = make_card(zoo)
    came = interrupted(zoo, card)
    zoo.behave(no_range=True)
    told = []
    fetch(card, lambda done, total: told.append(done))
    assert ranges(zoo) == [None, f"bytes={came}-"] and told[0] < came


def test_chunks_without_a_length(zoo):
    zoo.behave(chunked=True)
    told = []
    fetch(make_card(zoo, checked=False), lambda done, total: told.append((done, total)))
    assert told[-1] == (len(ARCHIVE), None)


def test_an_archive_called_gzip_is_not_unzipped_on_the_way(zoo):
    zoo.behave(encoding="gzip")
    fetch(make_card(zoo))
    assert zoo.requests[0][1]["Accept-Encoding"] == "identity"


def test_a_file_that_changed_meanwhile_starts_over(zoo):
    card = make_card(zoo, checked=False)
    interrupted(zoo, card)
    other = pack(MODEL | {"toy_2018/frozen_inference_graph.pb": GRAPH[::-1]})
    (zoo.folder / "toy.tar.gz").write_bytes(other)
    folder = fetch(card)
    assert (folder / "frozen_inference_graph.pb").read_bytes() == GRAPH[::-1]


def test_without_etag_and_date_only_a_digest_allows_going_on(zoo):
    zoo.behave(no_tag=True)
    came = interrupted(zoo, make_card(zoo))
    fetch(make_card(zoo))
    assert ranges(zoo) == [None, f"bytes={came}-"] and "If-Range" not in zoo.requests[1][1]
    card = make_card(zoo, checked=False, name="unchecked")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(card, stop)
    fetch(card)
    assert ranges(zoo)[2:] == [None, None]


def test_a_part_that_is_no_beginning_starts_over(zoo):
    zoo.cache.mkdir()
    (zoo.cache / "toy.tar.gz.part").write_bytes(ARCHIVE + b"more")
    fetch(make_card(zoo))  # the server answers 416
    assert ranges(zoo) == [f"bytes={len(ARCHIVE) + 4}-", None]


def test_a_part_that_is_all_asks_for_nothing(zoo):
    zoo.cache.mkdir()
    (zoo.cache / "toy.tar.gz.part").write_bytes(ARCHIVE)
    fetch(make_card(zoo))
    assert zoo.requests == []


def test_a_proxys_page_does_not_spoil_the_part(zoo):
    card = make_card(zoo)
    came = interrupted(zoo, card)
    zoo.behave(content=b"<html>log in</html>", content_type="text/html")
    refused(zoo, card, "a web page came")
    assert (zoo.cache / "toy.tar.gz.part").read_bytes() == ARCHIVE[:came]
    zoo.behave()
    fetch(card)
    assert ranges(zoo)[-1] == f"bytes={came}-"


def test_killed_in_the_middle_the_next_process_goes_on(zoo):
    code = "import os, signal; from helpers.models import download, zoo; download.CHUNK = 1000\n"
    code += "kill = lambda done, total: done > 5000 and os.kill(os.getpid(), signal.SIGKILL)\n"
    code += f"zoo.fetch({make_card(zoo)!r}, kill)"
    dead = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120)
    assert dead.returncode == -9
    (zoo.cache / ".toy.new").mkdir()  # as if killed while unpacking
    (zoo.cache / ".toy.new" / "old.pbtxt").write_bytes(b"")
    folder = fetch(make_card(zoo))
    assert ranges(zoo)[1].startswith("bytes=") and "old.pbtxt" not in names(folder)


def test_two_processes_at_once_fetch_it_once(zoo):
    came = threading.Event()
    zoo.behave(hold=came)
    code = (
        "import filelock\n"
        "acquire = filelock.FileLock.acquire\n"
        "def told(lock): print('at the door', flush=True); return acquire(lock)\n"
        "filelock.FileLock.acquire = told\n"
        "from helpers.models import download, zoo\n"
        "download.SECONDS = (60, 300)\n"
        f"print(zoo.fetch({make_card(zoo)!r}))"
    )

    def start():
        command = [sys.executable, "-c", code]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    with start() as first:
        assert first.stdout.readline() == "at the door\n" and came.wait(120)
        with start() as second:  # comes when the first has the lock, and nothing is there yet
            line = second.stdout.readline()
            zoo.release()
            outputs = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert line == "at the door\n" and outputs == [f"{zoo.cache / 'toy'}\n"] * 2
    assert len(zoo.requests) == 1 and debris(zoo) == ["toy"]


# --- mishaps: one line each -------------------------------------------------------------------

MISHAPS = {
    "404": ({"status": 404}, "404 Not Found"),
    "500": ({"status": 500}, "500 Internal Server Error"),
    "416": ({"status": 416}, "416 Requested Range Not Satisfiable"),
    "page": ({"content_type": "text/html"}, "a web page came instead of the file"),
    "page without type": ({"content": b"<!DOCTYPE html>"}, "a web page came instead of the file"),
    "stall": ({"stall_after": 0}, "the transfer stalled"),
    "stall on the way": ({"stall_after": 9000, "no_range": True}, "the transfer stalled"),
    "drop": ({"drop_after": 0}, "the connection broke"),
    "short": ({"announce": 999}, f"it has 999 bytes instead of {len(ARCHIVE):,}"),
    "long": ({"content": ARCHIVE + b"x", "announce": None}, "it is longer than it should be"),
    "cut": ({"content": ARCHIVE[:-7], "announce": None}, "the connection broke"),
}


@pytest.mark.parametrize("behaviour, words", MISHAPS.values(), ids=MISHAPS)
def test_a_mishap_on_the_way_is_one_line(zoo, monkeypatch, behaviour, words):
    if "content" in behaviour and words.startswith("a web"):  # as long as it should be
        behaviour = {"content": behaviour["content"].ljust(len(ARCHIVE))}
    zoo.behave(**behaviour)
    card = make_card(zoo)
    if "stall_after" in behaviour:
        monkeypatch.setattr(download, "SECONDS", (10, 0.3))
    refused(zoo, card, words, card["url"], f"put toy.tar.gz into {zoo.cache} by hand")
    assert len(zoo.requests) <= 5
    monkeypatch.setattr(download, "SECONDS", (10, 30))
    zoo.behave()
    assert fetch(card)


def test_no_server_and_no_network(zoo, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{free.getsockname()[1]}/toy.tar.gz"
        refused(zoo, make_card(zoo, url=url), "the connection was refused", url)

    def unknown(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    refused(zoo, make_card(zoo, url="http://zoo.invalid/toy.tar.gz"), "there is no network")


def test_a_proxy_that_refuses(zoo, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", zoo.url)
    monkeypatch.setenv("https_proxy", zoo.url)
    refused(zoo, make_card(zoo, url="https://zoo.invalid/toy.tar.gz"), "a proxy")


def test_wrong_bytes_are_not_unpacked(zoo):
    wrong = ARCHIVE[:9000] + b"?" + ARCHIVE[9001:]
    zoo.behave(content=wrong)
    card = make_card(zoo)
    refused(zoo, card, card["digest"], hashlib.sha256(wrong).hexdigest(), card["url"])
    assert debris(zoo) == []


def test_a_mirror_helps(zoo):
    (zoo.folder / "mirror").mkdir()
    (zoo.folder / "mirror" / "toy.tar.gz").write_bytes(ARCHIVE)
    zoo.behave(only="/gone/toy.tar.gz", content=b"\x1f\x8b".ljust(len(ARCHIVE)))
    mirror = f"{zoo.url}/mirror/toy.tar.gz"
    urls = {"url": f"{zoo.url}/gone/toy.tar.gz", "mirrors": [f"{zoo.url}/none.tar.gz", mirror]}
    folder = fetch(make_card(zoo, **urls))
    assert json.loads((folder / STAMP).read_text())["source"] == mirror
    assert [path for path, _ in zoo.requests] == [
        "/gone/toy.tar.gz",
        "/none.tar.gz",
        "/mirror/toy.tar.gz",
    ]
    urls["mirrors"].pop()
    line = refused(zoo, make_card(zoo, name="other", **urls), "404", "it is sha256:")
    assert urls["url"] in line and urls["mirrors"][0] in line


def test_a_full_disk_is_noticed_before(zoo, monkeypatch):
    usage = type("Usage", (), {"free": 3 * len(ARCHIVE) - 1})
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: usage)
    refused(zoo, make_card(zoo), "MB are needed", "free some space", str(zoo.cache))
    assert debris(zoo) == []
    usage.free += 1
    assert fetch(make_card(zoo))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="has no disk that is always full")
def test_a_full_disk_is_noticed_on_the_way(zoo):
    zoo.cache.mkdir()
    (zoo.cache / "toy.tar.gz.part").symlink_to("/dev/full")
    refused(zoo, make_card(zoo), "No space left", "free some space", str(zoo.cache))


@pytest.mark.parametrize("home", ["./", "", "1/"])
def test_a_saved_model_that_lies_bare_is_unpacked(tmp_path, home):
    """TensorFlow Hub's and Kaggle's layout; beside it, the same in a folder of its own."""
    bare = ["saved_model.pb", "variables/variables.index", "assets/names.txt"]
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(pack({f"{home}{name}": name.encode() for name in bare}))
    assert archives.unpack(archive, tmp_path / "a") == bare
    assert (tmp_path / "a/variables/variables.index").read_bytes() == b"variables/variables.index"
    inner = [f"saved_model/{name}" for name in bare]
    archive.write_bytes(pack({f"{home}{name}": b"x" for name in inner}))
    assert archives.unpack(archive, tmp_path / "b") == inner


def test_a_full_disk_while_unpacking_keeps_the_archive(zoo, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(archives.shutil, "copyfileobj", full)
        refused(zoo, make_card(zoo), "No space left")
    assert debris(zoo) == ["toy.tar.gz"]
    fetch(make_card(zoo))
    assert len(zoo.requests) == 1


def test_ctrl_c_while_unpacking_keeps_the_archive(zoo, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(archives.shutil, "copyfileobj", stop)
        with pytest.raises(KeyboardInterrupt):
            fetch(make_card(zoo))
    assert debris(zoo) == ["toy.tar.gz"]
    fetch(make_card(zoo))
    assert len(zoo.requests) == 1 and debris(zoo) == ["toy"]


def test_a_cache_that_cannot_be_written(zoo, monkeypatch):
    zoo.cache.write_bytes(b"")
    refused(zoo, make_card(zoo), str(zoo.cache), "it is a file", "PIXELWISE_CACHE")
    zoo.cache.unlink()

    def forbidden(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(pathlib.Path, "mkdir", forbidden)
    refused(zoo, make_card(zoo), "Permission denied", "PIXELWISE_CACHE")


def test_a_users_folder_in_the_way_is_left_alone(zoo):
    (zoo.cache / "toy").mkdir(parents=True)
    (zoo.cache / "toy" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=f"cannot write {zoo.cache / 'toy'} .*not empty"):
        fetch(make_card(zoo))
    assert names(zoo.cache / "toy") == ["notes.txt"]


# --- archives ---------------------------------------------------------------------------------

RAW = {
    "cut": (ARCHIVE[:-500], "end"),
    "flipped": (ARCHIVE[:9000] + b"??" + ARCHIVE[9002:], ""),
    "checksum": (ARCHIVE[:-8] + b"\0" * 8, "CRC"),
    "no gzip": (b"PK" * 9000, "gzip"),
    "no tar": (pack({})[:-8] + b"????", ""),
    "no model": (
        pack({"toy/model.ckpt.index": b"?", "toy/pipeline.config": b""}),
        "no saved_model",
    ),
    "empty": (b"", ""),
}


@pytest.mark.parametrize("content, words", RAW.values(), ids=RAW)
def test_an_unchecked_archive_that_is_no_model(zoo, content, words):
    (zoo.folder / "toy.tar.gz").write_bytes(content)
    card = make_card(zoo, checked=False)
    refused(zoo, card, "held no model", words, card["url"], "by hand")
    assert debris(zoo) == []


def hostile(name, **fields):
    info = tarfile.TarInfo(name)
    info.size = 3
    for key, value in fields.items():
        setattr(info, key, value)
    return info, b"bad"


HOSTILE = [
    hostile("../escaped.pbtxt"),
    hostile("toy/../../escaped.pbtxt"),
    hostile("/escaped.pbtxt"),
    hostile("toy/saved_model/../../../escaped.pbtxt"),
    hostile("toy/saved_model/..\\..\\escaped.pbtxt"),
    hostile("toy/C:escaped.pbtxt"),
    hostile("toy/.pbtxt"),
    hostile("toy/deep/down/frozen_inference_graph.pb"),
    hostile("toy/link.pbtxt", type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0),
    hostile("toy/hard.pbtxt", type=tarfile.LNKTYPE, linkname="toy/pipeline.config", size=0),
    hostile("toy/saved_model/assets", type=tarfile.SYMTYPE, linkname="/tmp", size=0),
    hostile("toy/device.pbtxt", type=tarfile.CHRTYPE, devmajor=1, devminor=3, size=0),
    hostile("toy/pipe.pbtxt", type=tarfile.FIFOTYPE, size=0),
]


def test_hostile_members_are_not_written(zoo, tmp_path):
    content = pack([*HOSTILE, *((hostile(n)[0], b"bad") for n in ("toy/pipeline.config",))])
    (zoo.folder / "toy.tar.gz").write_bytes(content)
    card = make_card(zoo, content)
    refused(zoo, card, "no frozen_inference_graph.pb")
    good = hostile("toy/frozen_inference_graph.pb")
    content = pack([*HOSTILE, good])
    (zoo.folder / "toy.tar.gz").write_bytes(content)
    folder = fetch(make_card(zoo, content))
    assert set(names(folder)) == {"escaped.pbtxt", "frozen_inference_graph.pb", STAMP}
    outside = [p for p in tmp_path.rglob("*escaped*") if folder not in p.parents]
    assert outside == [] and not [p for p in folder.rglob("*") if p.is_symlink()]
    assert (folder / "frozen_inference_graph.pb").stat().st_mode & 0o777 & ~0o644 == 0


def test_a_link_by_the_models_name_is_no_model(zoo):
    link = hostile(
        "toy/frozen_inference_graph.pb", type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0
    )
    content = pack([link])
    (zoo.folder / "toy.tar.gz").write_bytes(content)
    refused(zoo, make_card(zoo, content), "no frozen_inference_graph.pb")


def test_a_bomb_is_refused_by_its_announced_size(zoo, monkeypatch):
    file = io.BytesIO()
    info = tarfile.TarInfo("toy/frozen_inference_graph.pb")
    info.size = 2**40
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        archive.fileobj.write(info.tobuf())
        archive.fileobj.write(b"0" * 9999)
        archive.offset = 2**9 * 21
    (zoo.folder / "toy.tar.gz").write_bytes(file.getvalue())
    refused(zoo, make_card(zoo, checked=False), "unpacks to more than 4.3 GB")
    monkeypatch.setattr(archives, "MAX_BYTES", len(ARCHIVE) + 1000)  # the sum counts, too
    twice = pack(MODEL | {"toy/saved_model/saved_model.pb": GRAPH[:9000]})
    monkeypatch.setattr(archives, "MAX_BYTES", 45_000)
    (zoo.folder / "toy.tar.gz").write_bytes(twice)
    refused(zoo, make_card(zoo, twice), "unpacks to more than")


# --- the list of models -----------------------------------------------------------------------


def test_a_servers_list_replaces_ours(zoo, monkeypatch):
    monkeypatch.setenv("PIXELWISE_ZOO_URL", zoo.url + "/")
    cards = [{"name": "toy", "url": "toy.tar.gz", "mirrors": ["b/toy.tar.gz"], "mask_size": 15}]
    (zoo.folder / "zoo.json").write_text(json.dumps(cards))
    cards = catalogue()
    assert list(cards) == ["toy"] and cards["toy"]["mask_size"] == 15
    assert cards["toy"]["url"] == f"{zoo.url}/toy.tar.gz"
    assert cards["toy"]["mirrors"] == [f"{zoo.url}/b/toy.tar.gz"]
    assert fetch(cards["toy"]) == zoo.cache / "toy"


def test_without_a_list_our_archives_are_looked_for_at_the_server(zoo, monkeypatch):
    monkeypatch.setenv("PIXELWISE_ZOO_URL", zoo.url)
    card = catalogue()["mask_rcnn_resnet50_atrous_coco"]
    assert card["url"] == f"{zoo.url}/mask_rcnn_resnet50_atrous_coco_2018_01_28.tar.gz"
    assert card["mirrors"] == [] and card["bytes"] == 449_505_463


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"\xff\xfe",
        b"",
        b"[1]",
        b'[{"name": "toy"}]',
        b'[{"name": "../toy", "url": "toy.tar.gz"}]',
        b'[{"name": "toy", "url": "http://host/"}]',
        b'[{"name": "toy", "url": "model.zip"}]',
        b'[{"name": "toy", "url": "toy.tar.gz", "mirrors": null}]',
        b"null",
        b"<html>",
    ],
)
def test_a_list_that_is_none_is_one_line(zoo, monkeypatch, text):
    monkeypatch.setenv("PIXELWISE_ZOO_URL", zoo.url)
    (zoo.folder / "zoo.json").write_bytes(text)
    with pytest.raises(InputError, match=f"^{zoo.url}/zoo.json is no list of models.*$"):
        catalogue()


def test_a_server_of_lists_that_does_not_answer(zoo, monkeypatch):
    monkeypatch.setenv("PIXELWISE_ZOO_URL", zoo.url)
    zoo.behave(status=503)
    with pytest.raises(InputError, match="^.*zoo.json: 503 .*PIXELWISE_ZOO_URL$"):
        catalogue()
    zoo.behave(hold=threading.Event())
    monkeypatch.setattr(download, "SECONDS", (0.2, 0.2))
    with pytest.raises(InputError, match="^.*zoo.json: the transfer stalled; .*$"):
        catalogue()
    monkeypatch.setenv("PIXELWISE_ZOO_URL", "nonsense")
    with pytest.raises(InputError, match="^nonsense/zoo.json: .*PIXELWISE_ZOO_URL$"):
        catalogue()


def test_importing_asks_no_server(zoo, monkeypatch):
    monkeypatch.setenv("PIXELWISE_ZOO_URL", zoo.url)
    importlib.reload(importlib.import_module("helpers.models.zoo"))
    assert zoo.requests == []


# --- what lies in the cache -------------------------------------------------------------------


def test_the_cache_is_the_systems_unless_told(monkeypatch, tmp_path):
    monkeypatch.delenv("PIXELWISE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().name == "pixelwise" and cache_folder().is_absolute()
    monkeypatch.setenv("PIXELWISE_CACHE", "here")
    assert cache_folder() == pathlib.Path("here").absolute()


def test_verify_names_what_is_damaged(zoo):
    card = make_card(zoo)
    with pytest.raises(InputError, match=f"{STAMP} is missing"):
        verify(card)
    graph = fetch(card) / "frozen_inference_graph.pb"
    with pytest.raises(InputError, match=f"{graph} .*not sha1:00"):
        verify(card | {"files": {graph.name: "sha1:00"}})
    graph.write_bytes(GRAPH[::-1])  # of the same size: only hashing tells
    assert find_cached(card)
    with pytest.raises(InputError, match=f"^{graph} .*delete {graph.parent} and fetch"):
        verify(card)
    graph.unlink()
    with pytest.raises(InputError, match=f"{graph} is missing or damaged .No such file"):
        verify(card)
    (graph.parent / STAMP).write_text("[]")
    with pytest.raises(InputError, match=f"{STAMP} is missing or damaged"):
        verify(card)


@pytest.mark.parametrize("damage", ["cut", "gone", "stamp"])
def test_what_is_seen_to_be_damaged_is_fetched_again(zoo, damage):
    card = make_card(zoo)
    folder = fetch(card)
    graph = folder / "frozen_inference_graph.pb"
    if damage == "stamp":
        (folder / STAMP).write_text("{")
    else:
        graph.write_bytes(b"?") if damage == "cut" else graph.unlink()
    assert find_cached(card) is None
    assert fetch(card) == folder and graph.read_bytes() == GRAPH and len(zoo.requests) == 2


def test_another_model_of_the_same_name_is_not_taken_for_it(zoo):
    fetch(make_card(zoo, checked=False))
    assert find_cached(make_card(zoo, checked=False)) and find_cached(make_card(zoo))
    assert find_cached(make_card(zoo, digest="sha256:" + "0" * 64)) is None
    assert find_cached(make_card(zoo, checked=False, url="http://elsewhere/toy.tar.gz")) is None
