"""The main job: pictures and videos go in; every object comes out drawn, counted and listed.

`python3 run.py` runs it inside the environment; by hand it is `python -m helpers`.
"""

import sys

from helpers.job import Problems, find_inputs, read_options, run, waiting
from helpers.structures import InputError


def main(argv=None) -> int:
    """Run the job with command-line arguments; returns 0, 2 if a file failed, or 130 if stopped."""
    options = read_options(argv)
    problems = Problems(options.out / "errors.txt")
    pictures, videos = find_inputs(options, problems)
    if not pictures and not videos:
        problems.add("nothing was done: no picture and no video could be used")
        return 2
    try:
        detector = _load(options)
        return run(options, pictures, videos, detector, problems)
    except InputError as error:
        problems.add(error)
    except OSError as error:
        where = error.filename or options.out
        problems.add(f"{where}: {error.strerror or error}; nothing old was lost")
    except KeyboardInterrupt:
        problems.add("stopped before there was a result")
        return 130
    return 2


def _load(options):
    """The detector that the options name; what its card says of its limits is printed."""
    with waiting("starting TensorFlow"):
        from helpers.models import find_source, load_detector
    source = find_source(options.model)  # a download shows how far it is
    with waiting(f"loading the model {options.model!r}"):
        detector = load_detector(source, score_threshold=options.score, say=None)
    note = detector.card.get("note")
    if note and not options.bundled:
        print(f"note on {detector.name}: {note}")
    return detector


if __name__ == "__main__":
    sys.exit(main())
