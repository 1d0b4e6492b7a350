"""Mask R-CNNs that the Object Detection API itself exports: the same numbers here as in a session.

    python3 run.py setup; .venv/bin/python benchmarks/api_exports.py

The API's exporter, as the package tf-models-research-object-detection has it (version 2.8, August
2022), writes a model of random weights with the settings of mask_rcnn_inception_v2_coco, as frozen
graph and as SavedModel. It works with TensorFlow 2.15, in an environment that the first run makes
in .venv-api (1.7 GB). On two photographs the outputs of a plain session are compared with those
behind `load_detector`, bit by bit, and our masks with those that the API's own operation pastes.
On one core five minutes.
"""

import argparse
import importlib
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import venv

PLACE = pathlib.Path(__file__).resolve().parents[1] / ".venv-api"
PYTHON = PLACE / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
API = "tf-models-research-object-detection==2.8.0.post1"
NEEDED = (
    "tensorflow-cpu==2.15.1", "tf_slim==1.1.0", "numpy<2", "protobuf<5",
    "contextlib2", "matplotlib", "opencv-python-headless==4.8.1.78", "pandas", "pillow",
    "pycocotools", "scipy", "lxml", "six",
)  # fmt: skip
# Random weights, times these: classes and masks of inception_v2 become surer; the untrained ResNet,
# whose features are large, is left less sure, and its boxes end near the picture.
FACTORS = {
    "ClassPredictor/weights": 20,
    "MaskPredictor/weights": 20,
    "ClassPredictor_dense/kernel:0": 0.03,
    "BoxEncodingPredictor_dense/kernel:0": 0.03,
}
# What the API imports for other models than Mask R-CNN, or for training: left away.
UNUSED = (
    "tensorflow.contrib",
    "tensorflow.contrib.image",
    "tensorflow.contrib.image.python",
    "tensorflow.contrib.image.python.ops",
    "tensorflow_io",  # DeepMAC
    "official",  # EfficientDet, as the next
    "official.legacy",
    "official.legacy.image_classification",
    "official.legacy.image_classification.efficientnet",
)
OUTPUTS = (
    "num_detections",
    "detection_boxes",
    "detection_scores",
    "detection_classes",
    "detection_masks",
)
FORMS = {  # and where they are
    "TF1, frozen graph": "tf1/exported/frozen_inference_graph.pb",
    "TF1, SavedModel": "tf1/exported/saved_model",
    "TF2, SavedModel": "tf2/exported/saved_model",
}
HEAD = (
    "| form | photograph | outputs bit-equal | objects | mask pixels that differ "
    "| of them within the picture |",
    "|---|---|---|---|---|---|",
)
CONFIG = """
model { faster_rcnn {
  number_of_stages: 3
  num_classes: 90
  image_resizer { %(resizer)s }
  feature_extractor { type: '%(extractor)s' }
  first_stage_anchor_generator { grid_anchor_generator {
    scales: [0.25, 0.5, 1.0, 2.0] aspect_ratios: [0.5, 1.0, 2.0] height_stride: 16 width_stride: 16
  } }
  first_stage_box_predictor_conv_hyperparams { %(conv)s }
  first_stage_nms_score_threshold: 0.0
  first_stage_nms_iou_threshold: 0.7
  first_stage_max_proposals: %(proposals)d
  initial_crop_size: 14
  maxpool_kernel_size: 2
  maxpool_stride: 2
  second_stage_box_predictor { mask_rcnn_box_predictor {
    use_dropout: false
    fc_hyperparams { op: FC regularizer { l2_regularizer { weight: 0 } } initializer {
      variance_scaling_initializer { factor: 1 uniform: true mode: FAN_AVG } } }
    conv_hyperparams { %(conv)s }
    predict_instance_masks: true
    mask_height: %(mask)d
    mask_width: %(mask)d
    mask_prediction_conv_depth: 0
    mask_prediction_num_conv_layers: %(layers)d
  } }
  second_stage_post_processing {
    batch_non_max_suppression { score_threshold: 0 iou_threshold: 0.6
      max_detections_per_class: %(proposals)d max_total_detections: %(proposals)d }
    score_converter: SOFTMAX
  }
} }
"""
CONV = (
    "op: CONV regularizer { l2_regularizer { weight: 0 } } "
    "initializer { truncated_normal_initializer { stddev: 0.01 } }"
)
SETTINGS = {
    "tf1": {  # mask_rcnn_inception_v2_coco
        "resizer": "keep_aspect_ratio_resizer { min_dimension: 800 max_dimension: 1365 }",
        "extractor": "faster_rcnn_inception_v2",
        "proposals": 100, "mask": 15, "layers": 2, "conv": CONV,
    },
    "tf2": {  # the smallest that the API can build; the zoo's has Inception ResNet v2, 1024 x 1024
        "resizer": "fixed_shape_resizer { height: 320 width: 320 }",
        "extractor": "faster_rcnn_resnet50_keras",
        "proposals": 30, "mask": 33, "layers": 4, "conv": CONV,
    },
}  # fmt: skip


