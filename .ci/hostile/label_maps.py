"""Label maps of the Object Detection API, damaged."""

from hostile.damage import damaged


def check(rng, folder):
    from helpers.models.label_maps import read_label_map

    items = [
        f'item {{\n  name: "n{i}"\n  id: {i}\n  display_name: "person"\n}}\n' for i in (1, 2, 3)
    ]
    (folder / "map.pbtxt").write_bytes(damaged("".join(items).encode(), rng))
    read_label_map(folder / "map.pbtxt")
