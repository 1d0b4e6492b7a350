"""Label maps of the Object Detection API: odd letters and escapes, ids in any order."""

LETTERS = "abc ÄößØ茶'\"\\/-_.{}#:"


def check(rng, folder):
    """Write one, read it back, compare."""
    from helpers.models.label_maps import read_label_map

    ids = rng.sample(range(1, 999), rng.randint(1, 12))
    truth = {number: _name(rng) for number in ids}
    items = [_item(number, name, rng) for number, name in truth.items()]
    (folder / "map.pbtxt").write_text("".join(items), encoding="utf-8")
    assert read_label_map(folder / "map.pbtxt") == truth


def _name(rng):
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, 9))) + "x"


def _item(number, name, rng):
    quoted = _quoted(name, rng)
    field = rng.choice(("name", "display_name"))
    other = "" if field == "name" else f'  name: "/m/{number}"\n'
    return f"item {{\n{other}  {field}: {quoted}\n  id: {number}\n}}\n"


def _quoted(name, rng):
    """A name as protobuf's text format may have it: as it is, or with its bytes in octal."""
    quote = rng.choice("\"'")
    text = name.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    if rng.random() < 0.3:
        text = "".join(f"\\{byte:03o}" for byte in name.encode())
    return f"{quote}{text}{quote}"
