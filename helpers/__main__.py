"""The main job: pictures and videos go in; every object comes out drawn, counted and listed.

`python3 run.py` runs it inside the environment; by hand it is `python -m helpers`.
"""

import shutil
import sys

from helpers.job import (
    Problems,
    choose_device,
    find_work,
    read_options,
    require_device,
    run,
    waiting,
)
from helpers.pictures import explain_system
from helpers.structures import InputError


def main(argv=None) -> int:
    """Run the job with command-line arguments; returns 0, 2 if a file failed, or 130 if stopped."""
    options = read_options(argv)
    problems = Problems(options.out / "errors.txt")
    try:
        works = find_work(options, problems)
        if not works:
            return 2  # a line for each input has said why
        choose_device(options.device)
        code = run(options, [(work, _load(options, work.model)) for work in works], problems)
        _print_for_a_program(options)
        return code
    except InputError as error:
        problems.add(error)
    except OSError as error:
        problems.add(f"{explain_system(error, options.out)}; nothing old was lost")
    except KeyboardInterrupt:
        problems.add("stopped before there was a result")
        return 130
    return 2


def _load(options, name):
    """A detector by its name; what its card says of its limits is told."""
    from helpers.models import find_source, ids_of

    source = find_source(name)  # a download shows how far it is
    if options.classes:
        ids_of(options.classes, source.card)  # a mistyped one need not wait for TensorFlow
    if options.fast and source.kind != "network":
        raise InputError(f"--fast is for streets, everyday and models trained here, not {name}")
    with waiting("starting TensorFlow"):
        from helpers.models import load_detector
    require_device(options.device)
    with waiting(f"loading the model {name!r}"):
        detector = load_detector(
            source,
            fast=options.fast or None,
            score_threshold=options.score,
            classes=options.classes,
            say=None,
        )
    note = detector.card.get("note")
    if note and not options.bundled:
        print(f"note on {detector.name}: {note}", file=options.told)
    return detector


def _print_for_a_program(options):
    """What --json and --csv ask for, on standard output, where nothing else is then."""
    for name in ("json", "csv"):
        if getattr(options, name):
            with open(options.out / f"results.{name}", encoding="utf-8") as file:
                shutil.copyfileobj(file, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
