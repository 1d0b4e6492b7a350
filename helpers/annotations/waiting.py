"""A bar for what takes longer than a reader likes to wait in silence."""


def bar(items, aim, unit):
    """The items of a list, one after the other; after three seconds a bar shows how far it is.

    Args:
        items: a list.
        aim: what is being done.
        unit: what an item is called.
    """
    from tqdm.auto import tqdm

    return tqdm(items, desc=aim, unit=f" {unit}s", delay=3, leave=False, disable=None)
