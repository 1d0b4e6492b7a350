"""A data set written for others, as COCO's JSON and the pictures beside it."""

import json
import pathlib

from helpers.annotations.datasets import Dataset
from helpers.pictures import WRITTEN, replacing, save_image


def write_coco(dataset, folder):
    """Write pictures and truth as COCO JSON: `folder/annotations.json` and `folder/images/`.

    Args:
        dataset: Dataset, or any list of (image, Detections with masks).
        folder: is made if need be; `~` is the home folder; files of the same names are replaced.

    Returns:
        The path of the JSON. Masks are compressed RLE, the same to the pixel. Pictures are upright,
        of the kind they were; arrays, and kinds that are not written here, become PNG.
    """
    folder = pathlib.Path(folder).expanduser()
    images = []
    annotations = []
    categories = {}
    for i in range(len(dataset)):
        image, truth = dataset[i]
        name = f"{i + 1:05d}_{_name(dataset, i)}"
        path = save_image(folder / "images" / name, image, quality=95)
        height, width = truth.image_size
        file_name = f"images/{path.name}"
        images.append({"id": i + 1, "file_name": file_name, "height": height, "width": width})
        categories.update(truth.categories)
        for row in truth.to_coco(i + 1):
            is_crowd = int(row["score"] == 0)
            annotations.append({**row, "id": len(annotations) + 1, "iscrowd": is_crowd})
    coco = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": key, "name": name} for key, name in categories.items()],
    }
    with replacing(folder / "annotations.json") as part:
        part.write_text(json.dumps(coco))
    return folder / "annotations.json"


def _name(dataset, index):
    """What a picture is called, with an ending that can be written."""
    if not isinstance(dataset, Dataset):
        return "picture.png"
    path = dataset.paths[index]
    return path.name if path.suffix.lower() in WRITTEN else f"{path.stem}.png"
