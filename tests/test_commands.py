"""The command line: what is understood, what is refused in a line, and how fast help comes."""

import pathlib
import re
import subprocess
import sys

import pytest

from helpers.commands import COMMANDS, read_call

ROOT = pathlib.Path(__file__).parents[1]


def read(*words):
    return read_call(words)


def refused(capsys, *words):
    """The line on standard error of what makes no sense; the code is 2."""
    with pytest.raises(SystemExit) as stop:
        read(*words)
    told = capsys.readouterr()
    assert stop.value.code == 2 and told.out == "" and told.err.count("\n") == 1
    return told.err


@pytest.mark.parametrize(
    "words, inputs",
    [
        ([], []),
        (["detect"], []),
        (["photo.jpg"], ["photo.jpg"]),
        (["detect", "photo.jpg", "b"], ["photo.jpg", "b"]),
        (["a.jpg", "--conf", "0.3", "b.jpg"], ["a.jpg", "b.jpg"]),
        (["0"], ["0"]),
        (["photos/*.jpg"], ["photos/*.jpg"]),
        (["https://example.org/a?b=c"], ["https://example.org/a?b=c"]),
        (["--images", "a", "b", "--video", "c"], ["a", "b", "c"]),
        (["predict", "source=a.jpg"], ["a.jpg"]),
        (["--input", "a.jpg", "b.jpg", "--output", "x"], ["a.jpg", "b.jpg"]),
        (["--webcam"], ["0"]),
        (["segment", "predict", "model=streets", "source=a.jpg", "save=True"], ["a.jpg"]),
        (["--source_video_path", "a.mp4"], ["a.mp4"]),
        (["task=segment", "mode=predict", "source=a.jpg"], ["a.jpg"]),
        (["detect", "predict", "source=a.jpg"], ["a.jpg"]),
        (["track", "a.mp4"], ["a.mp4"]),
        (["--classes", "person", "cat", "a.jpg", "0"], ["a.jpg", "0"]),
        (["a.jpg", "--classes", "0", "2"], ["a.jpg"]),
    ],
)
def test_what_is_meant_for_detect(words, inputs):
    call = read(*words)
    assert call.command == "detect"
    assert call.options.inputs + call.options.more_inputs == inputs


@pytest.mark.parametrize(
    "words, field, value",
    [
        (["--conf", "0.3"], "score", 0.3),
        (["--score=0.3"], "score", 0.3),
        (["--confidence-threshold", "0"], "score", 0.0),
        (["conf=1"], "score", 1.0),
        (["model=streets"], "model", "streets"),
        (["--weights", "streets"], "model", "streets"),
        (["--classes", "person, traffic light"], "classes", ["person", "traffic light"]),
        (["--classes", "person", "cat", "a.jpg"], "classes", ["person", "cat"]),
        (["--classes", "0", "2"], "classes", ["0", "2"]),
        (["classes=[0,2]"], "classes", ["0", "2"]),
        (["--device", "cuda:1"], "device", "1"),
        (["--device", "0"], "device", "0"),
        (["--device", "CUDA"], "device", "gpu"),
        (["--output", "x"], "out", pathlib.Path("x")),
        (["--save-crop"], "crops", True),
        (["save_crop=True"], "crops", True),
        (["save_crop=False"], "crops", False),
        (["--conf_thres=0.1"], "score", 0.1),
        ([], "out", pathlib.Path("outputs")),
        ([], "score", 0.5),
    ],
)
def test_names_that_others_have_for_an_option(words, field, value):
    assert getattr(read(*words).options, field) == value


