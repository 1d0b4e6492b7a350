"""What is taken out of a model's archive: the files of a graph, and nothing from outside."""

import gzip
import re
import shutil
import tarfile
import zlib

MAX_BYTES = 4 * 2**30  # of all that is unpacked
# Names in the archive; its own folder is dropped. No checkpoints, no way out of the folder. The
# last two parts are TensorFlow Hub's layout, a SavedModel that lies bare.
MEMBER = re.compile(
    r"(?:\./)?(?:(?!saved_model/)[^/]+/)?"
    r"(frozen_inference_graph\.pb|pipeline\.config|\w[\w.-]*\.pbtxt|saved_model(?:/\w[\w. -]*)+"
    r"|saved_model\.pb|(?:variables|assets)/\w[\w. -]*)"
)
GRAPHS = ("frozen_inference_graph.pb", "saved_model/saved_model.pb", "saved_model.pb")
# What damaged archives raise.
BROKEN = (ValueError, EOFError, tarfile.TarError, gzip.BadGzipFile, zlib.error)


def unpack(archive, folder) -> list[str]:
    """Unpack a model's files from a `.tar.gz`.

    Links and devices are never written.

    Args:
        archive: path of the archive.
        folder: Path, where to write to; made if need be.

    Returns:
        Their names, relative to the folder.

    Raises:
        one of BROKEN: the archive is damaged, holds no graph, or too much.
    """
    names = []
    num_bytes = 0
    with gzip.open(archive) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as members:
            for member in members:
                name = MEMBER.fullmatch(member.name)
                if name is None or not member.isreg():
                    continue
                num_bytes += member.size
                if num_bytes > MAX_BYTES:
                    raise ValueError(f"it unpacks to more than {MAX_BYTES / 1e9:.1f} GB")
                path = folder / name[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                with members.extractfile(member) as inside, open(path, "wb") as file:
                    shutil.copyfileobj(inside, file)
                names.append(name[1])
        _read_to_the_end(stream)
    if not set(names) & set(GRAPHS):
        raise ValueError("no frozen_inference_graph.pb, no saved_model")
    return names


def _read_to_the_end(stream):
    """The checksum of a gzip file stands at its end, and is compared when that is read."""
    while stream.read(2**20):
        pass
