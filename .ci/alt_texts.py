"""Runs in the kernel when notebooks are stored: each figure says in words what it shows.

The words, its titles and what its axes measure, go where web pages made of a notebook look for an
alternative text: beside the picture, in the metadata of the output.
"""

from IPython import get_ipython


def describe(figure, **asked):
    """The alternative text of a matplotlib figure, as IPython takes it: no data, and metadata."""
    texts = [figure.get_suptitle()]
    for axis in figure.axes:
        texts += [axis.get_title(side) for side in ("left", "center", "right")]
        if axis.axison and axis.get_xlabel():
            texts.append(f"x axis: {axis.get_xlabel()}")
        if axis.axison and axis.get_ylabel():
            texts.append(f"y axis: {axis.get_ylabel()}")
    lines = [" ".join(text.split()) for text in texts if text.strip()]
    if not lines:
        return {}, {}
    alt = "; ".join(dict.fromkeys(lines))  # each once
    return {}, {kind: {"alt": alt} for kind in ("image/jpeg", "image/png")}


formatter = get_ipython().display_formatter.mimebundle_formatter
formatter.for_type_by_name("matplotlib.figure", "Figure", describe)
