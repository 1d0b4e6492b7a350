"""Pixelwise: pictures and films go in; every object comes out with its class, box and mask.

usage: python3 run.py [command] [options]
Without a command it finds the objects on the pictures and the film that come with Pixelwise, or
on yours, and writes annotated pictures, an mp4, COCO JSON and index.html, which shows them all:
  --images PATH ...  pictures: files, folders, or patterns in quotes such as 'photos/*.jpg'
  --video FILE ...   films; --every 3 looks at each third frame, --resume goes on after a stop
  --model NAME       streets; for photographs everyday, mask_rcnn_inception_v2_coco; or a folder
  --score NUMBER     drop objects that score less, from 0 to 1 (0.5 unless you say)
  --out FOLDER       where the results go (outputs unless you say)
commands:
  test               run the tests and every notebook, two at once; --all: the slow tests, too;
                     what follows goes to pytest
  lab                open the notebooks in JupyterLab
  train              train `streets`, `everyday`, or a model of your own pictures; see train --help
  data               check, count and convert annotations; see data --help
  models             list, describe, fetch, verify and export models; see models --help
  notebooks          run the notebooks and store their outputs in them; 05 06: only those two
  site               make web pages of the stored notebooks, in outputs/site
  bench, harden      measure beside peers; try damaged files: results in benchmarks/, some minutes
  lint               check the style of the code, the form of the notebooks, the links
  setup              only make .venv, as any command does if need be; delete it to start afresh
.venv takes 2.5 GB; 7 GB where Linux has an NVIDIA GPU, unless CUDA_VISIBLE_DEVICES=-1 hides it.
"""

import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV, LOCK = ROOT / ".venv", ROOT / "requirements.lock"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOG, STAMP = VENV / "setup.log", VENV / "pixelwise.stamp"
FITS = f"{sha256(LOCK.read_bytes()).hexdigest()} {platform.python_version()[:4]} {ROOT}"
MODULES = {"": "helpers", "test": "pytest", "lab": "jupyterlab"}
MODULES |= {"train": "helpers.training", "models": "helpers.models", "data": "helpers.annotations"}
OPTIONS = {
    "test": ["-n2", "--dist=worksteal", "--durations=10"],
    "lab": ["--LabApp.default_url=/lab/tree/notebooks/00_quickstart.ipynb"],
}
SCRIPTS = {"notebooks": ".ci/store_notebooks.py", "site": ".ci/build_site.py"}
SCRIPTS |= {"bench": "benchmarks/run_all.py", "harden": ".ci/harden.py"}
CAUSES = {  # what the system or an installer says: the cause and the remedy; the first that fits
    r"No space left|os error (28|112)\b|not enough space": "the disk is full: free some space",
    r"Permission denied|os error 13\b|Read-only": "writing is not permitted: copy it elsewhere",
    r"No module named pip": "this Python has no pip: install it (Debian: apt install python3-venv)",
    r"dns error|sending request|[Cc]onnect(ion|ing|Error| error)|[Tt]ime(d )?out|Proxy|SSL": "no "
    "connection to the package index: check the network or the proxy",
    r"No solution found|No matching distribution|matching platform": "a package has no build for "
    f"{platform.system()} {platform.machine()}: try another machine, or Colab",
}


def is_ready():
    """Whether .venv is whole, and made for this lock, this Python and this place."""
    return PYTHON.exists() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == FITS


def step(title, *command):
    """Runs an installer, its words in the log, a dot each 3 s; returns whether it worked."""
    start = time.monotonic()
    print(f"  {title} ", end="", flush=True)
    with open(LOG, "ab") as log:  # close_fds: an installer that outlives us still holds the lock
        child = subprocess.Popen(command, stdin=-3, stdout=log, stderr=log, close_fds=False)
    while child.poll() is None:
        time.sleep(0.2)
        print("." if (time.monotonic() - start) % 3 < 0.2 else "", end="", flush=True)
    print(f" {time.monotonic() - start:.0f} s{', failed' * bool(child.returncode)}", flush=True)
    return child.returncode == 0


