"""Annotations of every format, damaged."""

from hostile.damage import damaged, save_photo, write_bent
from hostile.samples import FILES, TEXTS, TREES


def check(rng, folder):
    from helpers.annotations import read_dataset, statistics

    save_photo(folder / "a.png")
    kind = rng.choice([*TREES, *TEXTS])
    if kind in TREES:
        write_bent(folder / FILES.get(kind, "a.json"), TREES[kind], rng)
    elif kind in ("a.txt", "data.yaml"):
        for name in ("a.txt", "data.yaml"):
            (folder / name).write_text(TEXTS[name])
    if kind == "panoptic":
        save_photo(folder / "a/a.png")  # the segments
    if kind in TEXTS:
        (folder / kind).write_bytes(damaged(TEXTS[kind].encode(), rng))
    data = read_dataset(folder, fix=rng.random() < 0.5)
    statistics(data)
    for index in range(min(len(data), 3)):
        data[index]
