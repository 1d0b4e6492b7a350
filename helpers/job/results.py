"""results.json, all objects in COCO's format, and results.csv, the same as a table."""

import contextlib
import csv
import datetime
import json

from helpers.pictures import replacing

# Of results.csv. Boxes and areas are in pixels; objects count from 1 in each picture or frame, the
# best first, as they do on the page; frame and seconds are empty for a picture.
COLUMNS = ("file", "frame", "seconds", "object", "track_id", "name", "score")
COLUMNS += ("x1", "y1", "x2", "y2", "area", "result")


@contextlib.contextmanager
def writing_results(folder, detector):
    """Yields Results; its two files take the place of older ones if the block ends well.

    Args:
        folder: where they go.
        detector: whose results they are.
    """
    with contextlib.ExitStack() as stack:
        files = []
        for name in ("results.json", "results.csv"):
            part = stack.enter_context(replacing(folder / name))
            file = open(part, "w", encoding="utf-8", newline="\n")
            files.append(stack.enter_context(file))
        results = Results(CocoWriter(files[0], detector), CsvWriter(files[1]))
        yield results
        results.coco.close()


class Results:
    """Takes the objects of picture after picture, so that memory does not grow.

    Args:
        coco: CocoWriter.
        table: CsvWriter.
    """

    def __init__(self, coco, table):
        self.coco = coco
        self.table = table

    def add(self, path, result, detections, **more):
        """Add a picture or a frame of a video.

        Args:
            path: of the picture or video.
            result: the name of the drawn one.
            detections: Detections.
            **more: fields of the picture's entry, for example which frame it is.
        """
        height, width = detections.image_size
        image = {
            "id": len(self.coco.images) + 1,
            "file_name": str(path),
            "width": width,
            "height": height,
            "result": result,
            **more,
        }
        records = detections.to_coco(image["id"])
        self.coco.add(image, records)
        self.table.add(image, records, detections.names)

    @contextlib.contextmanager
    def all_or_nothing(self):
        """Take back what the block added if it fails."""
        with self.coco.all_or_nothing(), _truncating(self.table.file):
            yield


class CocoWriter:
    """Writes COCO JSON to an open file as the objects come.

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

    def add(self, image, records):
        """Add an image's entry, and the records of `Detections.to_coco`."""
        self.images.append(json.dumps(image))
        for record in records:
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
        num_images, num_annotations = len(self.images), self.num_annotations
        try:
            with _truncating(self.file):
                yield
        except BaseException:
            del self.images[num_images:]
            self.num_annotations = num_annotations
            raise

    def close(self):
        """Write the list of pictures, which completes the file."""
        self.file.write('\n], "images": [\n' + ",\n".join(self.images) + "\n]}\n")


class CsvWriter:
    """Writes a row for each object to an open file.

    Args:
        file: open for writing, text.
    """

    def __init__(self, file):
        self.file = file
        self.rows = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        self.rows.writeheader()

    def add(self, image, records, names):
        """Add the records of `Detections.to_coco`, and the objects' names."""
        for number, (record, name) in enumerate(zip(records, names, strict=True), start=1):
            x, y, width, height = record["bbox"]
            measured = {
                "file": image["file_name"],
                "object": number,
                "name": name,
                "x1": x,
                "y1": y,
                "x2": round(x + width, 2),
                "y2": round(y + height, 2),
                "area": round(width * height, 1),
            }
            self.rows.writerow({**image, **measured, **record})


@contextlib.contextmanager
def _truncating(file):
    """Cut an open file back to where it was if the block fails."""
    position = file.tell()
    try:
        yield
    except BaseException:
        file.seek(position)
        file.truncate()
        raise
