"""The page of the site that runs `everyday` in the visitor's browser: what it needs beside itself.

web/ holds the page and its scripts; here come in the two ONNX graphs of the model, ONNX Runtime Web
from npm in the version and with the digest that web/runtime.json names, and the photographs.
"""

import base64
import json
import shutil
import string
import subprocess
import tarfile
import tempfile
from hashlib import sha512
from pathlib import Path

from helpers import DATA
from helpers.models.zoo import cache_folder
from helpers.pictures import replacing
from helpers.structures import InputError

WEB = Path(__file__).resolve().parent.parent / "web"
NAME = "web/index.md"  # of the page among those of the site
TITLE = "Try it"
PHOTOGRAPHS = {
    "astronaut": "An astronaut before a flag and a model of the space shuttle",
    "chelsea": "The face of a cat",
    "coffee": "A cup of espresso on a wooden table",
    "grace_hopper": "A woman in the uniform of the navy",
}
SECONDS = 300  # that npm may take


def runtime():
    """What web/runtime.json says of the runtime."""
    return json.loads((WEB / "runtime.json").read_text(encoding="utf-8"))


def fetch_runtime() -> Path:
    """The runtime's package as npm has it, checked; from the cache if it has been fetched before.

    Raises:
        InputError: it cannot be had, or is another than web/runtime.json names.
    """
    wanted = runtime()
    name = f"{wanted['package']}-{wanted['version']}.tgz"
    archive = cache_folder() / name
    if archive.is_file() and digest(archive) == wanted["integrity"]:
        return archive
    with tempfile.TemporaryDirectory() as folder:
        fetched = Path(folder) / name
        pack(f"{wanted['package']}@{wanted['version']}", fetched)
        found = digest(fetched)
        if found != wanted["integrity"]:
            raise InputError(f"{name} is not the one wanted: its digest is {found}")
        with replacing(archive) as part:
            shutil.copyfile(fetched, part)
    return archive


def pack(package, file):
    """Fetch a package of npm's to a file, with npm, which knows mirrors and proxies.

    Raises:
        InputError: there is no npm, or the package cannot be had.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise InputError("npm is not installed, which fetches it; it comes with Node.js")
    command = [npm, "pack", package, "--silent", "--fetch-retries=1", "--pack-destination"]
    try:
        done = subprocess.run(
            [*command, file.parent], cwd=file.parent, capture_output=True, text=True,
            timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InputError(f"npm did not fetch {package} within {SECONDS} s") from None
    if not file.is_file():
        said = " ".join(done.stderr.split())[-200:]
        raise InputError(f"npm could not fetch {package}; is there a network? {said}".strip())


def digest(file) -> str:
    """A file's digest as npm writes it."""
    return "sha512-" + base64.b64encode(sha512(file.read_bytes()).digest()).decode()


def write_assets(out) -> str:
    """Write what the page needs into `out/web`: scripts, model, runtime, photographs.

    Returns:
        The page, without its frame.

    Raises:
        InputError: the runtime cannot be had; then nothing is written.
    """
    archive = fetch_runtime()
    folder = out / "web"
    (folder / "model").mkdir(parents=True)
    (folder / "runtime").mkdir()
    (folder / "photographs").mkdir()
    for path in (*WEB.glob("*.mjs"), *WEB.glob("*.css")):
        shutil.copy(path, folder)
    with tarfile.open(archive) as package:
        for name in runtime()["files"]:
            (folder / "runtime" / Path(name).name).write_bytes(package.extractfile(name).read())
    shutil.copy(WEB / "runtime-licence.txt", folder / "runtime/LICENSE.txt")
    for name in PHOTOGRAPHS:
        shutil.copy(DATA / f"photographs/{name}.jpg", folder / "photographs")
    write_model(folder / "model")
    return body(folder)


def write_model(folder):
    """`everyday` as ONNX graphs, and about.json: what else the scripts must know of it."""
    from helpers.drawing import PALETTE
    from helpers.models import load_model, write_onnx

    model, card = load_model(DATA / "everyday.json")
    write_onnx(model, folder)
    config = model.config
    about = {
        "names": list(card["categories"].values()),
        "image_size": config.image_size,
        "num_classes": config.num_classes,
        "num_candidates": config.num_candidates,
        "num_detections": config.num_detections,
        "min_score": config.min_score,
        "nms_iou": config.nms_iou,
        "palette": PALETTE,
    }
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "NOTICE.txt").write_text(card["notice"], encoding="utf-8")


def body(folder) -> str:
    """The page without its frame, once its folder is filled."""
    parts = (folder / "model", folder / "runtime")
    num_bytes = sum(file.stat().st_size for part in parts for file in part.iterdir())
    samples = [
        f'<button type="button"><img alt="{alt}" src="photographs/{name}.jpg"></button>'
        for name, alt in PHOTOGRAPHS.items()
    ]
    template = string.Template((WEB / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        megabytes=round(num_bytes / 1e6), version=runtime()["version"], samples="".join(samples)
    )
