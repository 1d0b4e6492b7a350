"""Which pictures and videos to work on."""

import pathlib

from helpers import DATA
from helpers.pictures import find_images
from helpers.video import video_info

PICTURES = DATA / "pictures"  # that come with Pixelwise
VIDEO = DATA / "street.mp4"


def find_inputs(options, problems):
    """The files that the options name, each once.

    Args:
        options: see `read_options`.
        problems: Problems, which gets a line for whatever cannot be used.

    Returns:
        List of paths of pictures, and of videos.
    """
    patterns, names = options.images or [], options.video or []
    if options.bundled:
        patterns, names = [PICTURES], [VIDEO]
    videos, pictures = {}, {}
    for name in names:
        with problems.survive(name):
            video_info(name)
            path = pathlib.Path(name).expanduser()
            videos[path.resolve()] = path
    for pattern in patterns:
        with problems.survive(pattern):
            for path in find_images(pattern):
                pictures[path.resolve()] = path
    results = options.out.resolve()
    return _without_results(pictures, results, problems), _without_results(
        videos, results, problems
    )


def _without_results(paths, out, problems):
    """The files that do not lie where the results go, and so would be replaced."""
    kept = []
    for whole, path in paths.items():
        if whole.parent in (out, out / "page"):
            problems.add(f"{path}: lies where the results go; name another folder with --out")
        else:
            kept.append(path)
    return kept