def main():
    """Export, then compare."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    make_environment()
    with tempfile.TemporaryDirectory() as folder:
        for version in SETTINGS:
            command = [PYTHON, __file__, "--inside", version, os.path.join(folder, version)]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        for row in (*HEAD, *compare(pathlib.Path(folder))):
            print(row, flush=True)


def make_environment():
    """Make the exporter's environment, unless it is there."""
    if (PLACE / "api").exists():
        return
    print(f"Making an environment in {PLACE} …", flush=True)
    venv.create(PLACE, clear=True, with_pip=True)
    pip = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *NEEDED], check=True)
    with tempfile.TemporaryDirectory() as folder:
        # As a source: the package that is built from it lacks slim/nets.
        download = [*pip, "download", "--no-deps", "--no-binary", ":all:", "-d", folder, API]
        subprocess.run(download, check=True)
        (archive,) = pathlib.Path(folder).iterdir()
        tarfile.open(archive).extractall(PLACE / "part", filter="data")
    (part,) = (PLACE / "part").iterdir()
    part.rename(PLACE / "api")


# Inside the exporter's environment ---------------------------------------------------------------


def export(version, folder):
    """Let the API write a model of random weights to FOLDER/exported."""
    prepare()
    from google.protobuf import text_format
    from object_detection.protos import pipeline_pb2

    text = CONFIG % SETTINGS[version]
    config = text_format.Parse(text, pipeline_pb2.TrainEvalPipelineConfig())
    exporter = {"tf1": export_graph, "tf2": export_module}[version]
    checkpoint = os.path.join(folder, "checkpoint")
    os.makedirs(checkpoint)
    exporter(config, checkpoint, os.path.join(folder, "exported"))


def prepare():
    """What has gone since 2022, and what exporting never uses, is put in the API's way."""
    from unittest.mock import MagicMock

    import numpy as np

    os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
    sys.path[:0] = [str(PLACE / "api"), str(PLACE / "api/slim")]
    for kind in (int, float, bool, object):
        setattr(np, kind.__name__, kind)
    for module in UNUSED:
        sys.modules[module] = MagicMock()
    for name in ("base", "convolutional", "core", "normalization", "pooling"):
        # TensorFlow 2.15 looks for them in a place where no Keras of its time has them.
        module = importlib.import_module(f"keras.src.legacy_tf_layers.{name}")
        sys.modules[f"tf_keras.legacy_tf_layers.{name}"] = module


def factor_of(name):
    """By what a variable's weights are multiplied."""
    return next((factor for ending, factor in FACTORS.items() if name.endswith(ending)), 1)


