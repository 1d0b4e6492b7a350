"""Runs notebooks and stores light outputs in them: no logs, widgets, run times or paths.

python3 run.py notebooks [start of a name ...]
python3 run.py notebooks --handout FOLDER       for a class: a copy of the project without solutions
python3 run.py notebooks --slides FOLDER        talks with speaker notes, see slides.py
python3 run.py notebooks --grader FOLDER        assignments for nbgrader, see grader.py
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
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
            part["outputs"] = joined([out for out in shown if WIDGET not in out.get("data", {})])
    stored["metadata"].get("language_info", {}).pop("version", None)
    text = json.dumps(stored, indent=1, ensure_ascii=False) + "\n"
    return text.replace(json.dumps(str(root))[1:-1], "pixelwise")


def joined(outputs):
    """The outputs of a cell; what it printed at one go is one output, in however many pieces."""
    whole = []
    for out in outputs:
        if whole and out["output_type"] == whole[-1]["output_type"] == "stream":
            texts = ["".join(one["text"]) for one in (whole[-1], out)]
            whole[-1] = {**out, "text": "".join(texts).splitlines(keepends=True)}
        else:
            whole.append(out)
    return whole


def store(path):
    """Runs one notebook in its folder; returns "" or one line on why it is left as it was."""
    print(path.name, end=" ", flush=True)
    command = [sys.executable, "-W", "ignore", "-m", "papermill", path.name, "-"]
    with tempfile.TemporaryDirectory() as folder:
        startup = Path(folder) / "profile_default/startup"
        startup.mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("alt_texts.py"), startup)
        env = {**os.environ, "PIXELWISE_STATIC": "1", "IPYTHONDIR": folder}  # stills, no sliders
        done = subprocess.run(
            command, cwd=path.parent, stdout=subprocess.PIPE, env=env, check=False
        )
    if done.returncode:
        return f"{path.name} failed and is left as it was"
    data = lighten(json.loads(done.stdout)).encode()
    if len(data) > MAX_BYTES:
        return f"{path.name} would take {len(data) / 1e6:.1f} MB, more than 1: left as it was"
    path.write_bytes(data)
    print(f"{len(data) / 1e3:.0f} kB")
    return ""


def hand_out(folder, root=ROOT):
    """Copies the project for a class: without solutions, and without the tests that hold answers.

    Args:
        folder: a new one.
        root: the project.

    Returns:
        The exit status, 2 if the folder exists.
    """
    if folder.exists():
        print(f"{folder}: exists already; name a new folder", file=sys.stderr)
        return 2
    inside = [path for path in (folder.resolve(), *folder.resolve().parents) if path.parent == root]
    answers = ["solutions", "books", "test_checks.py", "test_notebooks.py"]
    made = [".git", ".venv*", "outputs", "runs", "__pycache__", ".*_cache", ".ipynb_checkpoints"]
    skip = shutil.ignore_patterns(*answers, *made, *(path.name for path in inside))
    shutil.copytree(root, folder, ignore=skip)
    for path in (folder / "notebooks").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        told = r" ?The exercises[^.\]]* are solved in \[[^\]]*\]\(solutions/[^)]*\)\."
        path.write_text(re.sub(told, "", text), encoding="utf-8")
    print(f"{folder}: the notebooks and all they need, without solutions")
    return 0


def main(starts):
    """Stores all notebooks, or those whose names start so; returns the exit status."""
    if starts[:1] == ["--handout"] and len(starts) == 2:
        return hand_out(Path(starts[1]).expanduser())
    if starts[:1] in (["--slides"], ["--grader"]) and len(starts) == 2:
        script = Path(__file__).with_name(f"{starts[0].removeprefix('--')}.py")
        return subprocess.call([sys.executable, str(script), starts[1]])
    paths = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))  # solutions stay light
    paths = [p for p in paths if not starts or p.name.startswith(tuple(starts))]
    problems = [store(path) for path in paths]
    failed = [line for line in problems if line]
    print(*failed, f"{len(paths) - len(failed)} of {len(paths)} notebooks stored", sep="\n")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
