"""What does not hold in a folder of web pages: links that lead nowhere, pictures without words.

    python .ci/check_site.py FOLDER [--online]

python3 run.py site does this, too, but for --online, which tries the addresses outside.
"""

import html
import re
import sys
import urllib.request
from pathlib import Path

LINK = re.compile(r'(<(?:a|img|source|video)\b[^>]*? (?:href|src)=")([^"]*)"')


def wrong(folder, online=False):
    """Yields a line for each thing that does not hold."""
    outside = {}
    for page in sorted(folder.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        name = page.relative_to(folder)
        for tag in re.findall(r"<img[^>]*>", text):
            if not re.search(r'alt="(?!No description)[^"]{5,}"', tag):
                yield f"{name}: no words for {tag[:90]}"
        for _, target in LINK.findall(text):
            path, _, place = html.unescape(target).partition("#")
            goal = page.parent / path if path else page
            if ":" in path:
                outside.setdefault(path, name)
            elif not goal.is_file():
                yield f"{name}: {path} is not there"
            elif place and f'id="{place}"' not in html.unescape(goal.read_text(encoding="utf-8")):
                yield f"{name}: {path} has no place #{place}"
    if not online:
        return
    for address, name in outside.items():
        request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0"})
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except OSError as error:
            yield f"{name}: {address}: {error}"


if __name__ == "__main__":
    lines = list(wrong(Path(sys.argv[1]), "--online" in sys.argv))
    print(*lines, f"{len(lines)} things do not hold", sep="\n")
    sys.exit(bool(lines))
