"""Runs notebooks as Colab would: with Colab's packages, from an empty folder.

    .venv/bin/python .ci/colab.py FOLDER [--python PYTHON3.13] [start of a name ...]

Makes FOLDER/venv once, with the versions that Colab has of what Pixelwise uses, and a stand-in for
`google.colab`. Each notebook (00, 05 and 06 unless you name others) then starts alone in a new
folder; its own setup cell clones the project and installs what is missing. The clone is taken from
this repository as it is committed, since git is told so by its variable GIT_CONFIG_COUNT: the cell
is not edited. Prints what the cells changed among the packages since FOLDER/venv was made, in this
or an earlier run, and fails if that is more than requirements-colab.txt names, or if a notebook's
results do not hold. Takes 4 GB of disk.
"""

import argparse
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import papermill

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# From googlecolab/backend-info, 19 August 2026; those without a version are there, too.
COLAB = """
tensorflow==2.20.0 keras==3.13.2 numpy==2.1.3 moviepy==1.0.3 imageio-ffmpeg==0.6.0 decorator==4.4.2
ipywidgets==7.7.1 ipython==7.34.0 ipykernel<7 pillow==11.3.0 matplotlib==3.10.0
opencv-python-headless==5.0.* pycocotools==2.0.11 pooch==1.9.0 scipy requests filelock tqdm dask
tensorboard psutil pip setuptools<81
"""
STUB = '"""A stand-in: on Colab, the kernel has imported this before the first cell."""\n'


def call(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, text=True, **more)


def make_venv(folder, base):
    """A Python with Colab's packages in folder/venv, unless it is there already.

    Returns:
        Its path, and {package: version} of what it had before any notebook ran.
    """
    python = folder / "venv/bin/python"
    fresh = folder / "fresh.json"
    if not fresh.exists():
        call(base, "-m", "venv", "--clear", folder / "venv")
        call(python, "-m", "pip", "install", "-q", "uv<1")
        call(python, "-m", "uv", "pip", "install", "-q", "--python", python, *COLAB.split())
        (site,) = (folder / "venv/lib").glob("python*/site-packages")
        (site / "google/colab").mkdir(parents=True, exist_ok=True)
        (site / "google/colab/__init__.py").write_text(STUB)
        fresh.write_text(json.dumps(packages(python)))
    return python, json.loads(fresh.read_text())


def packages(python):
    """{package: version} of all that this Python has."""
    listed = call(python, "-m", "pip", "list", "--format=json", stdout=-1).stdout
    return {package["name"].lower(): package["version"] for package in json.loads(listed)}


def prepare(folder, python):
    """Tells git where the project is, and Jupyter which Python is Colab's."""
    text = (ROOT / "notebooks/00_quickstart.ipynb").read_text(encoding="utf-8")
    version, url = re.search(r"git clone .*-b (\S+) (https://[\w./-]+)", text).groups()
    shutil.rmtree(folder / "origin.git", ignore_errors=True)
    call("git", "clone", "-q", "--bare", ROOT, folder / "origin.git")
    call("git", "-C", folder / "origin.git", "branch", "-q", "-f", version, "HEAD")
    os.environ |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": url}
    os.environ["GIT_CONFIG_KEY_0"] = f"url.{(folder / 'origin.git').as_uri()}.insteadOf"
    kernel = folder / "jupyter/kernels/colab"
    startup = folder / "ipython/profile_default/startup"
    for made in (kernel, startup):
        made.mkdir(parents=True, exist_ok=True)
    start = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": start, "display_name": "Colab", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    (startup / "colab.py").write_text("import google.colab\n")
    os.environ |= {"JUPYTER_PATH": str(folder / "jupyter"), "IPYTHONDIR": str(folder / "ipython")}
    os.environ["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # !pip is that one's


def run(path, folder):
    """Runs a notebook alone in a new folder, with the parameters of the tests; checks it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    held = importlib.import_module(f"tests.books.{path.stem.partition('_')[2]}")
    done = folder / path.name
    book = papermill.execute_notebook(
        path, done, held.SMALL, cwd=folder, kernel_name="colab", progress_bar=False
    )
    assert (folder / "pixelwise/helpers").is_dir(), "the setup cell has cloned nothing"
    printed = "".join(out.get("text", "") for out in book.cells[-1].outputs)
    held.check(json.loads(next(line for line in printed.splitlines() if line.startswith("{"))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="python3.13", help="a Python 3.13, as Colab has")
    parser.add_argument("names", nargs="*", default=["00", "05", "06"])
    args = parser.parse_intermixed_args()
    folder = args.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    python, before = make_venv(folder, args.python)
    prepare(folder, python)
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        if path.name.startswith(tuple(args.names)):
            print(path.name, flush=True)
            run(path, folder / path.stem)
    after = packages(python)
    changed = {name: (before.get(name), after.get(name)) for name in before.keys() | after.keys()}
    changed = {name: pair for name, pair in sorted(changed.items()) if pair[0] != pair[1]}
    print(*(f"{name}: {old} -> {new}" for name, (old, new) in changed.items()), sep="\n")
    named = (ROOT / "requirements-colab.txt").read_text(encoding="utf-8").lower()
    moved = [
        n for n in changed if before.get(n) and not re.search(rf"(?m)^{re.escape(n)}\b", named)
    ]
    return f"changed, though requirements-colab.txt does not name it: {moved}" if moved else 0


if __name__ == "__main__":
    sys.exit(main())
