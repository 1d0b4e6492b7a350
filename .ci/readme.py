"""Does what README says, word for word, in a new home folder: each command, its time, its end.

python3 .ci/readme.py [--test]

The project is cloned from this folder, committed files only. Of the environment only PATH and the
settings of the package index stay. The home folder has two photographs and a video, as README has
it. Its Python code is run as a script, by a name that hides a package. JupyterLab is closed when it
has answered; `run.py test`, which takes long, is left out unless --test is given. Where there is no
network, a zoo model must be refused in a line.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT = re.compile(r"PATH$|PIP_|UV_|SSL_|LANG|.*_proxy$|.*_PROXY$")
REFUSED = "no connection|network|could not be reached|cannot be reached"


def blocks(text):
    """The commands of README, in order, and its Python code."""
    found = re.findall(r"(?s)```(\w*)\n(.*?)```", text)
    lines = "\n".join(code for kind, code in found if not kind).splitlines()
    commands = [re.sub(r"\s+#.*", "", line) for line in lines if line.strip()]
    return commands, next(code for kind, code in found if kind == "python")


def lab_answers(command, where, environment):
    """Start JupyterLab, ask it for its page, close it; returns whether it answered."""
    with subprocess.Popen(
        f"exec {command} --no-browser --allow-root --port=8899 --ServerApp.token=t", shell=True,
        cwd=where, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as lab:  # fmt: skip
        for _ in range(180):
            time.sleep(1)
            try:
                with urllib.request.urlopen("http://localhost:8899/lab?token=t", timeout=5) as page:
                    answered = page.status == 200
                    break
            except OSError:
                answered = False
        lab.terminate()
    return answered


def main():
    """Do it all; returns how many commands failed."""
    commands, code = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    failed = 0
    with tempfile.TemporaryDirectory() as home:
        home = Path(home)
        environment = {key: value for key, value in os.environ.items() if KEPT.match(key)}
        environment |= {"HOME": str(home), "PIXELWISE_CACHE": str(home / "cache")}
        (home / "photos").mkdir()
        for name in ("astronaut.jpg", "chelsea.jpg"):
            shutil.copy(ROOT / "data/photographs" / name, home / "photos")
        shutil.copy(ROOT / "data/street.mp4", home / "holiday.mp4")
        (home / "six.py").write_text(code, encoding="utf-8")
        where = home
        script = ".venv/bin/python ~/six.py && ls found.jpg"
        for command in [*commands, script]:
            if "run.py test" in command and "--test" not in sys.argv:
                continue
            start = time.monotonic()
            done = re.sub(r"https://github\.com/\S+", str(ROOT), command)
            done = re.sub(r"(git clone) (\S+) &&.*", r"\1 -q \2 pixelwise", done)
            done = done.replace("NAME", "streets").replace("FOLDER", str(home / "exported"))
            if command.endswith(" lab"):
                good = lab_answers(done, where, environment)
                said = ""
            else:
                pipes = {"capture_output": True, "text": True, "env": environment}
                ended = subprocess.run(done, shell=True, cwd=where, check=False, **pipes)
                said = (ended.stderr + ended.stdout).strip()
                refused = "coco" in command and re.search(REFUSED, said) and "Traceback" not in said
                good = ended.returncode == 0 or bool(refused)
            where = home / "pixelwise"
            failed += not good
            last = said.splitlines()[-1][:100] if said else ""
            took = f"{time.monotonic() - start:6.1f} s"
            print(took, "ok    " if good else "FAILED", command, f"\n{'':16}{last}", flush=True)
            if not good:
                print(said[-2000:])
    return failed


if __name__ == "__main__":
    sys.exit(main())
