"""How bytes and trees are damaged, and a small picture to damage them beside."""

import copy
import json

import numpy as np

ODD = (
    None, True, -1, 0, 2**31, 10**30, 1e308, -1e-308, float("nan"), float("inf"), "", "x", "\x00",
    "é" * 300, "../../x", [], {}, [[]], [None], {"a": []}, [1] * 2000, "9" * 5000,
)  # fmt: skip


def damaged(data, rng):
    """Bytes that are cut, flipped, spliced, repeated or replaced in a few places."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            del data[at:]
        elif kind == 1 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.choice((1, 4, 100)))
        elif kind == 3:
            del data[at : at + rng.choice((1, 4, 100))]
        elif kind == 4:
            data[at : at + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        else:
            other = rng.randrange(len(data) + 1)
            data[at : at + 50] = data[other : other + 50]
    return bytes(data)


def bent(tree, rng):
    """A copy of a JSON tree with something odd at a few places."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = key = None
        node = tree
        while isinstance(node, dict | list) and node and (place is None or rng.random() < 0.8):
            place = node
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            node = node[key]
        if place is None:
            return rng.choice(ODD)
        kind = rng.randrange(4)
        if kind == 0:
            del place[key]
        elif kind == 1 and isinstance(place, list):
            place.append(copy.deepcopy(place[key]))
        else:
            place[key] = copy.deepcopy(rng.choice(ODD))
    return tree


def write_bent(path, tree, rng):
    """Write a JSON tree, bent, or its text, damaged; sometimes nested far too deep."""
    if rng.random() < 0.02:
        path.write_text("[" * 100_000)
        return
    text = json.dumps(bent(tree, rng) if rng.random() < 0.7 else tree).encode()
    path.write_bytes(text if rng.random() < 0.7 else damaged(text, rng))


def save_photo(path):
    """A picture of few bytes, whose pixels all differ."""
    from helpers.pictures import save_image

    y, x = np.mgrid[:30, :40]
    save_image(path, np.stack([6 * x, 8 * y, 255 - 3 * x], 2).astype(np.uint8))
