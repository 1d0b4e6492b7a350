"""The commands whose words go to the tool behind them: tests, pages, JupyterLab, measurements."""

from helpers.commands.command import Command

TEST = Command(
    "Run the tests and every notebook, two at once.",
    (
        ("test", "what is quick, some minutes"),
        ("test --all -k boxes", "slow ones, too; of these, what is called so"),
    ),
    more="--all runs the slow tests, too; all else goes to pytest.",
)
LAB = Command(
    "Open the notebooks in JupyterLab, the first one in front.",
    (
        ("lab", "in the browser"),
        ("lab --no-browser --port=8890", "only tell the address, at another port"),
    ),
    more="All options go to JupyterLab.",
)
NOTEBOOKS = Command(
    "Run the notebooks and store their outputs in them.",
    (
        ("notebooks 05 06", "only those two; without a number all"),
        ("notebooks --handout FOLDER", "for a class: a copy of the project without solutions"),
    ),
    more="--slides FOLDER makes talks with notes, --grader FOLDER assignments for nbgrader.",
    names=("--handout", "--slides", "--grader"),
)
SITE = Command(
    "Make web pages of the stored notebooks.",
    (
        ("site", "outputs/site/index.html; site FOLDER: elsewhere"),
        ("site --serve", "and show them at a local address: one page runs the model"),
    ),
    more="The page that runs the model needs npm, which fetches its runtime, 33 MB, once.",
    names=("--serve",),
)
BENCH = Command(
    "Measure Pixelwise beside its peers, 20 minutes: benchmarks/RESULTS.md.",
    (
        ("bench --parts forms graph", "only these"),
        ("bench --quick", "small sizes: does it run at all?"),
    ),
    more="--out FILE writes elsewhere.",
    names=("--parts", "--quick", "--out"),
)
HARDEN = Command(
    "Throw damaged and hostile files at everything that reads one: benchmarks/HARDENED.md.",
    (
        ("harden --only pictures videos", "only these kinds"),
        ("harden --inputs 30 --seed 1", "fewer of each kind, and others"),
    ),
    more="--out FILE writes elsewhere.",
    names=("--inputs", "--seed", "--only", "--out"),
)
LINT = Command(
    "Check the style of the code, the form of the notebooks, the links.",
    (
        ("lint", "before every commit"),
        ("lint && git commit", "so that it cannot be forgotten"),
    ),
    names=(),
)
SETUP = Command(
    "Only make the environment, the folder .venv, as any command does if need be.",
    (
        ("setup", "some 30 seconds, the first time"),
        ("setup && rm -r outputs", "then start with a clean folder of results"),
    ),
    more=".venv takes 2.8 GB; 7 GB where Linux has an NVIDIA GPU, unless CUDA_VISIBLE_DEVICES=-1\n"
    "hides it. Delete it to start afresh.",
    names=(),
)
