"""A data set written for others, as COCO's JSON and the pictures beside it."""

import json
import pathlib

from helpers.annotations.datasets import Dataset
from helpers.pictures import replacing, save_image


def write_coco(dataset, folder):
    """Write pictures and truth as COCO JSON: `folder/annotations.json` and `folder/images/`.

    Args:
        dataset: Dataset, or any list of (image, Detections with masks).
        folder: is made if need be; files of the same names are replaced.

    Returns:
        The path of the JSON. Masks are compressed RLE, the same to the pixel. Pictures are upright,
        of the kind they were; arrays become PNG.
    """
    folder = pathlib.Path(folder)
    images, annotations, categories = [], [], {}
    for i in range(len(dataset)):
        image, truth = dataset[i]
        name = dataset.paths[i].name if isinstance(dataset, Dataset) else "picture.png"
        path = save_image(folder / "images" / f"{i + 1:05d}_{name}", image, quality=95)
        height, width = truth.image_size
        file_name = f"images/{path.name}"
        images.append({"id": i + 1, "file_name": file_name, "height": height, "width": width})
        categories.update(truth.categories)
        for row in truth.to_coco(i + 1):
            annotations.append({**row, "id": len(annotations) + 1, "iscrowd": 0})
    coco = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": key, "name": name} for key, name in categories.items()],
    }
    with replacing(folder / "annotations.json") as part:
        part.write_text(json.dumps(coco))
    return folder / "annotations.json"
