"""A notebook as a part of a web page."""

import base64
import re

import nbformat
from nbconvert import HTMLExporter
from site_formulas import drawn

FOLDED = {"parameters": "Parameters", "setup": "Set-up", "results": "Results, for the tests"}


def of_notebook(path):
    """A notebook as HTML, and its pictures and videos: {name in its folder: bytes}."""
    exporter = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    exporter.register_preprocessor("nbconvert.preprocessors.ExtractOutputPreprocessor", True)
    resources = {"output_files_dir": f"{path.stem}_files", "unique_key": "picture"}
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = drawn(cell.source)
    body, resources = exporter.from_notebook_node(notebook, resources)
    files = dict(resources["outputs"])

    def video(match):
        name = f"{path.stem}_files/video_{len(files)}.mp4"
        files[name] = base64.b64decode(match[1])
        return f'src="{name}"'

    body = re.sub(r'src="data:video/mp4;base64,([^"]+)"', video, body)
    body = body.replace("<video controls", '<video controls playsinline preload="metadata"')
    return fold(body), files


def fold(body):
    """Puts the cells that no reader reads, known by their tags, behind a line to click on."""
    for tag, title in FOLDED.items():
        cell = rf'(?s)(<div class="cell [^"]*celltag_{tag}\b.*?)(?=<div class="cell |\Z)'
        body = re.sub(cell, rf"<details><summary>{title}</summary>\1</details>", body)
    return body
