"""Pixelwise's commands: sets up what they need in .venv, then runs them there.

python3 run.py --help lists them; what each takes is in helpers/commands. Standard library only.
"""

import sys


def stop():
    """Ends the program after Ctrl-C: a line, and the code that shells give."""
    print("\nStopped.", file=sys.stderr)
    sys.exit(130)


try:  # Ctrl-C may come as early as this
    import json
    import os
    import platform
    import re
    import runpy
    import shutil
    import signal
    import subprocess
    import sysconfig
    import time
    from hashlib import sha256
    from pathlib import Path
except KeyboardInterrupt:
    stop()

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOG = VENV / "setup.log"
STAMP = VENV / "pixelwise.stamp"
# What the stamp says: .venv is whole, and made for this lock, this Python and this place.
FITS = f"{sha256(LOCK.read_bytes()).hexdigest()} {platform.python_version()[:4]} {ROOT}"

# What a command runs in .venv, a module or a script, and with which options before the user's.
COMMANDS = {
    "detect": ["helpers"],
    # Three processes keep two cores at work: now and then one waits for a kernel to start.
    "test": ["pytest", "-n3", "--dist=worksteal", "--durations=10"],
    "lab": ["jupyterlab", "--LabApp.default_url=/lab/tree/notebooks/00_quickstart.ipynb"],
    "train": ["helpers.training"],
    "data": ["helpers.annotations"],
    "models": ["helpers.models"],
    "notebooks": [".ci/store_notebooks.py"],
    "site": [".ci/build_site.py"],
    "bench": ["benchmarks/run_all.py"],
    "harden": [".ci/harden.py"],
}
# Their arguments are paths of the user's; the others run in the project's folder.
WHERE_THE_USER_IS = ("detect", "train", "data", "models")
LINTERS = (["ruff", "check"], ["ruff", "format", "--check"], ["pytest", "-m", "form"])
# JupyterLab shall not ask about news at its start; what a user sets there goes before this.
LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}

# What the system or an installer says: the cause and the remedy; the first that fits.
CAUSES = {
    r"No space left|os error (28|112)\b|not enough space": "the disk is full: free some space",
    r"Permission denied|os error 13\b|Read-only": "writing is not permitted: copy it elsewhere",
    r"No module named pip": "this Python has no pip: install it (Debian: apt install python3-venv)",
    r"dns error|sending request|[Cc]onnect(ion|ing|Error| error)|[Tt]ime(d )?out|Proxy|SSL": (
        "no connection to the package index: check the network or the proxy"
    ),
    r"No solution found|No matching distribution|matching platform": (
        f"a package has no build for {platform.system()} {platform.machine()}: "
        "try another machine, or Colab"
    ),
}


# The environment ---------------------------------------------------------------------------------


def is_ready():
    """Whether .venv is whole, and made for this lock, this Python and this place."""
    return PYTHON.exists() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == FITS


def make_ready():
    """Makes .venv unless it is there, in one process at a time."""
    if is_ready():
        return
    print(f"Making the environment in {VENV}, or waiting for a run that does:", flush=True)
    with open(ROOT / ".venv.lock", "a") as lock:
        if os.name != "nt":  # Windows lets no one else make or rename a .venv in use
            import fcntl

            os.set_inheritable(lock.fileno(), True)
            fcntl.flock(lock, fcntl.LOCK_EX)  # the system frees it when the holder dies
        if not is_ready():
            set_up()


def set_up():
    """Makes .venv, its stamp last. An OSError holds all that was said."""
    put_old_one_away()
    gpu = has_gpu()
    free, need = shutil.disk_usage(ROOT).free / 1e9, 8 if gpu else 3
    if free < need:
        raise OSError(f"the disk is full: {free:.1f} GB are free, {need} GB are needed")
    VENV.mkdir()
    wanted = VENV / LOCK.name
    lock = LOCK.read_text(encoding="utf-8")
    wanted.write_text(with_cuda(lock) if gpu else lock, encoding="utf-8")
    install(wanted)
    make_importable()
    STAMP.write_text(FITS, encoding="utf-8")


def put_old_one_away():
    """Removes our old .venv, and keeps that of another tool."""
    old = ROOT / ".venv.old"
    if LOG.exists():
        VENV.rename(old)  # first: a removal that is interrupted leaves no half .venv behind
    elif VENV.exists():
        VENV.rename(ROOT / f".venv.kept-{time.time():.0f}")
    shutil.rmtree(old, ignore_errors=True)


