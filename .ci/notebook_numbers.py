"""Minutes, seconds and memory of each notebook: from one file into every text that names them.

    python3 .ci/notebook_numbers.py

The file is docs/notebooks.json. `python benchmarks/notebooks.py` measures seconds and memory and
writes them there; minutes, which no program can measure, are changed by hand. The texts are the
tables of README and docs/teaching.md, a sentence of docs/troubleshooting.md, and the head of each
notebook and of its solution; tests/test_claims.py holds that they agree.
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FACTS = ROOT / "docs/notebooks.json"
# Of the head: minutes, and the sentence on the code, if there is one yet.
HEAD = re.compile(
    r"(\*\*It takes\*\* about )\d+( minutes to work through[^.\n]*\.)"
    r"( The code (?:itself )?needs (?:about \d+ s of computing and \d\.\d GB of memory|[^.,\n]*))?"
)


def read_facts(path=FACTS):
    """{stem of a notebook: {"minutes", "seconds", "megabytes"}}, in their order."""
    return json.loads(path.read_text(encoding="utf-8"))


def computer(row):
    """What the computer needs, as README's table says it."""
    return f"{row['seconds']:.0f} s, {row['megabytes'] / 1000:.1f} GB"


def readme(text, facts):
    """README with the numbers of its table of notebooks."""
    for stem, row in facts.items():
        start = rf"(?m)^(\| {stem.split('_')[0]} \| .*\(notebooks/{stem}\.ipynb\) \| [^|]* \|)"
        numbers = f" {row['minutes']} | {computer(row)} |"
        text = changed(rf"{start} \d+ \| \d+ s, \d\.\d GB \|", rf"\g<1>{numbers}", text, stem)
    return text


def teaching(text, facts):
    """docs/teaching.md with the minutes of its table."""
    for stem, row in facts.items():
        start = rf"(?m)^(\| \[\w+\]\(\.\./notebooks/{stem}\.ipynb\) \|.*\|) \d+ \|$"
        text = changed(start, rf"\g<1> {row['minutes']} |", text, stem)
    return text


def troubleshooting(text, facts):
    """docs/troubleshooting.md with the memory of the largest notebook."""
    stem = max(facts, key=lambda one: facts[one]["megabytes"])
    largest = f"{stem.split('_')[0]}, takes {facts[stem]['megabytes'] / 1000:.1f} GB"
    return changed(
        r"(the one that needs most, )\w+, takes \d\.\d GB", rf"\g<1>{largest}", text, stem
    )


def head(text, row):
    """The source of a notebook with the numbers of its first cell."""
    needs = f"about {row['seconds']:.0f} s of computing and {row['megabytes'] / 1000:.1f} GB"

    def renew(match):
        end = "" if match[3] else "."
        said = f" The code itself needs {needs} of memory{end}"
        return f"{match[1]}{row['minutes']}{match[2]}{said}"

    new, num = HEAD.subn(renew, text)
    if num != 1:
        wanted = "**It takes** about 5 minutes to work through."
        raise ValueError(f"the head must say {wanted!r} once, says it {num} times")
    return new


def changed(pattern, new, text, what):
    """The text with the one place that fits the pattern renewed."""
    text, num = re.subn(pattern, new, text)
    if num != 1:
        raise ValueError(f"{what}: {num} places fit {pattern}; there must be one")
    return text


def texts(root=ROOT):
    """Each text that names such numbers, as it must be.

    Yields:
        path, text.

    Raises:
        ValueError: a text has no place for them.
    """
    facts = read_facts(root / "docs/notebooks.json")
    documents = [
        (root / "README.md", readme),
        (root / "docs/teaching.md", teaching),
        (root / "docs/troubleshooting.md", troubleshooting),
    ]
    for path, renewed in documents:
        yield path, renewed(path.read_text(encoding="utf-8"), facts)
    for stem, row in facts.items():
        for folder in ("notebooks", "notebooks/solutions"):
            path = root / folder / f"{stem}.ipynb"
            yield path, head(path.read_text(encoding="utf-8"), row)


def main():
    for path, text in texts():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print("renewed:", path.relative_to(ROOT))


if __name__ == "__main__":
    main()
