"""How many students can one machine serve?

    python benchmarks/classroom.py [--students 1 10 30] [--notebooks 00 05]

Each student has a kernel of their own, as under JupyterLab and JupyterHub. All begin at the same
moment, the worst that a class can do, and run a notebook's cells as far as the first masks. The
table has the seconds on the clock until a student sees masks, and memory when all do: what kernels
share, such as TensorFlow's code, counts once. A class that would leave less than 1 GB free is not
begun. A student's JupyterLab server, where each has one, comes on top: the last line.
"""

import argparse
import asyncio
import contextlib
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import nbformat
import psutil
from measure import table
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from run_all import ROOT, machine

from notebooks import usage

FIRST_MASKS = {"00": "detect", "05": "draw"}  # the id of the cell that computes them
SPARE = 1e9  # bytes that must stay free
LONGEST = 900  # seconds that a class may take
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
                await client.async_execute_cell(cell, index)
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
                kernel_name="python3",
                resources={"metadata": {"path": str(ROOT / "notebooks")}},
            )
            for number in range(num)
        ]
        async with contextlib.AsyncExitStack() as stack:
            start = time.perf_counter()
            seats = [stack.enter_async_context(one.async_setup_kernel()) for one in clients]
            await asyncio.gather(*seats)
            seconds = await asyncio.gather(*[learn(client, start) for client in clients])
            kernels = [client.km.provisioner.process.pid for client in clients]
            memory = sum(usage(psutil.Process(pid))[1] for pid in kernels) * 1e6
    return seconds, memory


def row(name, num, seconds, memory):
    """A row of the table."""
    well = sorted(second for second in seconds if second is not None)
    middle = f"{statistics.median(well):.0f}" if well else "–"
    slowest = f"{well[-1]:.0f}" if well else "–"
    return [
        name, num, middle, slowest, f"{memory / num / 1e6:.0f}", f"{memory / 1e9:.1f}",
        num - len(well),
    ]  # fmt: skip


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
    args = parser.parse_args()
    print(*machine(), sep="\n")
    rows = []
    for name in args.notebooks:
        each = 0.0  # bytes per student, as far as is known
        for num in sorted(args.students):
            free = psutil.virtual_memory().available
            if num * each + SPARE > free:
                need = num * each / 1e9
                print(
                    f"{name}, {num} students: {need:.1f} GB of {free / 1e9:.1f} GB free: left out"
                )
                continue
            seconds, memory = asyncio.run(hold(name, num))
            each = memory / num
            rows.append(row(name, num, seconds, memory))
            print(f"{name}, {num} students: done", flush=True)
    header = ["notebook", "students", "first masks s", "slowest s", "MB each", "GB", "broken"]
    table(header, rows)
    print(f"\nA JupyterLab server: {server_memory() / 1e6:.0f} MB each.")


if __name__ == "__main__":
    main()