def has_gpu():
    """Whether there is an NVIDIA GPU, TensorFlow has a build for it, and nobody hides it."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return False
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return shutil.which("nvidia-smi") is not None


def with_cuda(lock):
    """The lock with TensorFlow's build for GPUs; without digests, as CUDA's packages have none."""
    bare = re.sub(r" \\\s+--hash=\S+", "", lock)
    return re.sub(r"(?m)^tensorflow-cpu==(\S+).*", r"tensorflow[and-cuda]==\1", bare)


def install(wanted):
    """Makes the environment and installs packages: with uv where it can be had, else with pip."""
    base = getattr(sys, "_base_executable", sys.executable)
    pip = [PYTHON, "-m", "pip"]
    if not step("Python environment", base, "-m", "venv", VENV):  # Debian without python3-venv
        step("the same without pip", base, "-m", "venv", "--without-pip", VENV)
        pip = [base, "-m", "pip", "--python", PYTHON]
    if step("uv, a fast installer", *pip, "install", "pip", "uv<1"):
        uv = [PYTHON, "-m", "uv", "pip", "install", "--compile-bytecode", "--python", PYTHON]
        if step("packages", *uv, "-r", wanted):
            return
    if not step("packages, with pip", *pip, "install", "-r", wanted):
        raise OSError(LOG.read_text(encoding="utf-8", errors="replace"))


def make_importable():
    """Lets `import helpers` work from anywhere in .venv: a line in a .pth file says where it is."""
    scheme = "nt" if os.name == "nt" else "posix_prefix"
    packages = Path(sysconfig.get_path("purelib", scheme, {"base": str(VENV)}))
    packages.mkdir(parents=True, exist_ok=True)
    (packages / "pixelwise.pth").write_text(f"{ROOT}\n", encoding="utf-8")


def step(title, *command):
    """Runs an installer, its words in the log, a dot each 3 s; returns whether it worked."""
    start = time.monotonic()
    print(f"  {title} ", end="", flush=True)
    with open(LOG, "ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            close_fds=False,  # an installer that outlives us still holds the lock
        )
    dots = 0
    while child.poll() is None:
        time.sleep(0.2)
        if time.monotonic() - start > 3 * (dots + 1):
            dots += 1
            print(".", end="", flush=True)
    failed = ", failed" if child.returncode else ""
    print(f" {time.monotonic() - start:.0f} s{failed}", flush=True)
    return child.returncode == 0


def explain(error):
    """The line for a set-up that failed: cause and remedy, or the end of what was said."""
    said = " ".join(str(error).split())
    reason = said[-200:]
    for words, cause in CAUSES.items():
        if re.search(words, said):
            reason = cause
            break
    details = f" Details: {LOG}" if LOG.exists() else ""
    return f"Set-up failed: {reason}. Then run this again.{details}"


# Commands ----------------------------------------------------------------------------------------


def main(args):
    """Sets up if need be, then hands over to the Python of .venv; returns the exit status."""
    if args[:1] == ["--inside"]:
        return work(*args[1:])
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"Pixelwise needs Python 3.10 to 3.13 (python3.12 run.py), not {sys.version[:6]}.")
    from helpers.commands import read_call  # here, since an old Python could not read it

    call = read_call(args)
    group, *more = call.command.split()
    try:
        make_ready()
        if group == "setup":
            print("The environment is ready:", VENV)
            return 0
        return hand_over([group, *more, *call.words])
    except OSError as error:
        sys.exit(explain(error))


def hand_over(args):
    """Runs this file again with the Python of .venv; returns the exit status, if at all."""
    inside = [str(PYTHON), str(ROOT / "run.py"), "--inside", *args]
    if os.name == "nt":
        return subprocess.call(inside)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C waits while Python starts
    os.execv(PYTHON, inside)


def work(command, *args):
    """Runs a command, now in the Python of .venv; returns the exit status."""
    if os.name != "nt":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if command not in WHERE_THE_USER_IS:
        os.chdir(ROOT)
    if command == "lint":
        return lint()
    if command == "lab":
        settle_lab()
    what, *options = COMMANDS[command]
    sys.argv[1:] = [*options, *args]
    if what.endswith(".py"):
        script = ROOT / what
        sys.path.insert(0, str(script.parent))  # it imports what lies beside it
        runpy.run_path(str(script), run_name="__main__")
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)


def settle_lab():
    """Writes what JupyterLab takes for its defaults in .venv."""
    folder = VENV / "share/jupyter/lab/settings"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "overrides.json").write_text(json.dumps(LAB_SETTINGS), encoding="utf-8")


def lint():
    """Runs every linter, whatever the others say; returns the highest exit status."""
    statuses = []
    for linter in LINTERS:
        statuses.append(subprocess.call([sys.executable, "-m", *linter]))
    return max(statuses)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        stop()
