"""Writes docs/licences.md: under what licence each package of the lock is, as it says itself.

.venv/bin/python .ci/licences.py
"""

import importlib.metadata
import re
from pathlib import Path

from helpers.pictures import replacing

ROOT = Path(__file__).resolve().parents[1]

HEAD = """# Licences

Pixelwise is under Apache-2.0 and contains none of these packages; `python3 run.py` fetches them,
each in the version and with the digest that `requirements.lock` names. This is what they say of
themselves (`.venv/bin/python .ci/licences.py`).

The site's page that runs the model holds ONNX Runtime Web (MIT, copyright Microsoft Corporation),
fetched from npm in the version and with the digest that `web/runtime.json` names.

Worth knowing: the builds of `av` and `imageio-ffmpeg` bring FFmpeg with x264, that of `pillow-heif`
x265, and both are under the GPL. That matters to whoever passes a whole environment on, such as a
disk image or a container, and not to whoever passes on Pixelwise, or a video.

| package | licence |
| --- | --- |
"""


def licence(package):
    """What an installed package says of its licence, in a few words."""
    said = package.metadata
    kinds = [kind for kind in said.get_all("Classifier", []) if kind.startswith("License :: ")]
    kinds = [kind.split(" :: ")[-1] for kind in kinds if kind.count(" :: ") > 1]
    lines = (said.get("License") or licence_file(package)).strip().splitlines()
    return said.get("License-Expression") or ", ".join(kinds) or (lines or ["not said"])[0][:60]


def licence_file(package):
    """What the file of a package's licence says first of it, "" if there is no such file."""
    for file in package.files or []:
        if file.name.upper().startswith("LICEN"):
            found = re.search(r"(?i)licen[cs]ed? [^(\n]*", file.read_text(encoding="utf-8"))
            return found[0] if found else ""
    return ""


def main():
    """Write the page."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    there = {d.name.lower().replace("_", "-"): d for d in importlib.metadata.distributions()}
    names = sorted(set(re.findall(r"(?m)^([\w.-]+)==", lock)))
    rows = [f"| {name} | {licence(there[name])} |" for name in names if name in there]
    others = ", ".join(name for name in names if name not in there)
    with replacing(ROOT / "docs/licences.md") as part:
        end = f"\n\nOn other systems, or with other versions of Python, also: {others}.\n"
        part.write_text(HEAD + "\n".join(rows) + end, encoding="utf-8")


if __name__ == "__main__":
    main()
