"""How many students can one machine serve?

    python benchmarks/classroom.py [--students 1 10 30] [--notebooks 00 05] [--busy] [--keep]

Each student has a kernel of their own, as under JupyterLab and JupyterHub. All begin at the same
moment, the worst that a class can do, and run a notebook's cells as far as the first masks. The
table has the seconds on the clock until a student sees masks, and memory when all do: what kernels
share, such as TensorFlow's code, counts once. A class that would leave less than 1 GB free is not
begun, and none takes longer than 15 minutes. A student's JupyterLab server, where each has one,
comes on top: the last line. Memory does not depend on what else the machine does; the clock does,
and --busy leaves it out. With --keep all goes to benchmarks/CLASSROOM.md, and the table from there
into docs/teaching.md.
"""

import argparse
import asyncio
import contextlib
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from run_all import ROOT, machine

from helpers.pictures import replacing
from notebooks import usage

FIRST_MASKS = {"00": "detect", "05": "draw"}  # the id of the cell that computes them
SPARE = 1e9  # bytes that must stay free
LONGEST = 900  # seconds that a class may take
PAGE = ROOT / "benchmarks/CLASSROOM.md"
TEXT = ROOT / "docs/teaching.md"  # has the same table
COLUMNS = ("notebook", "students", "first masks s", "slowest s", "MB each", "GB", "broken")
TABLE = re.compile(r"(?m)^\| notebook \| students \|.*\n(?:\|.*\n)+")
BROKEN = (CellExecutionError, DeadKernelError, TimeoutError, asyncio.TimeoutError, RuntimeError)


def book_of(name, folder):
    """A notebook as far as its first masks, whose results go to a folder of the student's."""
    (path,) = (ROOT / "notebooks").glob(f"{name}_*.ipynb")
    book = nbformat.read(path, as_version=4)
    last = [cell["id"] for cell in book.cells].index(FIRST_MASKS[name])
    parameters = nbformat.v4.new_code_cell(f"OUT = {folder!r}")
    book.cells = [*book.cells[:2], parameters, *book.cells[2 : last + 1]]
    return book


async def learn(client, start):
    """Run a student's cells; seconds until the last, or None where something broke."""
    try:
        for index, cell in enumerate(client.nb.cells):
            if cell.cell_type == "code":
                left = start + LONGEST - time.perf_counter()
                await asyncio.wait_for(client.async_execute_cell(cell, index), max(left, 1))
    except BROKEN:
        return None
    return time.perf_counter() - start


async def hold(name, num):
    """One class: seconds of each student (None where it broke), bytes of all kernels together."""
    with tempfile.TemporaryDirectory() as folder:
        clients = [
            NotebookClient(
                book_of(name, f"{folder}/{number}"),
                timeout=LONGEST,
                startup_timeout=LONGEST,
                kernel_name="python3",
                resources={"metadata": {"path": str(ROOT / "notebooks")}},
            )
            for number in range(num)
        ]
        async with contextlib.AsyncExitStack() as stack:
            start = time.perf_counter()
            seats = [
                stack.enter_async_context(one.async_setup_kernel(stderr=subprocess.DEVNULL))
                for one in clients
            ]
            await asyncio.gather(*seats)
            seconds = await asyncio.gather(*[learn(client, start) for client in clients])
            kernels = [client.km.provisioner.process.pid for client in clients]
            memory = memory_of(kernels)
    return seconds, memory


def memory_of(kernels):
    """Bytes of the kernels that are still alive."""
    megabytes = 0
    for pid in kernels:
        with contextlib.suppress(psutil.NoSuchProcess):
            megabytes += usage(psutil.Process(pid))[1]
    return megabytes * 1e6


def row(name, num, seconds, memory, is_busy):
    """A row of the table."""
    well = sorted(second for second in seconds if second is not None)
    middle = slowest = "–"
    if well and not is_busy:
        middle = f"{statistics.median(well):.0f}"
        slowest = f"{well[-1]:.0f}"
    each = f"{memory / num / 1e6:.0f}"
    return [name, num, middle, slowest, each, f"{memory / 1e9:.1f}", num - len(well)]


def table(rows):
    """The table in Markdown."""
    lines = [COLUMNS, ["---"] + ["--:"] * (len(COLUMNS) - 1), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def keep(page):
    """Put the page into its file, and its table into docs/teaching.md."""
    with replacing(PAGE) as part:
        part.write_text(page, encoding="utf-8")
    text = TEXT.read_text(encoding="utf-8")
    with replacing(TEXT) as part:
        part.write_text(TABLE.sub(TABLE.search(page)[0], text), encoding="utf-8")


def server_memory():
    """Bytes of a JupyterLab server that nobody has asked for anything yet."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--allow-root"]
        command += [f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=word"]
        log = pathlib.Path(folder) / "log"
        with open(log, "w") as file:
            server = psutil.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        end = time.monotonic() + 120
        while "is running at" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.2)
        memory = usage(server)[1] * 1e6
        server.terminate()
        server.wait(30)
    return memory


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, nargs="+", default=[1, 10, 30])
    parser.add_argument("--notebooks", nargs="+", default=["00", "05"], choices=FIRST_MASKS)
    parser.add_argument("--busy", action="store_true", help="other programs are at work: no times")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/CLASSROOM.md")
    args = parser.parse_args()
    head = ["# A class on one machine", "", "By `python benchmarks/classroom.py`.", "", *machine()]
    print(*head, sep="\n", flush=True)
    rows = []
    notes = []
    for name in args.notebooks:
        each = 0.0  # bytes per student, as far as is known
        for num in sorted(args.students):
            free = psutil.virtual_memory().available
            if num * each + SPARE > free:
                notes.append(
                    f"{num} students in {name} would need {num * each / 1e9:.1f} GB of the "
                    f"{free / 1e9:.1f} GB that are free: not begun."
                )
                print(notes[-1], flush=True)
                continue
            seconds, memory = asyncio.run(hold(name, num))
            each = memory / num
            rows.append(row(name, num, seconds, memory, args.busy))
            print(*rows[-1], flush=True)
    notes.append(f"A JupyterLab server: {server_memory() / 1e6:.0f} MB each.")
    page = "\n".join([*head, "", table(rows), *notes, ""])
    print(page)
    if args.keep:
        keep(page)


if __name__ == "__main__":
    main()
