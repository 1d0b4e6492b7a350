"""Archives of models with members that want out of their folder, damaged or not."""

import gzip
import io
import tarfile

from hostile.damage import damaged

FILE = tarfile.REGTYPE
KINDS = (
    FILE, FILE, FILE, FILE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE,
    tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE,
)  # fmt: skip


def check(rng, folder):
    from helpers.models import zoo

    cache = folder / "cache"
    kept = folder / "outside/kept"
    cache.mkdir()
    kept.parent.mkdir()
    kept.write_text("kept")
    packed = gzip.compress(_tar(rng, _names(kept)))
    if rng.random() < 0.5:
        packed = gzip.compress(damaged(gzip.decompress(packed), rng))
    if rng.random() < 0.3:
        packed = damaged(packed, rng)
    (cache / "m.tar.gz").write_bytes(packed)
    card = {"name": "m", "archive": "m.tar.gz", "digest": None, "url": "http://nowhere.invalid/m"}
    try:
        zoo.install(card, cache, "here")
    finally:
        _assert_nothing_strange(folder)


def _names(kept):
    """Names of members: a model's, and such as would write elsewhere, one of them over `kept`."""
    return [
        "m/frozen_inference_graph.pb", "m/saved_model/saved_model.pb", "m/../../x", "../x",
        str(kept), "/x", "m/frozen_inference_graph.pb/x", "m/é" * 60, "m/" + "d/" * 99,
        "m/saved_model/variables/variables.index", "..\\x", "", ".", "m/pipeline.config",
    ]  # fmt: skip


def _tar(rng, names):
    """One to five members of any kind."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for _ in range(rng.randrange(1, 6)):
            member = tarfile.TarInfo(rng.choice(names))
            member.type = rng.choice(KINDS)
            member.linkname = rng.choice([*names, "../outside/kept"])
            content = rng.randbytes(rng.choice((0, 10, 3000)))
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def _assert_nothing_strange(folder):
    here = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    strange = [p for p in here if not p.startswith(("cache/m", "outside")) and p != "cache"]
    assert not strange, f"written where nothing should be: {strange}"
    assert (folder / "outside/kept").read_text() == "kept", "a file outside was changed"
    assert not any(path.is_symlink() for path in folder.rglob("*")), "a link was made"
