"""The command `python3 run.py train`: `streets`, `everyday`, or a model of your own pictures."""

import sys

from helpers.training import everyday, recipes


def main(argv=None) -> int:
    """Hand over to the recipe that the first word names; returns the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["everyday"]:
        return everyday.main(argv[1:])
    if argv[:1] == ["streets"]:
        return recipes.main(argv[1:])
    return recipes.main(argv)


if __name__ == "__main__":
    sys.exit(main())
