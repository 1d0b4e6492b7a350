"""Runs notebooks and stores light outputs in them: no logs, widgets, run times or paths.

python3 run.py notebooks [start of a name ...]
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 1_000_000
WIDGET = "application/vnd.jupyter.widget-view+json"


def lighten(notebook, root=ROOT):
    """Strips what differs from run to run or weighs much.

    Args:
        notebook: an executed notebook as papermill writes it, parsed from JSON.
        root: the folder that outputs must not name.

    Returns:
        The text to store. Tags and other metadata of cells stay; outputs on stderr, views of
        widgets, which show nothing without a kernel, and run times go.
    """
    stored = json.loads(json.dumps(notebook))
    for part in [stored, *stored["cells"]]:
        drop = ("papermill", "execution", "widgets")
        part["metadata"] = {k: v for k, v in part["metadata"].items() if v and k not in drop}
        if "outputs" in part:
            shown = [out for out in part["outputs"] if out.get("name") != "stderr"]
            part["outputs"] = [out for out in shown if WIDGET not in out.get("data", {})]
    stored["metadata"].get("language_info", {}).pop("version", None)
    text = json.dumps(stored, indent=1, ensure_ascii=False) + "\n"
    return text.replace(json.dumps(str(root))[1:-1], "pixelwise")


def store(path):
    """Runs one notebook in its folder; returns "" or one line on why it is left as it was."""
    print(path.name, end=" ", flush=True)
    command = [sys.executable, "-W", "ignore", "-m", "papermill", path.name, "-"]
    still = {**os.environ, "PIXELWISE_STATIC": "1"}  # pictures where a live notebook has sliders
    done = subprocess.run(command, cwd=path.parent, stdout=subprocess.PIPE, env=still, check=False)
    if done.returncode:
        return f"{path.name} failed and is left as it was"
    data = lighten(json.loads(done.stdout)).encode()
    if len(data) > MAX_BYTES:
        return f"{path.name} would take {len(data) / 1e6:.1f} MB, more than 1: left as it was"
    path.write_bytes(data)
    print(f"{len(data) / 1e3:.0f} kB")
    return ""


def main(starts):
    """Stores all notebooks, or those whose names start so; returns the exit status."""
    paths = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))  # solutions stay light
    paths = [p for p in paths if not starts or p.name.startswith(tuple(starts))]
    failed = [line for line in map(store, paths) if line]
    print(*failed, f"{len(paths) - len(failed)} of {len(paths)} notebooks stored", sep="\n")
    return int(bool(failed) or not paths)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