@pytest.mark.parametrize(
    "words, told",
    [
        (["tset"], "no command and no file 'tset'; did you mean 'test'?"),
        (["modles"], "did you mean 'models'?"),
        (
            ["models", "lits"],
            "no command 'models lits': list, info, fetch, verify, export; did you",
        ),
        (["models"], "models needs one word more: list, info"),
        (["data", "chekc", "x"], "did you mean 'check'?"),
        (["weights"], "python3 run.py train streets"),
        (["export"], "python3 run.py models export NAME FOLDER"),
        (["a.jpg", "--modle", "streets"], "no option --modle; did you mean '--model'?"),
        (["a.jpg", "imgsz=640"], "no option --imgsz: each model has its own size; leave it out"),
        (["a.jpg", "--save-txt"], "results.csv and results.json have each box"),
        (["a.jpg", "-o", "x"], "it is --out FOLDER"),
        (["a.mp4", "--output", "b.mp4"], "must be a folder, got 'b.mp4'"),
        (["mode=train", "data=x"], "no option --data: to train on it, type python3 run.py train"),
        (["list"], "type python3 run.py models list"),
        (["webcam"], "type python3 run.py 0"),
        (["a.jpg", "--conf", "50"], "must lie between 0 and 1, got 50"),
        (["a.jpg", "--conf", "high"], "must be a number from 0 to 1, got 'high'"),
        (["a.jpg", "--classes", ","], "needs names, such as person,cat"),
        (["a.jpg", "--device", "toaster"], "must be auto, cpu, gpu or the number of a GPU"),
        (["a.jpg", "--every", "0"], "--every"),
        (["a.mp4", "--line", "0.5,1,0.5"], "must be the ends of a line"),
        (["a.mp4", "--line", "0.5,1,0.5,1"], "got '0.5,1,0.5,1'"),
        (["a.mp4", "--line", "0,0,left,300"], "shares of width and height"),
        (["a.jpg", "--out", "~no-such-user/x"], "there is no home folder '~no-such-user/x'"),
        (["train", "DATA", "more"], "'more' is one word too many"),
        (["train", "DATA", "--epoch", "x"], "--epochs"),
        (["train", "DATA", "epochs=9"], "'epochs=9' is written --epochs 9 here"),
        (["train", "epochs=9"], "'epochs=9' is written --epochs 9 here"),
        (["train", "data=b"], "'data=b' is written b here"),
        (["train", "--imgsz", "9"], "no option --imgsz: --size HEIGHT WIDTH"),
        (["train", "DATA", "--rename", "cup"], "'cup' is not of the form OLD=NEW"),
        (["data", "convert", "DATA"], "FOLDER"),
        (["site", "--sevre"], "site has no option --sevre; did you mean '--serve'?"),
        (["setup", "--now"], "setup has no option --now"),
    ],
)
def test_what_makes_no_sense_is_one_line_with_the_remedy(capsys, words, told):
    assert told in refused(capsys, *words)


def test_a_new_class_name_is_no_option():
    call = read("train", "DATA", "--rename", "size=large", "cup=mug")
    assert call.options.rename == [("size", "large"), ("cup", "mug")]


def test_a_file_goes_before_a_pair_and_a_moved_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("conf=1", "export"):
        (tmp_path / name).touch()
        assert read(name).options.inputs == [name]


def test_words_for_a_tool_go_on_as_they_are():
    assert read("test", "-k", "boxes", "--all")[:2] == ("test", ["-k", "boxes", "--all"])


@pytest.mark.parametrize(
    "name, script",
    [
        ("notebooks", ".ci/store_notebooks.py"),
        ("site", ".ci/build_site.py"),
        ("bench", "benchmarks/run_all.py"),
        ("harden", ".ci/harden.py"),
    ],
)
def test_the_options_of_a_tool_are_those_that_it_has(name, script):
    code = (ROOT / script).read_text("utf-8")
    assert all(f'"{option}"' in code for option in COMMANDS[name].names)
    assert set(re.findall(r'add_argument\("(--\w+)"', code)) <= set(COMMANDS[name].names)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_two_examples_that_work(capsys, name):
    for words in ([*name.split(), "--help"], ["help", *name.split()]):
        with pytest.raises(SystemExit) as stop:
            read(*words)
        told = capsys.readouterr()
        assert stop.value.code == 0 and told.err == ""
        assert COMMANDS[name].summary in told.out
        assert told.out.count("  python3 run.py ") == 2
    for words, _ in COMMANDS[name].examples:
        first = words.split(" && ")[0]
        assert read(*first.split()).command == name


def test_the_overview_lists_every_command(capsys):
    for words in (["--help"], ["-h"], ["help"]):
        with pytest.raises(SystemExit):
            read(*words)
        out = capsys.readouterr().out
        assert all(f"  {name} " in out for name in COMMANDS)
    with pytest.raises(SystemExit):
        read("models", "--help")
    out = capsys.readouterr().out
    assert "models fetch" in out and "data check" not in out
    with pytest.raises(SystemExit):
        read("--version")
    version = capsys.readouterr().out.split()[1].rstrip(",")
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_the_system_python_reads_the_command_line():
    """-S -I: without packages; and nothing but the standard library is imported."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from helpers.commands import read_call; "
        "read_call(['train', 'DATA']); "
        "names = {name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names; "
        "print(*names - {'__main__'})"
    )
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout == "helpers\n", done.stderr
