"""VIA 2: polygons, as a project or as its annotations alone."""

import json

CAN_TELL = {"exif", "nothing"}
PICTURES = ""


def write(folder, photos, rng):
    entries = {}
    for photo in photos:
        size = (folder / photo.name).stat().st_size
        entries[f"{photo.name}{size}"] = {
            "filename": photo.name,
            "size": size,
            "regions": [_region(one) for one in photo.objects],
            "file_attributes": {},
        }
    content = {"_via_settings": {}, "_via_img_metadata": entries, "_via_attributes": {}}
    (folder / "via.json").write_text(json.dumps(content if rng.random() < 0.5 else entries))


def _region(one):
    x, y = one.rings[0].T.tolist()
    shape = {"name": "polygon", "all_points_x": x, "all_points_y": y}
    return {"shape_attributes": shape, "region_attributes": {"class": one.label}}