def set_up():
    """Makes .venv, its stamp last. An OSError holds all that was said."""
    if VENV.exists():  # renamed first: a removal that is interrupted leaves no half .venv behind
        VENV.rename(ROOT / (".venv.old" if LOG.exists() else f".venv.kept-{time.time():.0f}"))
    shutil.rmtree(ROOT / ".venv.old", ignore_errors=True)
    gpu = shutil.which("nvidia-smi") and (sys.platform, platform.machine()) == ("linux", "x86_64")
    gpu = gpu and os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1")
    free, need = shutil.disk_usage(ROOT).free / 1e9, 8 if gpu else 3
    if free < need:
        raise OSError(f"the disk is full: {free:.1f} GB are free, {need} GB are needed")
    VENV.mkdir()
    wanted, text = VENV / LOCK.name, LOCK.read_text(encoding="utf-8")
    bare = re.sub(r" \\\s+--hash=\S+", "", text)  # for CUDA's packages the lock has no hashes
    cuda = re.sub(r"(?m)^tensorflow-cpu==(\S+).*", r"tensorflow[and-cuda]==\1", bare)
    wanted.write_text(cuda if gpu else text, encoding="utf-8")
    base, pip = getattr(sys, "_base_executable", sys.executable), [PYTHON, "-m", "pip"]
    if not step("Python environment", base, "-m", "venv", VENV):  # Debian without python3-venv
        step("the same without pip", base, "-m", "venv", "--without-pip", VENV)
        pip = [base, "-m", "pip", "--python", PYTHON]
    uv = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "-r", wanted]
    fast = step("uv, a fast installer", *pip, "install", "pip", "uv<1") and step("packages", *uv)
    if not fast and not step("packages, with pip", *pip, "install", "-r", wanted):
        raise OSError(LOG.read_text(encoding="utf-8", errors="replace"))
    place = subprocess.run(
        [PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    # A line in a .pth file: the project can be imported from anywhere in this environment.
    (Path(place) / "pixelwise.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    STAMP.write_text(FITS, encoding="utf-8")


def work(command, *args):
    """Runs a command, now in the Python of .venv; returns the exit status."""
    if command not in ("", "train", "models", "data"):
        os.chdir(ROOT)
    if command == "lint":
        tools = ("ruff check", "ruff format --check", "pytest -m form")
        return max([subprocess.call([sys.executable, "-m", *tool.split()]) for tool in tools])
    if command in SCRIPTS:
        return subprocess.call([sys.executable, SCRIPTS[command], *args])
    sys.argv[1:] = [*OPTIONS.get(command, []), *args]
    runpy.run_module(MODULES[command], run_name="__main__", alter_sys=True)


def main(args):
    """Sets up if need be, then hands over to the Python of .venv; returns the exit status."""
    if args[:1] == ["--inside"]:
        return work(*args[1:])
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"Pixelwise needs Python 3.10 to 3.13 (python3.12 run.py), not {sys.version[:6]}.")
    if args[:1] in (["-h"], ["--help"], ["help"]):
        return print(__doc__.strip())
    args = args if args and not args[0].startswith("-") else ["", *args]
    if args[0] not in (*MODULES, *SCRIPTS, "lint", "setup"):
        print(f"There is no command '{args[0]}': see python3 run.py --help", file=sys.stderr)
        return 2
    try:
        if not is_ready():
            print(f"Making the environment in {VENV}, or waiting for a run that does:", flush=True)
            with open(ROOT / ".venv.lock", "a") as lock:
                if os.name != "nt":  # Windows lets no one else make or rename a .venv in use
                    import fcntl

                    os.set_inheritable(lock.fileno(), True)
                    fcntl.flock(lock, fcntl.LOCK_EX)  # the system frees it when the holder dies
                if not is_ready():
                    set_up()
        if args[0] == "setup":
            return print("The environment is ready:", VENV)
        inside = [str(PYTHON), str(ROOT / "run.py"), "--inside", *args]
        return subprocess.call(inside) if os.name == "nt" else os.execv(PYTHON, inside)
    except OSError as error:
        said = " ".join(str(error).split())
        causes = (cause for words, cause in CAUSES.items() if re.search(words, said))
        more = f" Details: {LOG}" if LOG.exists() else ""
        sys.exit(f"Set-up failed: {next(causes, said[-200:])}. Then run this again.{more}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(130)
