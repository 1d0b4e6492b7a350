"""The exercises of notebook 07."""

import numpy as np

from helpers.lessons.checks.verdict import Hint, call, check, choose, compare


@check("The odd run and the first run leave no trace in it.")
def time_of(function):
    """A function (function, clock, num) -> the median of num durations, after one to warm up."""
    durations = [50, 1, 9, 2, 2, 3]
    state = {"now": 0.0, "calls": 0}  # a clock that work moves

    def work():
        state["now"] += durations[min(state["calls"], 5)]
        state["calls"] += 1

    def clock():
        state["now"] += 0.001  # asking takes time, too
        return state["now"]

    answer = call(function, work, clock, 5)
    calls = state["calls"]
    compare(
        answer, 2, "Runs of 50 (warm-up), 1, 9, 2, 2 and 3 seconds must give 2.",
        (2.5, "You included the warm-up in the median. Call function() once before you measure."),
        (3.4, "That is the mean. One odd run moves it: take the median."),
        (67 / 6, "That is the mean, warm-up and all. Take the median of what comes after it."),
        (17, "That is the sum. What is the run in the middle?"),
        (1, "That is the shortest run, not the one in the middle."), rtol=0.01,
    )  # fmt: skip
    if calls != 6:
        raise Hint(f"With num=5 it called function() {calls} times; 1 + 5 are asked for.")


@check("A quarter of 24, and all of the rest: 42. The part that stays sets the limit.")
def after_shrinking(answer):
    """How many ms are left of 60, if 24 of them shrink to a quarter?"""
    compare(
        answer, 42, "Half of each side: how many pixels is that? Only the 24 ms shrink with them.",
        (15, "Only 24 of the 60 ms depend on the number of pixels. The others stay."),
        (48, "Both sides are halved, so a quarter of the pixels is left, not half."),
        (30, "Only 24 of the 60 ms depend on the pixels, and a quarter of these is left."),
        (6, "That is what is left of the 24. The other 36 ms stay as they are."),
    )  # fmt: skip


@check("Three times as sure is nine times the work. That is why intervals stay wide.")
def pictures_needed(answer, num, width, wanted):
    """How many pictures bring an interval from one width to another, if `num` gave the first?"""
    compare(
        answer, num * (width / wanted) ** 2,
        "The width falls with the square root of the number. It has to become a third.",
        (num * width / wanted, "Three times as many make it narrower by the square root of 3."),
        (num * (width / wanted) ** 0.5, "The other way round: the width is the square root."),
        rtol=0.02,
    )  # fmt: skip


@check("Model 2 costs more than model 1 and is worse: nobody needs it.")
def on_the_front(answer, costs, aps):
    """Which models (numbers from 0) does no other beat in both cost and AP?"""
    every = range(len(costs))
    costs, aps = np.array(costs), np.array(aps)
    beaten = [
        any((costs <= costs[i]) & (aps >= aps[i]) & (np.arange(len(aps)) != i)) for i in every
    ]
    front = [i for i in every if not beaten[i]]
    compare(
        sorted(answer) if np.ndim(answer) else answer, front,
        "For each model ask: is there another that is cheaper and better? A list like [0, 2].",
        ([i for i in every if beaten[i]], "Those are beaten. Which ones are left?"),
        ([int(aps.argmax())], "It is the best, but some of the cheaper ones nobody beats."),
        (sorted({int(aps.argmax()), int(costs.argmin())}),
         "The two ends are right. But another one is not beaten, either."),
        (every, "One of them costs more than another one, and is worse."),
    )  # fmt: skip


@check("A hundredth of AP is a price, too, and here you have said what it may be.")
def thrifty(answer, names, ap, cpu):
    """The name of the cheapest model whose AP is at most .01 below the best."""
    if not isinstance(answer, str) or answer not in names:
        raise Hint(f"Answer with the name of one model, one of {', '.join(names)}.")
    near = ap >= ap.max() - 0.01
    wanted = names[int(np.argmin(np.where(near, cpu, np.inf)))]
    if answer == wanted:
        return
    if answer == names[int(np.argmax(ap))]:
        raise Hint("That is the best one, as before. Is there a cheaper one close to it?")
    if not near[names.index(answer)]:
        raise Hint(
            "Its AP is more than 0.01 below the best. First drop those: ap >= ap.max() - 0.01."
        )
    raise Hint("It is good enough, but another one that is good enough is cheaper.")


@check("Of pictures of one kind, cats and dogs come out alike: the next cell shows it.")
def cats_and_dogs(answer):
    """What follows, if the interval of the dogs lies above that of the cats: "c"."""
    hints = {
        "a": "Each class has its own photographs. Are those the same kind of photographs?",
        "b": "Few dogs make the interval long. But long as it is, it does not touch the other.",
        "d": "The table tells of a test. It says nothing of the training.",
    }
    choose(answer, "c", hints)
