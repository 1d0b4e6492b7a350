"""Figures of notebook 08, train on your data: numbers in, a Figure out; its title is the claim."""

from helpers.lessons.figures.axes import COLORS, make_axes

HIGHEST = 3  # times the loss at the start, of a curve of losses


def plot_rates(curves, first=None):
    """The sum of the losses step by step, a line for each learning rate.

    What shoots up to more than three times the start leaves the figure, or nothing else is seen.

    Args:
        curves: {learning rate: (steps,) float}; may be empty.
        first: what the loss is before anything is learnt, for a dotted line; None for no line.

    Returns:
        matplotlib Figure.
    """
    figure, axis = make_axes(7, 2.8)
    for i, (rate, losses) in enumerate(curves.items()):
        color = COLORS[i % len(COLORS)]
        axis.plot(range(1, len(losses) + 1), losses, ".-", color=color, label=f"rate {rate:g}")
    if first is not None:
        axis.axhline(first, color="0.5", ls=":", label="nothing learnt")
    starts = [losses[0] for losses in curves.values()]
    highest = max([max(losses) for losses in curves.values()], default=1)
    top = min(highest, HIGHEST * max(starts, default=1))
    axis.set(xlabel="step", ylabel="sum of the five losses", ylim=(0, 1.05 * top))
    axis.set_title("The same network, batches and loop: only the rate differs")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
