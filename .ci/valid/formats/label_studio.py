"""Label Studio: a list of tasks; polygons in hundredths, uploads with a code before their name."""

import json

CAN_TELL = {"nothing"}
PICTURES = ""


def write(folder, photos, rng):
    tasks = []
    for number, photo in enumerate(photos, 1):
        results = [_result(i, one, photo.size) for i, one in enumerate(photo.objects)]
        address = f"/data/upload/1/{rng.randrange(16**8):08x}-{photo.name}"
        answer = {"id": number, "was_cancelled": False, "result": results}
        tasks.append({"id": number, "data": {"image": address}, "annotations": [answer]})
    (folder / "tasks.json").write_text(json.dumps(tasks))


def _result(number, one, size):
    height, width = size
    points = 100 * one.rings[0] / (width, height)
    return {
        "id": f"r{number}",
        "type": "polygonlabels",
        "from_name": "label",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {"points": points.tolist(), "polygonlabels": [one.label]},
    }
