"""Runs in the kernel when notebooks are stored: each figure says in words what it shows.

The words, its titles and what its axes measure, go where web pages made of a notebook look for an
alternative text: beside the picture, in the metadata of the output.
"""


def describe(figure, **asked):
    """The alternative text of a matplotlib figure, as IPython takes it: no data, and metadata."""
    texts = [figure.get_suptitle()]
    for axis in figure.axes:
        texts += [axis.get_title(side) for side in ("left", "center", "right")]
        if axis.axison:
            texts += [f"{n} axis: {t}" for n in "xy" if (t := getattr(axis, f"get_{n}label")())]
    alt = "; ".join(dict.fromkeys(" ".join(text.split()) for text in texts if text.strip()))
    return {}, {kind: {"alt": alt} for kind in ("image/jpeg", "image/png") if alt}


get_ipython().display_formatter.mimebundle_formatter.for_type_by_name(  # noqa: F821
    "matplotlib.figure", "Figure", describe
)
