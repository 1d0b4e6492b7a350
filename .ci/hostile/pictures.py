"""Pictures of every format that is read, damaged."""

from PIL import Image

from hostile.damage import damaged, save_photo


def check(rng, folder):
    from helpers.pictures import read_image

    ending = rng.choice((".png", ".jpg", ".webp", ".bmp", ".tif", ".gif", ".avif", ".heic"))
    save_photo(folder / "good.png")

    with Image.open(folder / "good.png") as good:
        good.save(folder / f"a{ending}")
    path = folder / f"a{ending}"
    path.write_bytes(damaged(path.read_bytes(), rng))
    image = read_image(path)
    assert image.dtype == "uint8" and image.ndim == 3 and image.shape[2] == 3
