"""Does the lock hold what the package index has, and is there a build for every system?

    .venv/bin/python .ci/check_lock.py

Makes the lock again with the same versions, from the index alone: every digest must be the same.
Then asks, for each system and Python that README promises, whether every package has a build;
nothing is installed. Takes a minute, most of it waiting for the index.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
UV = [sys.executable, "-m", "uv", "pip"]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SYSTEMS = {
    "Linux, x86-64": "x86_64-manylinux_2_28",
    "Linux, ARM": "aarch64-manylinux_2_28",
    "Windows": "windows",
    "macOS 14, Apple Silicon": "aarch64-apple-darwin",
}


def digests(text):
    """{package==version and on which systems: its digests} of a lock."""
    found = {}
    for entry in re.split(r"(?m)^(?=[\w.-]+==)", text)[1:]:
        name = entry.partition(" \\")[0].strip()
        found[name] = set(re.findall(r"sha256:([0-9a-f]{64})", entry))
    return found


def made_again(names):
    """The lock as the index makes it, of the versions in these names."""
    with tempfile.TemporaryDirectory() as folder:
        versions = Path(folder) / "versions.txt"
        versions.write_text("\n".join(names), encoding="utf-8")
        lock = Path(folder) / LOCK.name
        command = [*UV, "compile", ROOT / "requirements.txt", "--constraint", versions, "--quiet"]
        command += ["--universal", "--python-version", PYTHONS[0], "--generate-hashes"]
        subprocess.run([*command, "--no-annotate", "--output-file", lock], check=True)
        return lock.read_text(encoding="utf-8")


def differences(ours, theirs):
    """A line for each package whose digests are not the same in both."""
    lines = []
    for name in sorted(ours.keys() | theirs.keys()):
        missing = len(theirs.get(name, set()) - ours.get(name, set()))
        strange = len(ours.get(name, set()) - theirs.get(name, set()))
        if missing or strange:
            lines.append(f"{name}: {strange} digests are not the index's, {missing} are missing")
    return lines


def lacks_a_build(platform, python):
    """What keeps the lock from being installed there, the last line of it; "" if nothing does."""
    command = [*UV, "install", "--dry-run", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python-platform", platform, "--python-version", python, "--requirements", LOCK]
    environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*command, "--target", folder], env=environment, capture_output=True, text=True
        )
    if done.returncode == 0:
        return ""
    return " ".join(done.stderr.split())[-300:] or "uv failed"


def main():
    """Print what was compared, and a line for whatever is wrong; returns 1 then."""
    ours = digests(LOCK.read_text(encoding="utf-8"))
    wrong = differences(ours, digests(made_again(ours)))
    num_digests = sum(map(len, ours.values()))
    print(f"{len(ours)} packages, {num_digests} digests compared with the index", flush=True)
    for system, platform in SYSTEMS.items():
        for python in PYTHONS:
            reason = lacks_a_build(platform, python)
            if reason:
                wrong.append(f"{system}, Python {python}: {reason}")
        print(f"{system}: Python {', '.join(PYTHONS)} asked", flush=True)
    print(*wrong or ["all is well"], sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
