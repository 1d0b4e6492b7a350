"""The exercises of notebook 09."""

from helpers.lessons.checks.verdict import Hint, call, check, compare


@check("Less than before: with less work to share, the rest weighs more.")
def limit(answer):
    """The most that 1 + 4 + 2 + 1 minutes can gain if only the 4 can be shared."""
    compare(
        answer, 2, "All the work, divided by what cannot be shared.",
        (4, "That was before. Now all the work is 1 + 4 + 2 + 1 minutes."),
        (8, "What stays when the 4 minutes have shrunk to nothing?"),
        (0.5, "Upside down."),
        rtol=0.02,
    )  # fmt: skip


@check("Long parts at the end are bad luck: give out the long ones first.")
def last_end(schedule):
    """schedule(parts, workers): in order, each to the worker that is free first."""
    for parts, workers, wanted, traps in (
        ([3, 1, 2, 2], 1, 8, ()),
        ([3, 1, 2, 2], 2, 5, ((4, "Half of all is the ideal. A part cannot be divided."),)),
        ([1, 1, 4], 2, 5, ((4, "Take the parts in order, the long one last."),)),
        ([5, 1, 1, 1], 3, 5, ((6, "Give a part to the worker that is free first, not in turns."),)),
        ([2, 3], 5, 3, ()),
    ):
        answer = call(schedule, list(parts), workers)
        hint = f"Parts {parts} on {workers} workers: the last ends at {wanted}, not {answer}."
        compare(answer, wanted, hint, *traps)


@check("An hour of video costs the price of an hour, times frames per second, times seconds each.")
def hour(price):
    """price(fps, seconds_per_frame, price_of_core_hour) of an hour of video."""
    wanted = 25 * 0.06 * 0.05
    compare(
        call(price, 25, 0.06, 0.05), wanted, "Frames of an hour, times seconds each, in hours.",
        (wanted * 3600, "Those were core-seconds. The price is for an hour of them."),
        (wanted / 3600, "An hour of video has fps * 3600 frames."),
    )  # fmt: skip
    if abs(call(price, 50, 0.12, 0.1) / wanted - 8) > 1e-6:
        raise Hint("Twice the frames, twice the seconds, twice the price: eight times as much.")
