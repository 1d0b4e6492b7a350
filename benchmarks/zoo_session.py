"""What did a frame of a zoo model cost the 2018 way, and what does it cost here?

    python benchmarks/zoo_session.py [--frames 30] [--graph FOLDER | --model streets] [--small]

Three ways through the same frozen graph: "2018" opens a new Session for every frame and adds the
operations that paste its masks to the graph, as the notebooks of that year did; "warm Session"
does neither; "ours" is `load_detector`. Each has a process of its own, so that memory and CPU are
its own; they take the frames in turn, one at a time, so that whatever else the machine is doing
hits all of them alike: read the ratios. --model exports one of our models. Without --graph and
--model it is a graph with random weights, as large and as slow as mask_rcnn_inception_v2_coco.
"2018" counts a few pixels less: at the right and lower border of the image float32 in TensorFlow's
crop_and_resize loses the last line of some masks.
"""

import argparse
import gc
import multiprocessing
import pathlib
import statistics
import tempfile
import time

from helpers import DATA

BOX_OUTPUTS = ("num_detections", "detection_boxes", "detection_scores", "detection_classes")


def way_of_2018(folder):
    """A function image -> masks (N, H, W) that does everything anew, as it was done then."""
    tf, graph = import_graph(folder)

    def detect(image):
        with graph.as_default(), tf.Session() as session:
            fetches = {name: graph.get_tensor_by_name(f"{name}:0") for name in BOX_OUTPUTS}
            count = tf.cast(fetches["num_detections"][0], tf.int32)
            boxes = tf.squeeze(fetches["detection_boxes"], [0])
            masks = tf.squeeze(graph.get_tensor_by_name("detection_masks:0"), [0])
            boxes = tf.slice(boxes, [0, 0], [count, -1])
            masks = tf.slice(masks, [0, 0, 0], [count, -1, -1])
            # The picture as seen from each box, 0..1 inside it: cropping that pastes the mask.
            low, high = tf.split(tf.reshape(boxes, [-1, 2, 2]), 2, axis=1)
            picture = (tf.constant([[[0.0, 0.0], [1.0, 1.0]]]) - low) / (high - low)
            picture = tf.reshape(picture, [-1, 4])
            size = image.shape[:2]
            pasted = tf.image.crop_and_resize(masks[..., None], picture, tf.range(count), size)
            pasted = tf.cast(tf.greater(tf.squeeze(pasted, [3]), 0.5), tf.uint8)
            fetches["detection_masks"] = tf.expand_dims(pasted, 0)
            return session.run(fetches, {"image_tensor:0": image[None]})["detection_masks"][0]

    return detect


def warm_session(folder):
    """A function image -> masks (N, H, W): one Session for all frames, masks pasted in NumPy."""
    from helpers.mask_rcnn.mask_head import paste_masks

    tf, graph = import_graph(folder)
    session = tf.Session(graph=graph)
    fetches = {name: f"{name}:0" for name in (*BOX_OUTPUTS, "detection_masks")}

    def detect(image):
        outputs = session.run(fetches, {"image_tensor:0": image[None]})
        count = int(outputs["num_detections"][0])
        height, width = image.shape[:2]
        boxes_yxyx_norm = outputs["detection_boxes"][0, :count]
        boxes = boxes_yxyx_norm[:, [1, 0, 3, 2]] * [width, height, width, height]
        masks = outputs["detection_masks"][0, :count]
        return paste_masks(masks, boxes, (height, width), corners=True)

    return detect


def ours(folder):
    """A function image -> masks (N, H, W): the detector of this project."""
    from helpers.models import load_detector

    detector = load_detector(str(folder), score_threshold=0.0, say=None)
    return lambda image: detector(image).masks


WAYS = {"2018": way_of_2018, "warm Session": warm_session, "ours": ours}


def import_graph(folder):
    """TensorFlow as of version 1, and the frozen graph."""
    import tensorflow.compat.v1 as tf

    data = (pathlib.Path(folder) / "frozen_inference_graph.pb").read_bytes()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(tf.GraphDef.FromString(data), name="")
    return tf, graph


