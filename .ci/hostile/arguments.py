"""Commands with arguments that nobody would give."""

import os

WORDS = ["", "-", "--", "nowhere", "../..", "\x01", "é" * 90, "x" * 5000, "a*", "~nobody/x", "-1"]


def check(rng, folder):
    from helpers.annotations import __main__ as data
    from helpers.models import __main__ as models
    from helpers.training import __main__ as training

    os.chdir(folder)
    commands = (
        (data.main, [], ["check", "stats", "convert", "--fix"]),
        (training.main, ["everyday"], ["--score", "--start", "--epochs", "--hold", "--out"]),
        # without a folder it would train for hours
        (training.main, ["nowhere"], ["--size", "--share", "--start", "--epochs", "--out", "out"]),
        (models.main, [], ["info", "verify", "export", "list"]),
    )
    main, first, own = rng.choice(commands)
    words = [*first, *(rng.choice((*own, *WORDS)) for _ in range(rng.randrange(1, 5)))]
    try:
        code = main(words)
    except SystemExit as stop:
        code = stop.code
    assert code in (0, 1, 2), f"{main.__module__} {words}: {code}"
    if code == 2:
        raise ValueError("refused")
