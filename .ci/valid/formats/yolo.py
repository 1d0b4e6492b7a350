"""YOLO: a text file for each picture, a line for each outline, in shares of width and height."""

from valid.truth import CLASSES

CAN_TELL = {"folders", "exif", "nothing"}
PICTURES = "images"


def write(folder, photos, rng):
    lines = ["names:", *(f"  {number}: {name}" for number, name in enumerate(CLASSES))]
    (folder / "data.yaml").write_text("\n".join(lines), encoding="utf-8")
    for photo in photos:
        path = folder / "labels" / (photo.name.rsplit(".", 1)[0] + ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(_line(one, photo.size) for one in photo.objects))


def _line(one, size):
    shares = (one.rings[0] / size[::-1]).ravel()
    numbers = " ".join(f"{share:.9f}" for share in shares)
    return f"{CLASSES.index(one.label)} {numbers}"