def serve(way, folder, pipe):
    """In a process of its own: an image comes, and what it cost goes, until None comes."""
    import psutil
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # not that the operations of 2018 are deprecated
    detect = WAYS[way](folder)
    pipe.send("ready")
    while (image := pipe.recv()) is not None:
        wall, cpu = time.perf_counter(), time.process_time()
        masks = detect(image)
        cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        graphs = [one for one in gc.get_objects() if issubclass(type(one), tf.Graph)]
        cost["nodes"] = sum(len(graph.get_operations()) for graph in graphs)
        cost["memory"] = psutil.Process().memory_info().rss / 2**20
        cost["masks"] = len(masks)
        cost["pixels"] = int(masks.sum())
        pipe.send(cost)


def opencv(folder):
    """What OpenCV's DNN says of the same network; a line for each file in `folder` that it reads.

    It ran the Object Detection API's graphs only with a description, written by a script for four
    backbones of 2018, that puts layers of OpenCV's own in the place of the graph's loops.
    """
    import cv2

    reads = {
        "frozen_inference_graph.pb": cv2.dnn.readNetFromTensorflow,
        "model.tflite": cv2.dnn.readNetFromTFLite,
    }
    for name, read in reads.items():
        if (folder / name).is_file():
            try:
                read(str(folder / name))
                yield f"OpenCV {cv2.__version__} DNN reads {name}: time it, too"
            except cv2.error as error:
                reason = " ".join(error.err.split())
                yield f"OpenCV {cv2.__version__} DNN refuses {name}: {reason.lstrip('> ')[:120]}"


def measure(folder, images, num_frames):
    """What each frame cost, {way: list}; the frame that warmed up comes first."""
    context = multiprocessing.get_context("spawn")
    pipes = {}
    for way in WAYS:
        pipes[way], end = context.Pipe()
        context.Process(target=serve, args=(way, str(folder), end), daemon=True).start()
        end.close()
    for pipe in pipes.values():
        pipe.recv()
    costs = {way: [] for way in WAYS}
    for frame in range(num_frames + 1):
        for way, pipe in pipes.items():
            pipe.send(images[frame % len(images)])
            costs[way].append(pipe.recv())
    for pipe in pipes.values():
        pipe.send(None)
    return costs


def median(frames, key):
    """Of what frames cost, without the first one, which warmed up."""
    return statistics.median(cost[key] for cost in frames[1:])


def main():
    """Print two tables: what a frame costs, and what grows from frame to frame."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=30, help="timed frames of each way")
    parser.add_argument("--graph", help="a folder with a frozen_inference_graph.pb")
    parser.add_argument("--model", help="one of our models, exported to such a graph")
    parser.add_argument("--small", action="store_true", help="a tenth of the channels, small sides")
    args = parser.parse_args()

    import numpy as np
    from measure import table
    from PIL import Image

    from helpers.models import export_model, find_source, load_model

    pictures = sorted((DATA / "pictures").glob("*.jpg"))
    images = [np.asarray(Image.open(path).convert("RGB")) for path in pictures]
    with tempfile.TemporaryDirectory() as scratch:
        if args.model:
            export_model(*load_model(find_source(args.model).path), scratch)
        elif not args.graph:
            from tests import api_graph

            if args.small:
                api_graph.build(scratch, width=0.1, sides=(96, 160))
            else:
                api_graph.build(scratch)
        costs = measure(args.graph or scratch, images, args.frames)
        refused = list(opencv(pathlib.Path(args.graph or scratch)))

    rows = []
    for way, frames in costs.items():
        row = [way]
        for key in ("wall", "cpu"):
            seconds, base = median(frames, key), median(costs["ours"], key)
            row += [f"{seconds:.2f}", f"{seconds / base:.2f}"]
        for key in ("masks", "pixels"):
            row.append(sum(cost[key] for cost in frames[1:]))
        rows.append(row)
    table(("way", "wall s", "ratio", "CPU s", "ratio", "masks", "pixels"), rows)
    print("\n".join(refused))
    print("\nNodes in all graphs, after the first and last frame; MiB, after first, half, last")
    rows = []
    for way, frames in costs.items():
        memory = (frames[k]["memory"] for k in (0, len(frames) // 2, -1))
        rows.append((way, frames[0]["nodes"], frames[-1]["nodes"], *(f"{m:.0f}" for m in memory)))
    table(("way", "nodes, first", "last", "MiB, first", "half", "last"), rows)


if __name__ == "__main__":
    main()
