"""run.py and the files it stands on: no network, no packages, a few seconds.

Each test works on a copy of run.py in a folder of its own: the .venv of this one is left alone.
"""

import ast
import errno
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections import namedtuple
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCK = f"""numpy==2.0.0 \\
    --hash=sha256:{"a" * 64} \\
    --hash=sha256:{"b" * 64}
tensorflow-cpu==2.21.0 ; os_name \\
    --hash=sha256:{"c" * 64}
"""
NO_NETWORK = """
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(': Failed to
establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/absl-py/
ERROR: No matching distribution found for absl-py==2.5.1
"""
NO_NETWORK_UV = """
error: Failed to fetch: `https://index.example/simple/absl-py/`
  cause: Request failed after 3 retries in 3.4s
  cause: error sending request for url (https://index.example/simple/absl-py/)
"""


def load(path):
    """Imports a file as a module of its own."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path):
    """A folder with a copy of run.py, a small lock and a `helpers` that tells its arguments."""
    shutil.copy(ROOT / "run.py", tmp_path)
    shutil.copytree(ROOT / "helpers/commands", tmp_path / "helpers/commands")
    for name in ("__init__", "silence", "spelling"):
        shutil.copy(ROOT / f"helpers/{name}.py", tmp_path / "helpers")
    (tmp_path / "requirements.lock").write_text(LOCK, encoding="utf-8", newline="\n")
    (tmp_path / "helpers/__main__.py").write_text(
        "import os, sys\nprint('helpers', os.getcwd(), sys.argv[1:])\nsys.exit(7)\n"
    )
    return tmp_path


@pytest.fixture
def run(folder, monkeypatch):
    """The copy as a module, with room on the disk, no GPU, and installers that always work."""
    module = load(folder / "run.py")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: usage(9e12, 0, 9e12))
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    module.steps = []

    def step(title, *command):
        module.steps.append([str(word) for word in command])
        if "venv" in command:
            link_python(module)
        return True

    monkeypatch.setattr(module, "step", step)
    return module


def link_python(module):
    """Puts this Python where the environment has its own."""
    module.PYTHON.parent.mkdir(parents=True, exist_ok=True)
    if not module.PYTHON.exists():
        module.PYTHON.symlink_to(sys.executable)


def make_ready(module):
    """Makes a .venv that run.py takes for its own."""
    link_python(module)
    module.LOG.write_text("")
    module.STAMP.write_text(module.FITS, encoding="utf-8")


def call(folder, *args, cwd=None):
    """Runs the copy as a user does."""
    command = [sys.executable, str(folder / "run.py"), *args]
    return subprocess.run(command, cwd=cwd or folder, capture_output=True, text=True, check=False)


def one_line(text):
    """Whether a message is one line and no traceback."""
    return text.count("\n") <= 1 and text.strip() and "Traceback" not in text


# The file itself


def test_run_needs_only_the_standard_library():
    """So does what it imports of ours: tests/test_commands.py."""
    text = (ROOT / "run.py").read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name == "helpers.commands" or name in sys.stdlib_module_names, name


def test_old_pythons_can_parse_run_to_be_told_that_they_are_old():
    ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--help"], 0, "models fetch"),
        (["train", "--help"], 0, "--patience"),
        (["models", "info", "-h"], 0, "examples:"),
        (["tset"], 2, "did you mean 'test'?"),
        (["photo.jpg", "--modle", "x"], 2, "did you mean '--model'?"),
    ],
)
def test_help_and_mistakes_do_not_wait_for_a_set_up(folder, words, code, told):
    done = call(folder, *words)
    assert done.returncode == code
    assert told in (done.stderr if code else done.stdout)
    assert code == 0 or one_line(done.stderr)
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 14, 0)])
def test_a_python_without_tensorflow_is_refused_in_one_line(run, monkeypatch, version):
    monkeypatch.setattr(run.sys, "version_info", version)
    with pytest.raises(SystemExit) as stopped:
        run.main([])
    assert one_line(str(stopped.value)) and "3.10 to 3.13" in str(stopped.value)
    assert not run.VENV.exists()


# The environment


def test_a_fitting_environment_is_used_as_it_is(folder, run):
    make_ready(run)
    before = sorted(os.listdir(folder)), run.STAMP.stat().st_mtime_ns
    told = call(folder, "--images", "a b.jpg", "--out", "x")
    assert told.returncode == 7, told.stderr  # the exit status of the job
    assert told.stdout == f"helpers {folder} ['--images', 'a b.jpg', '--out', 'x']\n"
    assert (sorted(os.listdir(folder)), run.STAMP.stat().st_mtime_ns) == before


def test_paths_are_relative_to_where_the_user_is(folder, run, tmp_path_factory):
    make_ready(run)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert f"helpers {elsewhere} " in call(folder, "--images", "a.jpg", cwd=elsewhere).stdout


def test_the_lab_opens_on_the_first_notebook(run, monkeypatch):
    monkeypatch.setattr(run.runpy, "run_module", lambda name, **more: run.steps.append(name))
    monkeypatch.setattr(run.sys, "argv", ["run.py"])
    monkeypatch.chdir(run.ROOT)
    run.work("lab", "--no-browser")
    settings = json.loads((run.VENV / "share/jupyter/lab/settings/overrides.json").read_text())
    assert "false" in str(settings)  # no news, as tests/test_launch.py sees
    opened, asked = run.sys.argv[1:]
    assert run.steps == ["jupyterlab"] and asked == "--no-browser"
    assert (ROOT / opened.split("/lab/tree/")[1]).is_file()


def test_a_ready_start_takes_no_time(folder, run):
    make_ready(run)
    before = os.times()  # processor time of children, which a busy machine stretches little
    assert call(folder, "setup").returncode == 0
    after = os.times()
    used = after.children_user + after.children_system
    assert used - before.children_user - before.children_system < 0.3


@pytest.mark.parametrize("harm", ["no stamp", "old lock", "python gone", "moved", "half stamp"])
def test_a_broken_environment_is_made_again(run, harm):
    make_ready(run)
    (run.VENV / "leftover").write_text("")
    if harm == "no stamp":
        run.STAMP.unlink()
    elif harm == "old lock":
        run.STAMP.write_text(run.FITS.replace(run.FITS[:64], "0" * 64))
    elif harm == "python gone":
        run.PYTHON.unlink()
    elif harm == "moved":
        run.STAMP.write_text(run.FITS + "er")
    else:
        run.STAMP.write_text(run.FITS[:30])
    assert not run.is_ready()
    assert run.main(["setup"]) == 0
    assert run.is_ready() and not (run.VENV / "leftover").exists()
    assert [name for name in os.listdir(run.ROOT) if name.startswith(".venv.old")] == []


def test_the_environment_of_another_tool_is_kept(run):
    link_python(run)
    (run.VENV / "theirs").write_text("")
    run.main(["setup"])
    (kept,) = run.ROOT.glob(".venv.kept-*")
    assert (kept / "theirs").exists() and run.is_ready()


def test_uv_installs_and_pip_is_the_fallback(run, monkeypatch):
    run.main(["setup"])
    assert [step[1:4] for step in run.steps][-1] == ["-m", "uv", "pip"]
    run.STAMP.unlink()
    run.LOG.write_text("")
    good = run.step
    monkeypatch.setattr(run, "step", lambda title, *c: good(title, *c) and title[:2] != "uv")
    run.main(["setup"])
    assert run.steps[-1][1:4] == ["-m", "pip", "install"] and run.steps[-1][-2] == "-r"


def test_without_ensurepip_the_pip_beside_is_used(run, monkeypatch):
    good = run.step
    monkeypatch.setattr(
        run, "step", lambda title, *c: good(title, *c) and title != "Python environment"
    )
    run.main(["setup"])
    assert "--without-pip" in run.steps[1]
    assert run.steps[2][1:5] == ["-m", "pip", "--python", str(run.PYTHON)]


@pytest.mark.parametrize(("asked", "cuda"), [(None, True), ("0", True), ("-1", False)])
def test_cuda_comes_with_a_gpu_unless_refused(run, monkeypatch, asked, cuda):
    monkeypatch.setattr(run.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(run.sys, "platform", "linux")
    monkeypatch.setattr(run.platform, "machine", lambda: "x86_64")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if asked:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", asked)
    run.main(["setup"])
    wanted = (run.VENV / "requirements.lock").read_text()
    assert wanted == ("numpy==2.0.0\ntensorflow[and-cuda]==2.21.0\n" if cuda else LOCK)


def test_the_project_can_be_imported_from_anywhere(run):
    run.main(["setup"])
    (line,) = run.VENV.rglob("site-packages/pixelwise.pth")
    assert line.read_text(encoding="utf-8") == f"{run.ROOT}\n"
    # A Python with that folder among its packages reads the line.
    code = f"import site; site.addsitedir({str(line.parent)!r}); import helpers"
    code += "; print(helpers.__file__)"
    told = subprocess.run([sys.executable, "-S", "-c", code], cwd="/", capture_output=True)
    assert told.stdout.decode().strip() == str(run.ROOT / "helpers/__init__.py")


# What can go wrong


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (NO_NETWORK, "network"),
        (NO_NETWORK_UV, "network"),
        (
            "error: failed to copy file\n  cause: No space left on device (os error 28)",
            "disk is full",
        ),
        ("ERROR: Could not install packages: [Errno 13] Permission denied: '/x'", "permitted"),
        ("/usr/bin/python3: No module named pip", "python3-venv"),
        ("  cause: tensorflow==2.21.0 has no wheels with a matching platform tag", "no build"),
        ("something\nnobody foresaw", "nobody foresaw"),
    ],
)
def test_a_failing_installer_is_told_in_one_line(run, monkeypatch, said, told):
    def step(title, *command):
        with open(run.LOG, "a") as log:
            log.write(said)
        return False

    monkeypatch.setattr(run, "step", step)
    with pytest.raises(SystemExit) as stopped:
        run.main([])
    line = str(stopped.value)
    assert one_line(line) and told in line and str(run.LOG) in line and len(line) < 500
    assert not run.is_ready() and run.LOG.read_text().startswith(said)


@pytest.mark.parametrize(
    ("code", "told"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "permitted"), (errno.EROFS, "permitted")],
)
def test_a_system_error_is_told_in_one_line(run, monkeypatch, code, told):
    def fail(*args, **kwargs):
        raise OSError(code, os.strerror(code), "/x")

    monkeypatch.setattr(run.Path, "mkdir", fail)
    with pytest.raises(SystemExit) as stopped:
        run.main([])
    assert one_line(str(stopped.value)) and told in str(stopped.value)


def test_too_little_room_is_told_before_anything_is_made(run, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(run.shutil, "disk_usage", lambda path: usage(9e9, 8e9, 1.25e9))
    with pytest.raises(SystemExit, match=r"1\.2 GB are free, 3 GB"):
        run.main([])
    assert run.steps == [] and not run.VENV.exists()


def test_a_real_installer_that_fails_leaves_its_words_in_the_log(folder, capsys):
    module = load(folder / "run.py")
    module.VENV.mkdir()
    assert module.step("good", sys.executable, "-c", "print('fine')")
    assert not module.step("bad", sys.executable, "-c", "import sys; sys.exit('oh no')")
    assert module.LOG.read_text().split("\n")[:2] == ["fine", "oh no"]
    assert re.search(r"good \.* ?\d+ s\n  bad .*failed\n", capsys.readouterr().out)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals and locks")
def test_two_set_ups_wait_for_each_other(folder):
    (folder / "fake.py").write_text(
        textwrap.dedent("""\
        import sys, time, run
        def step(title, *command):
            with open("trace", "a") as trace:
                trace.write(title.split()[0] + " ")
            if "venv" in command:
                run.PYTHON.parent.mkdir(parents=True)
                run.PYTHON.symlink_to(sys.executable)
            time.sleep(0.3)
            return True
        run.step = step
        run.shutil.disk_usage = lambda path: type("usage", (), {"free": 9e12})
        run.main(["setup"])
        """)
    )
    both = [subprocess.Popen([sys.executable, "fake.py"], cwd=folder) for _ in range(2)]
    assert [child.wait(30) for child in both] == [0, 0]
    assert (folder / "trace").read_text().split() == ["Python", "uv,", "packages"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals and locks")
@pytest.mark.parametrize(
    ("command", "file", "first"),
    [("detect", "helpers/__main__.py", ""), ("site", ".ci/build_site.py", "import beside\n")],
)
def test_control_c_is_one_line(folder, run, command, file, first):
    make_ready(run)
    (folder / ".ci").mkdir()
    (folder / ".ci/beside.py").touch()
    (folder / file).write_text(f"{first}import time\nprint('going', flush=True)\ntime.sleep(60)\n")
    # What runs in a shell's background, as this may, ignores Ctrl-C; a terminal's child does not.
    heed = "import os, signal, sys; signal.signal(2, signal.SIG_DFL)"
    heed += "; os.execv(sys.argv[1], sys.argv[1:])"
    child = subprocess.Popen(
        [sys.executable, "-c", heed, sys.executable, "run.py", command],
        cwd=folder, stdout=-1, stderr=-1, text=True, bufsize=0,
    )  # fmt: skip
    assert child.stdout.readline() == "going\n"
    child.send_signal(2)
    assert child.communicate(timeout=30)[1].strip() == "Stopped." and child.returncode == 130


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_control_c_while_python_starts_waits(folder, run):
    make_ready(run)
    press = "import os, sys\nif '--inside' in sys.orig_argv:\n    os.kill(os.getpid(), 2)\n"
    (folder / "sitecustomize.py").write_text(press)
    heed = "import os, signal, sys; signal.signal(2, signal.SIG_DFL); "
    heed += "os.environ['PYTHONPATH'] = '.'; os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", heed, sys.executable, "run.py", "detect"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.stderr.strip() == "Stopped." and done.returncode == 130


# The lists of packages


def names(path):
    """The packages that a requirements file names, normalised."""
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line and not line.startswith("--hash=")]
    return {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in lines}


def test_the_lock_is_exact_with_a_digest_for_every_file_and_holds_every_requirement():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert names(ROOT / "requirements.txt") <= names(ROOT / "requirements.lock")
    assert names(ROOT / "requirements-colab.txt") <= names(ROOT / "requirements.txt")
    kinds = (r"[\w.\-]+==[\w.]+( ; .+)? \\", r"    --hash=sha256:[0-9a-f]{64}( \\)?", r" *#.*")
    for line in text.splitlines():
        assert any(re.fullmatch(kind, line) for kind in kinds), line
    assert "://" not in text and "/home" not in text and "/tmp" not in text
    assert "--generate-hashes" in text  # by hand: pip then refuses what has another digest
    assert len(re.findall(r"(?m)^tensorflow-cpu==", text)) == 1  # the line that a GPU changes


def test_a_digest_that_is_not_the_indexs_is_named():
    check = load(ROOT / ".ci/check_lock.py")
    one, two, three = (f"    --hash=sha256:{digit * 64}" for digit in "123")
    ours = check.digests(f"# by hand\na==1 \\\n{one} \\\n{two}\n    # via b\nb==2 ; c \\\n{one}\n")
    assert ours == {"a==1": {"1" * 64, "2" * 64}, "b==2 ; c": {"1" * 64}}
    assert check.differences(ours, ours) == []
    theirs = check.digests(f"a==1 \\\n{one} \\\n{three}\n")
    assert check.differences(ours, theirs) == [
        "a==1: 1 digests are not the index's, 1 are missing",
        "b==2 ; c: 1 digests are not the index's, 0 are missing",
    ]


def test_the_licence_of_every_package_is_listed():
    page = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    listed = re.findall(r"(?m)^\| ([\w.-]+) \|", page)
    listed += page.rpartition("also: ")[2].rstrip(".\n").split(", ")
    locked = re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements.lock").read_text("utf-8"))
    assert set(locked) <= set(listed), ".venv/bin/python .ci/licences.py"


def test_each_requirement_has_a_reason():
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "tensorflow")):
            assert re.search(r"  # \w.{10,}", line), line


def sources():
    """Name and parsed code of every module, test and notebook."""
    for path in [*(ROOT / "helpers").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        yield path.name, ast.parse(path.read_text(encoding="utf-8"))
    for path in (ROOT / "notebooks").rglob("[0-9]*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                source = "".join(cell["source"])
                yield path.name, ast.parse(re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", source))


def test_every_import_is_a_requirement():
    known = {"cv2": "opencv-python-headless", "PIL": "pillow", "tensorflow": "tensorflow-cpu"}
    known |= {"IPython": "jupyterlab", "jupyter_client": "jupyterlab", "nbformat": "papermill"}
    known |= {"google": None, "one_core": None, "deadly": None}  # notebook 09 writes two
    known |= {
        "yaml": "pyyaml",
        "jax": None,
        "onnxruntime": None,
        "torch": None,
        "torchvision": None,
        "transformers": None,
        "playwright": None,
    }  # tests skip where they are missing
    listed = names(ROOT / "requirements.txt")
    ours = {path.stem for folder in (ROOT, ROOT / "tests") for path in folder.iterdir()}
    for file, tree in sources():
        for node in ast.walk(tree):
            found = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            found += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in {full.split(".")[0] for full in found} - sys.stdlib_module_names - ours:
                package = known.get(name, name.lower().replace("_", "-"))
                assert package is None or package in listed, f"{file} imports {name}"


# Notebooks as stored


def test_stored_notebooks_are_light():
    lighten = load(ROOT / ".ci/store_notebooks.py").lighten
    here = str(ROOT)
    folded = {"tags": ["parameters"], "jupyter": {"source_hidden": True}}
    code = {
        "cell_type": "code",
        "execution_count": 1,
        "id": "a",
        "metadata": folded | {"papermill": {"duration": 1}, "execution": {}},
        "outputs": [
            {"name": "stderr", "output_type": "stream", "text": ["log"]},
            {"name": "stdout", "output_type": "stream", "text": [f"{here}/data"]},
            {"name": "stdout", "output_type": "stream", "text": ["\n"]},
            {
                "data": {
                    "application/vnd.jupyter.widget-view+json": {"model_id": "1"},
                    "text/plain": ["interactive()"],
                },
                "metadata": {},
                "output_type": "display_data",
            },
        ],
        "source": [],
    }
    info = {"name": "python", "version": "3.11.7"}
    metadata = {"language_info": info, "papermill": {"start_time": "x"}, "widgets": {"state": 1}}
    book = {"cells": [code], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    text = lighten(book)
    stored = json.loads(text)
    (cell,) = stored["cells"]
    assert cell["metadata"] == folded
    assert [out["text"] for out in cell["outputs"]] == [["pixelwise/data\n"]]
    assert stored["metadata"] == {"language_info": {"name": "python"}}
    assert here not in text and text.endswith("}\n")
    assert code["metadata"]["papermill"], "the argument must stay as it was"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb")), ids=lambda path: path.stem
)
def test_notebooks_in_the_repository_are_light(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) <= 1_000_000
    assert '"papermill": {' not in text and '"widgets": {' not in text
    assert not re.search(r"/(home|Users|root|tmp)/\w", text), "a path of somebody's machine"
    for form in ("<script", "javascript", "onload=", "onerror="):
        assert form not in text.lower(), "nothing may run when a notebook is opened"


def test_a_handout_has_no_solutions(tmp_path, capsys):
    """For a class: the project without answers, no link to them left, and ours as it was."""
    hand_out = load(ROOT / ".ci/store_notebooks.py").hand_out
    folder = tmp_path / "class"
    assert hand_out(folder) == 0 and "without solutions" in capsys.readouterr().out
    books = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert sorted(path.name for path in (folder / "notebooks").glob("*.ipynb")) == books
    assert not list(folder.rglob("solutions")) and not list(folder.rglob("books"))
    for path in (folder / "notebooks").glob("*.ipynb"):
        assert "solutions/" not in path.read_text(encoding="utf-8"), path.name
        json.loads(path.read_text(encoding="utf-8"))
    assert (folder / "run.py").exists() and (folder / "data/streets.npz").exists()
    assert "solutions/" in (ROOT / "notebooks/01_boxes_and_masks.ipynb").read_text("utf-8")
    assert hand_out(folder) == 2 and "exists already" in capsys.readouterr().err
