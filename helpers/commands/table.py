"""All commands by name, and the page that lists them."""

from helpers.commands import data, models, train, upkeep
from helpers.commands.detect import DETECT

COMMANDS = {
    "detect": DETECT,
    "train": train.TRAIN,
    "train everyday": train.EVERYDAY,
    "data check": data.CHECK,
    "data stats": data.STATS,
    "data convert": data.CONVERT,
    "models list": models.LIST,
    "models info": models.INFO,
    "models fetch": models.FETCH,
    "models verify": models.VERIFY,
    "models export": models.EXPORT,
    "test": upkeep.TEST,
    "lab": upkeep.LAB,
    "notebooks": upkeep.NOTEBOOKS,
    "site": upkeep.SITE,
    "bench": upkeep.BENCH,
    "harden": upkeep.HARDEN,
    "lint": upkeep.LINT,
    "setup": upkeep.SETUP,
}
HEAD = """\
Pixelwise: pictures and videos go in; every object comes out with its class, box and mask.

  python3 run.py                      the pictures and the video that come with Pixelwise
  python3 run.py photo.jpg            yours: files, folders, 'patterns*', URLs, 0 for the camera
  python3 run.py COMMAND --help       the options of a command, and two examples
"""


def overview(group="") -> str:
    """The page of all commands, or of those that begin with the same word."""
    chosen = {
        name: command.summary
        for name, command in COMMANDS.items()
        if not group or name.split()[0] == group
    }
    width = max(map(len, chosen))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in chosen.items()]
    return "\n".join([HEAD, "commands:", *lines])


def groups() -> set[str]:
    """The first words that are no commands alone: "data", "models"."""
    return {name.split()[0] for name in COMMANDS} - set(COMMANDS)
