"""results.json: all objects in COCO's format."""

import contextlib
import datetime
import json


class CocoWriter:
    """Writes COCO JSON to an open file as the objects come, so that memory does not grow.

    Args:
        file: open for writing, text.
        detector: whose results they are.
    """

    def __init__(self, file, detector):
        self.file = file
        self.images = []  # a line of JSON each
        self.num_annotations = 0
        head = {
            "info": {
                "description": "objects found by Pixelwise",
                "model": detector.name,
                "date_created": datetime.datetime.now().isoformat(timespec="seconds"),
            },
            "licenses": [],
            "categories": [{"id": key, "name": name} for key, name in detector.categories.items()],
        }
        file.write(json.dumps(head)[:-1] + ', "annotations": [')

    def add(self, path, result, detections, **more):
        """Add a picture or a frame of a video.

        Args:
            path: of the picture or video.
            result: the name of the drawn one.
            detections: Detections.
            **more: fields of the image's entry, for example which frame it is.
        """
        height, width = detections.image_size
        image = {
            "id": len(self.images) + 1,
            "file_name": str(path),
            "width": width,
            "height": height,
            "result": result,
            **more,
        }
        self.images.append(json.dumps(image))
        for record in detections.to_coco(image["id"]):
            self._add_annotation(record)

    def _add_annotation(self, record):
        """Write one object behind the others."""
        self.file.write("\n" if self.num_annotations == 0 else ",\n")
        self.num_annotations += 1
        _, _, width, height = record["bbox"]
        without_mask = {"iscrowd": 0, "area": width * height, "segmentation": []}
        self.file.write(json.dumps({"id": self.num_annotations, **without_mask, **record}))

    @contextlib.contextmanager
    def all_or_nothing(self):
        """Take back what the block added if it fails."""
        position = self.file.tell()
        num_images, num_annotations = len(self.images), self.num_annotations
        try:
            yield
        except BaseException:
            self.file.seek(position)
            self.file.truncate()
            del self.images[num_images:]
            self.num_annotations = num_annotations
            raise

    def close(self):
        """Write the list of pictures, which completes the file."""
        self.file.write('\n], "images": [\n' + ",\n".join(self.images) + "\n]}\n")
