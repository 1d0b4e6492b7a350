"""Pictures in and pictures out: find them, read any of them as RGB, write without half files."""

import contextlib
import glob
import io
import os
import pathlib
import re
import warnings

import numpy as np
from PIL import Image, ImageOps

from helpers.structures import InputError, require

try:
    import pillow_heif
except ImportError:  # all but HEIC is read without it
    pillow_heif = None

WRITTEN = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
SUFFIXES = (*WRITTEN, ".jfif", ".jpe", ".heic", ".heif", ".avif")  # what is read
# Only these are tried, whatever a file is called: Pillow reads many more, some of them unsafely
# (Pillow 11.3's PSD reader writes out of bounds, CVE-2026-25990).
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
if pillow_heif:
    pillow_heif.register_heif_opener()  # Pillow 11 reads AVIF itself, but not HEIC
    FORMATS += ("HEIF",)
# A hidden name, of what is not yet whole.
HALF = re.compile(r"\..+?(\.(?P<process>\d+))?\.parts?(\.\w+)?")
KINDS = "JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF or HEIC"


def find_images(pattern) -> list[pathlib.Path]:
    """The pictures that a file name, a folder or a glob pattern means.

    Args:
        pattern: path or str; `~` is the home folder. A file is taken as it is; of a folder or a
            glob (`photos/*.jpg`, `photos/**`) only names with a picture's ending (`SUFFIXES`)
            count, hidden ones never. Subfolders are searched only by `**`.

    Returns:
        Paths, sorted, at least one.

    Raises:
        InputError: there is no such file, or no picture in the folder or for the pattern.
    """
    path = pathlib.Path(pattern).expanduser()
    if os.path.isfile(path):
        return [path]
    if not os.path.exists(path) and not glob.has_magic(str(path)):
        raise InputError(f"{path}: no such file or folder; check the name")
    inside = glob.escape(str(path)) + "/*" if os.path.isdir(path) else str(path)
    names = (pathlib.Path(name) for name in glob.glob(inside, recursive=True))
    found = sorted(name for name in names if name.suffix.lower() in SUFFIXES and name.is_file())
    if not found:
        endings = ", ".join(ending[1:] for ending in SUFFIXES)
        raise InputError(f"no pictures in {path}; wanted are files that end in {endings}")
    return found


def read_image(path, source=None) -> np.ndarray:
    """Read a picture file as upright RGB, whatever it holds inside.

    EXIF orientation is applied. Grey, palette and CMYK become RGB; transparency is put over white.
    16 bits are scaled to 8 (65535 is white). 32-bit and float pictures have no fixed white: they
    are stretched from their lowest to their highest value. Of an animation the first frame is read.
    Up to twice `PIL.Image.MAX_IMAGE_PIXELS` (179 million pixels) is accepted, in silence.

    Args:
        path: a JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF or HEIC file.
        source: None, or a file object to read instead; `path` then only says where it is from.

    Returns:
        (H, W, 3) uint8, writable.

    Raises:
        InputError: the file is missing, no picture, cut off or too large; one line that names it.
    """
    path = pathlib.Path(path).expanduser()
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file; check the name")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a picture in it")
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path}: is empty (0 bytes); copy or download it again")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's on size, EXIF and palettes: handled here
            with Image.open(source or path, formats=FORMATS) as picture:
                ImageOps.exif_transpose(picture, in_place=True)
                return to_rgb(picture)
    except InputError:
        raise
    except Image.DecompressionBombError:
        limit = 2 * Image.MAX_IMAGE_PIXELS // 10**6
        raise InputError(f"{path}: has over {limit} million pixels; make it smaller") from None
    except Image.UnidentifiedImageError:
        if pillow_heif is None and path.suffix.lower() in (".heic", ".heif"):
            raise InputError(
                f"{path}: HEIC needs the package pillow-heif; install it, or export it as JPEG"
            ) from None
        raise InputError(f"{path}: is not a {KINDS} picture; export it as JPEG") from None
    except PermissionError:
        raise InputError(f"{path}: may not be read; change its permissions") from None
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory; make it smaller") from None
    except Exception as error:  # damaged files raise anything: OSError, SyntaxError, struct.error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: is damaged or cut off ({reason}); copy it again") from None