def export_graph(config, checkpoint, goal):
    """By exporter.py of TensorFlow 1."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    from object_detection import exporter
    from object_detection.builders import model_builder

    prefix = os.path.join(checkpoint, "model.ckpt")
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(0)
        model = model_builder.build(config.model, is_training=False)
        exporter.build_detection_graph("image_tensor", model, None, None, None)
        session.run(tf.global_variables_initializer())
        for variable in tf.global_variables():
            session.run(variable.assign(variable * factor_of(variable.op.name)))
        tf.train.Saver().save(session, prefix)
    exporter.export_inference_graph("image_tensor", config, prefix, goal)


def export_module(config, checkpoint, goal):
    """By exporter_lib_v2.py of TensorFlow 2, which is all that exporter_main_v2.py calls."""
    import tensorflow as tf
    from object_detection import exporter_lib_v2
    from object_detection.builders import model_builder

    tf.keras.utils.set_random_seed(0)  # Keras draws the seeds of its layers by Python's `random`
    model = model_builder.build(config.model, is_training=False)
    image, shapes = model.preprocess(tf.zeros([1, 320, 320, 3]))
    model.postprocess(model.predict(image, shapes), shapes)
    for variable in model.variables:
        variable.assign(variable * factor_of(variable.name))
    tf.train.Checkpoint(model=model).save(os.path.join(checkpoint, "ckpt"))
    exporter_lib_v2.export_inference_graph("image_tensor", config, checkpoint, goal)


# In Pixelwise's environment ----------------------------------------------------------------------


def compare(folder):
    """Yield a line for each form of an exported model and each photograph."""
    import numpy as np
    import tensorflow as tf

    from helpers import DATA
    from helpers.models import load_detector
    from helpers.pictures import read_image

    for form, place in FORMS.items():
        loader = plain_session if place.endswith(".pb") else plain_saved_model
        plain = loader(tf, folder / place)
        detector = load_detector(str(folder / place), score_threshold=0, say=None)
        for path in sorted((DATA / "photographs").glob("*.jpg"))[:2]:
            image = read_image(path)
            right, ours = plain(image), detector.outputs(image)
            equal = sum(np.array_equal(right[name], ours[name]) for name in OUTPUTS)
            masks = pasted(tf, right, image.shape[:2])
            if not masks.any():
                sys.exit(f"{form}, {path.stem}: no mask has a pixel to compare")
            differ = masks != detector(image).masks
            yield (
                f"| {form} | {path.stem} | {equal} of {len(OUTPUTS)} | {len(masks)} "
                f"| {differ.sum()} of {masks.sum():,} | {differ[:, :-1, :-1].sum()} |"
            )


def plain_session(tf, path):
    """A frozen graph as TensorFlow 1 ran it: image -> {name: array}."""
    graph = tf.Graph()
    with graph.as_default():
        definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        tf.import_graph_def(definition, name="")
    session = tf.compat.v1.Session(graph=graph)
    fetches = {name: f"{name}:0" for name in OUTPUTS}

    def call(image):
        return session.run(fetches, {"image_tensor:0": image[None]})

    return call


def plain_saved_model(tf, path):
    """A SavedModel as TensorFlow loads it: image -> {name: array}."""
    loaded = tf.saved_model.load(str(path))
    function = loaded.signatures["serving_default"]
    (key,) = function.structured_input_signature[1]

    def call(image, owner=loaded):  # the weights live as long as their owner does
        outputs = function(**{key: tf.constant(image[None])})
        return {name: outputs[name].numpy() for name in OUTPUTS}

    return call


def pasted(tf, outputs, size):
    """Masks (N, H, W) bool, best first, by the operation of utils/ops.py in the API."""
    import numpy as np

    num = int(outputs["num_detections"][0])
    order = np.argsort(-outputs["detection_scores"][0, :num], kind="stable")
    boxes = outputs["detection_boxes"][0][order]
    masks = outputs["detection_masks"][0][order]
    low, high = boxes[:, :2], boxes[:, 2:]
    is_real = (high > low).all(1)
    low, high = low[is_real], high[is_real]
    picture = np.concatenate([-low / (high - low), (1 - low) / (high - low)], 1)
    numbers = np.arange(len(picture))
    soft = tf.image.crop_and_resize(masks[is_real][..., None], picture, numbers, size)
    whole = np.zeros((num, *size), bool)
    whole[is_real] = soft.numpy()[..., 0] > 0.5
    return whole


if __name__ == "__main__":
    if "--inside" in sys.argv:
        export(*sys.argv[-2:])
    else:
        main()
