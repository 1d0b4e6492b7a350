"""A small valid file of each format of annotations, to be damaged."""

import base64
import zlib

CORNERS = [[5, 5], [20, 6], [18, 22], [6, 20]]
FLAT = [value for corner in CORNERS for value in corner]
X, Y = ([corner[k] for corner in CORNERS] for k in (0, 1))
TREES = {
    "coco": {
        "images": [{"id": 1, "file_name": "a.png", "height": 30, "width": 40}],
        "categories": [{"id": 3, "name": "nut"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "segmentation": [FLAT], "iscrowd": 0,
             "bbox": [5, 5, 15, 17], "area": 200},
            {"id": 2, "image_id": 1, "category_id": 3, "bbox": [0, 0, 9, 9], "iscrowd": 1,
             "segmentation": {"size": [30, 40], "counts": [100, 20, 1080]}},
        ],
    },
    "via": {"a.png123": {"filename": "a.png", "size": 123, "file_attributes": {}, "regions": [
        {"shape_attributes": {"name": "polygon", "all_points_x": X, "all_points_y": Y},
         "region_attributes": {"name": "nut"}}]}},
    "labelme": {"imagePath": "a.png", "imageHeight": 30, "imageWidth": 40, "shapes": [
        {"label": "nut", "points": CORNERS, "shape_type": "polygon"},
        {"label": "nut", "points": CORNERS[:2], "shape_type": "circle"}]},
}  # fmt: skip
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAB4AAAAUCAAAAAC/wNIYAAAAFklEQVR4nGP8z4APMOGVHZUelSZBGgCbjwEn5TWqQAAA"
    "AABJRU5ErkJggg=="
)  # 30 x 20 pixels, all 255
PACKED = base64.b64encode(zlib.compress(base64.b64decode(PNG))).decode()
TREES |= {
    "labelme_mask": {"imagePath": "b.png", "imageHeight": 30, "imageWidth": 40, "imageData": PNG,
        "shapes": [{"label": "nut", "points": [[2, 3], [31, 22]], "shape_type": "mask",
                    "mask": PNG}]},
    "via3": {"project": {}, "file": {"1": {"fname": "a.png"}}, "view": {"1": {"fid_list": ["1"]}},
        "attribute": {"1": {"aname": "class", "options": {"0": "nut"}}},
        "metadata": {"x": {"vid": "1", "xy": [7, *FLAT], "av": {"1": "0"}},
                     "y": {"vid": "1", "xy": [4, 9, 9, 8, 6], "av": {"1": "0"}}}},
    "panoptic": {"images": [{"id": 1, "file_name": "a.png", "height": 30, "width": 40}],
        "categories": [{"id": 3, "name": "nut", "isthing": 1}],
        "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": [
            {"id": 7, "category_id": 3, "area": 100, "bbox": [5, 5, 10, 10], "iscrowd": 0}]}]},
    "label_studio": [{"data": {"image": "/data/upload/1/a.png"}, "annotations": [{"result": [
        {"type": "polygonlabels", "original_width": 40, "original_height": 30, "id": "p",
         "value": {"points": CORNERS, "polygonlabels": ["nut"]}},
        {"type": "brushlabels", "original_width": 40, "original_height": 30, "id": "b",
         "value": {"rle": [0, 0, 18, 192, 59, 30, 255, 128], "brushlabels": ["nut"]}},
        {"type": "ellipselabels", "original_width": 40, "original_height": 30, "id": "e",
         "value": {"x": 40, "y": 50, "radiusX": 20, "radiusY": 9, "ellipselabels": ["nut"]}}]}]}],
    "supervisely": {"size": {"height": 30, "width": 40}, "objects": [
        {"classTitle": "nut", "geometryType": "polygon",
         "points": {"exterior": CORNERS, "interior": [[[9, 9], [14, 9], [14, 14]]]}},
        {"classTitle": "nut", "geometryType": "bitmap",
         "bitmap": {"origin": [2, 3], "data": PACKED}}]},
}  # fmt: skip
FILES = {"supervisely": "a.png.json"}  # what a file must be called, if not a.json
BOX = "<xmin>5</xmin><ymin>5</ymin><xmax>20</xmax><ymax>22</ymax>"
POINTS = ";".join(f"{x},{y}" for x, y in CORNERS)
TEXTS = {
    "a.xml": f"""<annotation><filename>a.png</filename><size><width>40</width><height>30</height>
</size><object><name>nut</name><bndbox>{BOX}</bndbox></object></annotation>""",
    "annotations.xml": f"""<annotations><image id="0" name="a.png" width="40" height="30">
<polygon label="nut" points="{POINTS}"/><mask label="nut" rle="0,90" left="3" top="3" width="9"
height="10"/><box label="nut" xtl="1" ytl="2" xbr="9" ybr="9" rotation="9"/></image><track id="0"
label="nut"><polygon frame="0" outside="0" points="{POINTS}"/></track></annotations>""",
    "b.xml": "<annotation><filename>a.png</filename><object><name>nut</name><polygon>"
    + "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in CORNERS)
    + "</polygon></object></annotation>",
    "a.txt": "0 .1 .1 .6 .1 .6 .7 .1 .7\n1 .5 .5 .2 .2\n0 .2 .3 .9 .3 .5 .9\n",
    "data.yaml": "nc: 2\nnames: [nut, fig]\n",
}
