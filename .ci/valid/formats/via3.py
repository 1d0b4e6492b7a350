"""VIA 3: a project whose files, views, options and outlines name each other by number."""

import json

from valid.truth import CLASSES

CAN_TELL = {"nothing"}
PICTURES = ""
POLYGON = 7  # a shape's number, before its corners


def write(folder, photos, rng):
    files, views, regions = {}, {}, {}
    for number, photo in enumerate(photos, 1):
        files[str(number)] = {"fid": number, "fname": photo.name, "type": 2, "loc": 1, "src": ""}
        views[str(number)] = {"fid_list": [str(number)]}
        for one in photo.objects:
            regions[f"{number}_{len(regions)}"] = {"vid": str(number)} | _region(one)
    options = {str(number): name for number, name in enumerate(CLASSES)}
    content = {
        "project": {"pid": "__VIA_PROJECT_ID__"},
        "config": {},
        "file": files,
        "view": views,
        "attribute": {"1": {"aname": "class", "options": options}},
        "metadata": regions,
    }
    (folder / "via3.json").write_text(json.dumps(content))


def _region(one):
    outline = [POLYGON, *one.rings[0].ravel().tolist()]
    return {"flg": 0, "z": [], "xy": outline, "av": {"1": str(CLASSES.index(one.label))}}