def to_rgb(picture: Image.Image) -> np.ndarray:
    """A picture of Pillow's in any mode as (H, W, 3) uint8, see `read_image`."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.nan_to_num(np.asarray(picture).astype(np.float32))
        low, high = 0, 65535
        if picture.mode in ("I", "F"):
            low, high = values.min(), max(values.max(), values.min() + 1e-6)
        grey = np.round((values - low) * (255 / (high - low))).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def save_image(path, image, quality: int = 92) -> pathlib.Path:
    """Write a picture: whole, or not at all.

    Args:
        path: where to; `~` is the home folder; the ending says the format: .jpg, .png, .webp, .bmp,
            .tif or .gif. The folder is made if need be. An older file is replaced when the new one
            is complete.
        image: (H, W, 3) uint8 RGB.
        quality: 1 (small) to 95 (fine), of JPEG and WebP.

    Returns:
        The path.

    Raises:
        ValueError: the ending is of no picture, or the image is not (H, W, 3) uint8.
        OSError: the folder cannot be written, or the disk is full.
    """
    path = pathlib.Path(path).expanduser()
    image = np.asarray(image)
    require(path.suffix.lower() in WRITTEN, f"{path} must end in one of {', '.join(WRITTEN)}")
    wanted = image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
    require(wanted, f"image must be (H, W, 3) uint8, got {image.shape} {image.dtype}")
    write_picture(path, Image.fromarray(np.ascontiguousarray(image)), quality=quality)
    return path


def write_picture(path, picture, **options):
    """Write a picture of Pillow's: whole, or not at all.

    Pillow encodes into memory here. Into a file it would not notice that a disk became full in the
    middle of its last piece, and leave a picture without its end.

    Args:
        path: where to; the ending says the format. The folder is made if need be.
        picture: PIL.Image.Image.
        **options: of `PIL.Image.Image.save`.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    path = pathlib.Path(path)
    encoded = io.BytesIO()
    picture.save(encoded, Image.registered_extensions()[path.suffix.lower()], **options)
    with replacing(path) as part:
        part.write_bytes(encoded.getvalue())


@contextlib.contextmanager
def replacing(path):
    """A name to write a file under, which becomes `path` only if the block ends without an error.

    Args:
        path: the final name; `~` is the home folder; its folder is made if need be.

    Yields:
        A hidden name with the same ending in the same folder. What was written there is renamed
        to `path` at the end of the block, or removed when the block raises: nobody ever sees half
        a file, and an older one stays until the new one is whole.
    """
    path = pathlib.Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def remove_halves(folder):
    """Remove what runs that were killed have left half written in a folder; see `replacing`.

    Args:
        folder: path or str; it need not be there. What a process at work on this machine writes
            there stays.
    """
    import psutil

    for path in pathlib.Path(folder).glob(".*.part*"):
        found = HALF.fullmatch(path.name)
        writer = int(found["process"] or 0) if found else 0
        if writer and (writer == os.getpid() or not psutil.pid_exists(writer)):
            with contextlib.suppress(OSError):  # it is in nobody's way
                path.unlink()


def visible(path) -> pathlib.Path:
    """A path as a user knows it: of a file that is not yet whole, the folder that it is in.

    Args:
        path: path or str, such as out/.results.4711.part.json.
    """
    path = pathlib.Path(path)
    for place in (path, *path.parents):
        if HALF.fullmatch(place.name):
            path = place.parent
    return path


def explain_system(error, place) -> str:
    """An error of the system's as a line: which file or folder, and what about it.

    Args:
        error: OSError.
        place: path or str, what it is about if the error does not say.
    """
    reason = error.strerror or str(error)
    if "\n" in reason:  # HDF5 tells a story
        reason = os.strerror(error.errno)
    return f"{visible(error.filename or place)}: {reason}"
